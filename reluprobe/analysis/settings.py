"""Settings of runs, ours and foreign alike: what a run has, and whether it has an effect there.

A run of ours has every setting of ``RunConfig``. A foreign one has those that its owner gave, and
its name among them; one that it lacks is None. The settings of a foreign run all count, and none
has a default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reluprobe import config
from reluprobe.config import SETTINGS
from reluprobe.errors import InputError, nearest
from reluprobe.records import RunRecord, Setting
from reluprobe.records.schema import NAME

Settings = Mapping[str, Setting]
#: What tells the runs of a configuration apart.
SEED = "seed"


def value_of(run: RunRecord, name: str) -> Setting:
    """A setting of a run, the seed among them; None where it has no such setting."""
    if name == SEED:
        return run.seed
    return run.settings.get(name) if run.ours is None else getattr(run.ours, name, None)


def configuration_of(run: RunRecord) -> tuple[object, ...]:
    """All settings of a run but the seed, to be compared with another's."""
    if run.ours is None:
        given = {name: value for name, value in run.settings.items() if value is not None}
        return (frozenset(given.items()),)
    return tuple(value for name, value in vars(run.ours).items() if name != SEED)


def is_foreign(settings: Settings) -> bool:
    """Whether these settings are all of a foreign run's."""
    return NAME in settings


def applies(name: str, settings: Settings) -> bool:
    """Whether a setting has an effect beside these others, which are all of a run's."""
    return is_foreign(settings) or SETTINGS[name].applies(settings)


def default_of(name: str, settings: Settings) -> Setting:
    """What a setting is where nobody says what; None where there is no such thing."""
    return None if is_foreign(settings) else SETTINGS[name].default


def without_idle(settings: Settings) -> dict[str, Setting]:
    """The same settings, those without an effect beside the others put back to their defaults."""
    return {**settings} if is_foreign(settings) else config.without_idle(settings)


def names_in(runs: Iterable[RunRecord]) -> list[str]:
    """Every setting that any of these runs has, in order of appearance."""
    return list(dict.fromkeys(name for run in runs for name in run.settings))


def check_kind(runs: Sequence[RunRecord]) -> None:
    """Refuse runs of ours and foreign ones in one table: their settings have nothing in common.

    Raises:
        InputError: there are both.
    """
    if len({run.ours is None for run in runs}) > 1:
        raise InputError(
            "runs that reluprobe trained and runs of other networks cannot stand in one table",
            hint="each kind by itself",
        )


def check_names(names: Sequence[str], runs: Sequence[RunRecord], problem: str) -> list[str]:
    """These names, each checked to be a setting of these runs.

    Raises:
        InputError: one is not; ``problem`` is its first line.
    """
    foreign = [run for run in runs if run.ours is None]
    known = [*names_in(foreign), SEED] if foreign else [*SETTINGS]
    wrong = [f"{n!r} is no setting{_allowed(n, known, foreign)}" for n in names if n not in known]
    if wrong:
        raise InputError(problem, wrong)
    return list(names)


def _allowed(name: str, known: Sequence[str], foreign: Sequence[RunRecord]) -> str:
    near = nearest(name, known)
    return near if near or not foreign else f"; these runs have {', '.join(known)}"


def written_as(text: str, name: str, runs: Iterable[RunRecord]) -> Setting:
    """The value of a foreign setting that is written so; the text itself where there is none.

    ``1e-3`` is 0.001, ``none`` a setting that a run lacks.
    """
    values = list(dict.fromkeys(run.settings.get(name) for run in runs))
    plain = text.strip()
    for value in values:
        if config.written(value) == plain:
            return value
    try:
        number = float(plain)
    except ValueError:
        return plain
    numbers = (v for v in values if isinstance(v, int | float) and not isinstance(v, bool))
    return next((value for value in numbers if value == number), number)
