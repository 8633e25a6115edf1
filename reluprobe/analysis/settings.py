"""Settings of runs, ours and foreign alike: what a run has, and whether it has an effect there.

A run of ours has every setting of ``RunConfig``; one that trains somebody's own network has that
network's settings too, in the place of the text that says them. A foreign one has those that its
owner gave, and its name among them; one that it lacks is None. The settings of a foreign run all
count, and none has a default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from reluprobe import config
from reluprobe.config import SETTINGS, full_name, labels, near_name
from reluprobe.errors import InputError
from reluprobe.records import RunRecord, Setting
from reluprobe.records.schema import NAME

Settings = Mapping[str, Setting]
#: What tells the runs of a configuration apart.
SEED = "seed"
#: The values of all others: of ten thousand runs, without a look at each name.
_but_the_seed = attrgetter(*(name for name in SETTINGS if name != SEED))


def value_of(run: RunRecord, name: str) -> Setting:
    """A setting of a run, the seed among them; None where it has no such setting."""
    if name == SEED:
        return run.seed
    return run.table.get(name)


def configuration_of(run: RunRecord) -> tuple[object, ...]:
    """All settings of a run but the seed, to be compared with another's."""
    if run.ours is None:
        given = {name: value for name, value in run.settings.items() if value is not None}
        return (frozenset(given.items()),)
    return _but_the_seed(run.ours)


def is_foreign(settings: Settings) -> bool:
    """Whether these settings are all of a foreign run's."""
    return NAME in settings


def applies(name: str, settings: Settings) -> bool:
    """Whether a setting has an effect beside these others, which are all of a run's."""
    if is_foreign(settings) or name not in SETTINGS:
        return True
    return SETTINGS[name].applies(settings)


def default_of(name: str, settings: Settings) -> Setting:
    """What a setting is where nobody says what; None where there is no such thing."""
    return None if is_foreign(settings) or name not in SETTINGS else SETTINGS[name].default


def without_idle(settings: Settings) -> dict[str, Setting]:
    """The same settings, those without an effect beside the others put back to their defaults."""
    if is_foreign(settings):
        return {**settings}
    ours = {name: value for name, value in settings.items() if name in SETTINGS}
    return {**settings, **config.without_idle(ours)}


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


def known_names(runs: Iterable[RunRecord]) -> list[str]:
    """The names that a setting of these runs may have; of foreign runs those that it has."""
    runs = tuple(runs)
    foreign = [run for run in runs if run.ours is None]
    if foreign:
        return list(dict.fromkeys([*names_in(foreign), SEED]))
    return list(dict.fromkeys([*SETTINGS, *own_names(runs)]))


def own_names(runs: Iterable[RunRecord]) -> list[str]:
    """The settings that none but somebody's own networks have."""
    own = (run for run in runs if run.ours is not None and run.ours.is_own)
    return [name for name in names_in(own) if name not in SETTINGS]


def check_names(names: Sequence[str], runs: Sequence[RunRecord], problem: str) -> list[str]:
    """The full names of these, each checked to be a setting of these runs: ``lr`` is one too.

    Raises:
        InputError: one is not; ``problem`` is its first line.
    """
    known = known_names(runs)
    full = [full_name(name, known) for name in names]
    wrong = [f"{n!r} is no setting{_allowed(n, known, runs)}" for n in full if n not in known]
    if wrong:
        raise InputError(problem, wrong)
    return full


def _allowed(name: str, known: Sequence[str], runs: Iterable[RunRecord]) -> str:
    near = near_name(name, known)
    foreign = any(run.ours is None for run in runs)
    return near if near or not foreign else f"; these runs have {', '.join(known)}"


def value_among(given: Setting, name: str, runs: Iterable[RunRecord]) -> Setting:
    """The value of a setting that these runs have, as it was given in full, or as it is printed.

    ``3.16e-4`` finds 0.000316227766017, ``1e-3`` 0.001, and ``none`` a setting that a run lacks.
    What none of them has is given back.

    Raises:
        InputError: several values are printed so; they are listed in full.
    """
    values = list(dict.fromkeys(value_of(run, name) for run in runs))
    plain = given.strip() if isinstance(given, str) else given
    for value in values:
        if config.written(value) == plain:
            return value
    number = _number(plain)
    same = labels.printed_so(plain if number is None else number, values)
    if len(same) > 1:
        listed = ", ".join(map(config.written, same))
        fault = f"{name} = {plain}: {len(same)} values are printed so: {listed}"
        raise InputError("a value that is not one", [fault], hint="one of them in full")
    return same[0] if same else plain


def _number(text: Setting) -> float | None:
    if not isinstance(text, str):
        return None
    try:
        return float(text)
    except ValueError:
        return None
