"""Group runs into configurations, and choose the baseline to compare the others with."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reluprobe.analysis.axes import differing
from reluprobe.analysis.collapse import collapsed
from reluprobe.analysis.settings import applies, check_kind, default_of, names_in, own_names
from reluprobe.config import rank, written
from reluprobe.errors import InputError, nearest
from reluprobe.records import RunRecord, Setting

#: Configurations, or values of a setting, that an error lists at most.
MOST_LISTED = 12


@dataclass(frozen=True)
class Configuration:
    """All settings but the seed, and the runs that have them, one a seed.

    The configurations of one comparison name the same settings: what a foreign run lacks is None.
    """

    settings: Mapping[str, Setting]
    runs: Mapping[int, RunRecord]

    @property
    def done(self) -> dict[int, RunRecord]:
        """The runs with final numbers, by seed."""
        return {seed: run for seed, run in self.runs.items() if run.ended}

    def seeds(self, status: str) -> list[int]:
        """The seeds of the runs that diverged, failed or collapsed, in order."""
        if status == "collapsed":
            return sorted(s for s, run in self.runs.items() if collapsed(run) is not None)
        return sorted(s for s, run in self.runs.items() if run.status == status)


def configurations(records: Sequence[RunRecord]) -> list[Configuration]:
    """The configurations of these runs, in order of appearance."""
    check_kind(records)
    names = names_in(run for run in records if run.ours is None) + own_names(records)
    groups: dict[tuple[Setting, ...], tuple[dict[str, Setting], dict[int, RunRecord]]] = {}
    for record in records:
        settings = dict.fromkeys(names) | record.settings
        _, runs = groups.setdefault(tuple(settings.values()), (settings, {}))
        runs[record.seed] = record
    return [Configuration(settings, runs) for settings, runs in groups.values()]


def varying(among: Sequence[Configuration]) -> list[str]:
    """The settings in which these configurations differ."""
    return differing([one.settings for one in among])


def matching(among: Sequence[Configuration], wanted: Mapping[str, Setting]) -> list[Configuration]:
    """Those with all of these values."""
    return [one for one in among if all(one.settings[k] == v for k, v in wanted.items())]


def choose(
    among: Sequence[Configuration],
    wanted: Mapping[str, Setting],
    within: Mapping[str, Setting] = MappingProxyType({}),
    fitting: Sequence[Configuration] = (),
) -> Configuration:
    """The one configuration that matches; of several, the one that is otherwise as usual.

    As usual a setting is at its default, or where no match has that, as most of them have it; one
    of a foreign run is as usual where it is not there.

    Args:
        among: configurations to choose from.
        wanted: settings and values that it must have.
        within: what all of ``among`` share, for the message.
        fitting: those with another configuration beside them. One alone is the baseline where
            nothing else tells which is.

    Raises:
        InputError: none matches, or several do and none of them is it.
    """
    matches = matching(among, wanted)
    if not matches:
        raise InputError("no run has the baseline's settings", _absent(among, wanted))
    usual = _as_usual(matches)
    if len(usual) == 1:
        return usual[0]
    if len(fitting) == 1:
        return fitting[0]
    # What is as usual in some match is not asked for, unless they never are so together.
    candidates = usual or matches
    differ = varying(candidates)
    named = _written({**within, **wanted}) or "no setting named"
    raise InputError(
        f"the baseline is not one configuration: {len(candidates)} match ({named})",
        [*_listed(candidates, differ), f"name one value of {' and of '.join(differ)}"],
        hint=_try(wanted, differ, candidates[0]),
    )


def _as_usual(matches: Sequence[Configuration]) -> list[Configuration]:
    """Those of which every setting that varies is at its default, or as most of them have it."""
    usual = list(matches)
    for name in varying(matches):
        default = default_of(name, matches[0].settings)
        # Where it has no effect a setting is at its default, which says nothing of the others.
        values = Counter(c.settings[name] for c in matches if applies(name, c.settings))
        value, times = values.most_common(1)[0] if values else (default, 0)
        if default in values:
            value = default
        elif 2 * times <= values.total():
            continue
        usual = [c for c in usual if c.settings[name] == value or not applies(name, c.settings)]
    return usual


def _try(wanted: Mapping[str, Setting], differ: Sequence[str], one: Configuration) -> str:
    whole = {**wanted, **{name: one.settings[name] for name in differ}}
    return f"--baseline {shlex.quote(_written(whole))}"


def _written(settings: Mapping[str, Setting]) -> str:
    return ",".join(f"{k}={written(v)}" for k, v in settings.items())


def _absent(among: Sequence[Configuration], wanted: Mapping[str, Setting]) -> list[str]:
    faults = []
    for name, value in wanted.items():
        values = sorted({one.settings[name] for one in among}, key=rank)
        if value not in values:
            listed = ", ".join(map(written, values[:MOST_LISTED]))
            more = f", … ({len(values)} values)" if len(values) > MOST_LISTED else ""
            close = nearest(written(value), map(written, values))
            faults.append(f"{name} = {written(value)}: these runs have {listed}{more}{close}")
    if faults:
        return faults
    return ["each setting alone occurs, all of them together do not"]


def _listed(among: Sequence[Configuration], differ: Sequence[str]) -> list[str]:
    lines = [_written({k: one.settings[k] for k in differ}) for one in among[:MOST_LISTED]]
    rest = len(among) - len(lines)
    return [*lines, f"… and {rest} more"] if rest else lines
