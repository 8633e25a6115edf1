"""Table of unit lives: who was born dead, who died for good, who came back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.aggregate import Estimate
from reluprobe.analysis.unit_lives import Fate, Fates
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.terminal.layout import Settings, first_that_fits, plain_table, shown_layers
from reluprobe.report.terminal.tables import cell

#: Configurations and what became of the units of each; None where no run ended.
FatesByConfiguration = Sequence[tuple[Settings, Fates | None]]

MOST_LAYERS = 12
LEGEND = (
    "born, ever, end: % of units dead at the first probe, at any, at the last; "
    "revives: % of dead units alive at the next probe; "
    "episode: median number of probes dead in a row (Kaplan–Meier: an episode open at the end "
    "counts as long as it was watched; never: fewer than half end); "
    "for good: % of those dead at the end that were dead at every probe since their first death"
)


def headline(configurations: FatesByConfiguration) -> Text:
    """Whether death was for good, in a sentence, where most units are dead at the end."""
    ended = [(settings, fates.network) for settings, fates in configurations if fates is not None]
    settings, fate = max(ended, key=lambda f: _dead(f[1]), default=({}, None))
    if fate is None or not _dead(fate):
        return Text("no unit was dead at the end of any run", style="bold")
    name = f"{labels.settings(settings)}: " if settings else ""
    text = (
        f"{name}{formatting.plus_minus(fate.permanent)}% of the units dead at the end have been "
        "dead ever since they first died"
    )
    if fate.revives is not None:
        chance = formatting.plus_minus(fate.revives)
        text += f"; a dead unit is alive again by the next probe with probability {chance}%"
    return Text(text, style="bold")


def _dead(fate: Fate) -> float:
    return fate.end.mean if fate.end else 0.0


def title(configurations: FatesByConfiguration) -> Text:
    """What the table shows, and when it was looked."""
    ended = [fates for _, fates in configurations if fates is not None]
    if not ended:
        return Text("lives of units", style="italic")
    probes = labels.count(min(f.probes for f in ended), "probe")
    first, last = min(f.first for f in ended), max(f.last for f in ended)
    return Text(f"lives of units: {probes} a run, epochs {first:g}–{last:g}", style="italic")


def table(configurations: FatesByConfiguration, width: int) -> RenderableType:
    """One row per configuration and hidden layer, and one for the whole network.

    Where ``width`` is short, the shares that other tables show too give up their intervals; where
    it is shorter still, names go above their rows.
    """
    return first_that_fits(_layouts(configurations), width)


def _layouts(configurations: FatesByConfiguration) -> Iterator[RenderableType]:
    yield _table(configurations, formatting.plus_minus)
    yield _table(configurations, formatting.mean)
    parts: list[RenderableType] = []
    for settings, fates in configurations:
        heading = Text(labels.settings(settings), style="bold")
        parts += [heading, _table([({}, fates)], formatting.mean)]
    yield Group(*parts)


def _table(configurations: FatesByConfiguration, write: Callable[[Estimate | None], str]) -> Table:
    table = plain_table()
    keys = list(configurations[0][0]) if configurations else []
    for key in keys:
        table.add_column(labels.name(key), no_wrap=True)
    for name in ("L", "born %", "ever %", "end %", "revives %", "episode", "open", "for good %"):
        table.add_column(name, justify="right", no_wrap=True)
    for settings, fates in configurations:
        names = [labels.setting(settings[key]) for key in keys]
        if fates is None:
            table.add_row(*names, formatting.NOT_APPLICABLE)
            continue
        for i in shown_layers(len(fates.layers), MOST_LAYERS):
            table.add_row(*names, str(i + 1), *_cells(fates.layers[i], write))
            names = [""] * len(keys)
        table.add_row(*names, "all", *_cells(fates.network, write), style="bold")
    return table


def _cells(fate: Fate, write: Callable[[Estimate | None], str]) -> list[Text]:
    shares = [Text(write(fate.born)), Text(write(fate.ever)), cell(fate.end, write)]
    rest = (_share(fate.revives), *_episode(fate), _share(fate.permanent))
    return [*shares, *map(Text, rest)]


def _share(estimate: Estimate | None) -> str:
    # From the two seeds in which anything died, an interval can be wider than what it is of.
    if estimate is not None and estimate.half_width is not None and estimate.half_width > 1:
        return f"{formatting.percent(estimate.mean)} ±>100"
    return formatting.plus_minus(estimate)


def _episode(fate: Fate) -> tuple[str, str]:
    if not fate.closed and not fate.open:
        return formatting.NOT_APPLICABLE, formatting.NOT_APPLICABLE
    return "never" if fate.median is None else str(fate.median), f"{fate.open:,}"
