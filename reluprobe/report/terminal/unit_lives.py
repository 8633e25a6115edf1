"""Table of unit lives: who was born dead, who died for good, who came back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis import lacking
from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.analysis.dead_masks import unknown
from reluprobe.analysis.unit_fates import Fate, Fates
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.life_words import LifeWords, words_of
from reluprobe.report.terminal import named_layers
from reluprobe.report.terminal.layout import (
    LAYER_NAME,
    Settings,
    add_layers,
    fitted,
    layer_tables,
    plain_table,
    shown_layers,
    tail,
)
from reluprobe.report.terminal.tables import cell
from reluprobe.report.terms import FOREIGN, OURS, Terms

#: Configurations and what became of the units of each; None where it cannot be told.
FatesByConfiguration = Sequence[tuple[Settings, Fates | None]]
Write = Callable[[Estimate | None], str]

MOST_LAYERS = 12


def legend(definition: str) -> Text:
    """What the columns of the table are."""
    words = words_of(definition)
    return Text(
        f"born, ever, end: % of units {words.state} at the first probe, at any, at the last; "
        f"{words.returns}: % of {words.state} units {words.other} at the next probe; "
        f"episode: median number of probes {words.state} in a row (Kaplan–Meier: an episode open "
        "at the end counts as long as it was watched; never: fewer than half end); "
        f"for good: % of those {words.state} at the end that were {words.state} at every probe "
        f"since {words.first}",
        style="dim",
    )


def redrawn_legend(definition: str) -> Text:
    """What the columns of units drawn anew are, and what that does to a life."""
    words = words_of(definition)
    return Text(
        f"drawn anew: how often a run did so with a unit; {words.anew}: % of these times that it "
        f"was {words.state} at the next probe. To be drawn anew ends {words.stretch}, and to be "
        f"{words.anew} begins another: such a unit has not {words.returned}, and is not "
        f"{words.state} for good",
        style="dim",
    )


def headline(configurations: FatesByConfiguration, definition: str = "dead") -> Text:
    """Whether death was for good, in a sentence, where most units are dead at the end."""
    words = words_of(definition)
    ended = [(settings, fates.network) for settings, fates in configurations if fates is not None]
    settings, fate = max(ended, key=lambda f: _dead(f[1]), default=({}, None))
    if fate is None or not _dead(fate):
        text = f"no unit was {words.state} at the end of any run{_redrawn(ended, words)}"
        return Text(text, style="bold")
    name = f"{labels.settings(settings)}: " if settings else ""
    text = (
        f"{name}{formatting.plus_minus(fate.permanent)}% of the units {words.state} at the end "
        f"have been {words.state} ever since they {words.began}"
    )
    if fate.revives is not None:
        chance = formatting.plus_minus(fate.revives)
        text += f"; a {words.state} unit is {words.back} by the next probe with probability "
        text += f"{chance}%"
    return Text(f"{text}{_redrawn(ended, words)}", style="bold")


def _redrawn(ended: Sequence[tuple[Settings, Fate]], words: LifeWords) -> str:
    """Of the configuration that draws most units anew, how many die again."""
    drawn = [(settings, fate, fate.redrawn) for settings, fate in ended if fate.redrawn is not None]
    settings, fate, times = max(drawn, key=lambda d: d[2].mean, default=({}, None, None))
    if fate is None or times is None or not times.mean:
        return ""
    name = labels.settings(settings)
    number = formatting.mean(times, lambda n: f"{n or 0:,.0f}")
    return (
        f"; {f'{name} has ' if name else ''}{number} units a run drawn anew, of which "
        f"{formatting.plus_minus(fate.died_again)}% are {words.anew} at the next probe"
    )


def _dead(fate: Fate) -> float:
    return fate.end.mean if fate.end else 0.0


def title(configurations: FatesByConfiguration, definition: str = "dead") -> Text:
    """What the table shows, and when it was looked."""
    ended = [fates for _, fates in configurations if fates is not None]
    if not ended:
        return Text("lives of units", style="italic")
    probes = labels.count(min(f.probes for f in ended), "probe")
    span = _terms(ended[0]).span(min(f.first for f in ended), max(f.last for f in ended))
    deepest = max(len(f.layers) for f in ended)
    some = f"; of {deepest} layers those with most {definition}" if deepest > MOST_LAYERS else ""
    some = some if _terms(ended[0]).foreign else ""
    return Text(f"lives of units: {probes} a run, {span}{some}", style="italic")


def _terms(fates: Fates) -> Terms:
    return FOREIGN if fates.clock == FOREIGN.clock else OURS


def _rows(fates: Fates, most: int) -> list[tuple[str, Fate]]:
    """Layers as a column of their own calls them; of many those with most dead, or some."""
    names = [*fates.layers]
    if _terms(fates).foreign:
        dead = {name: _dead(fate) for name, fate in fates.layers.items()}
        shown = named_layers.worst(dead, most)
        return [(tail(name, LAYER_NAME), fates.layers[name]) for name in shown]
    shown = [names[i] for i in shown_layers(len(names), most)]
    return [(name.removeprefix("L"), fates.layers[name]) for name in shown]


def table(
    configurations: FatesByConfiguration, width: int, definition: str = "dead"
) -> RenderableType:
    """One row per configuration and hidden layer, and one for the whole network.

    Where ``width`` is short, the shares that other tables show too give up their intervals, then
    the others; where it is shorter still, names go above their rows.
    """
    return fitted(_layouts(configurations, words_of(definition)), width)


def _layouts(
    configurations: FatesByConfiguration, words: LifeWords
) -> Iterator[tuple[RenderableType, str]]:
    full, means = formatting.plus_minus, formatting.mean
    ends = any(
        fates is not None and fates.network.end is not None and fates.network.end.ends
        for _, fates in configurations
    )
    yield _table(configurations, words, full, full), ""
    yield _table(configurations, words, means, full), "± of born, ever, end" * ends
    yield _table(configurations, words, means, means), "±" * ends
    parts: list[RenderableType] = []
    for settings, fates in configurations:
        heading = Text(labels.settings(settings), style="bold")
        parts += [heading, _table([({}, fates)], words, means, means)]
    yield Group(*parts), "±" * ends


def _table(
    configurations: FatesByConfiguration, words: LifeWords, write: Write, write_rest: Write
) -> Table:
    """``write`` is for shares that stand in other tables too, ``write_rest`` for the others."""
    table = plain_table()
    keys = list(configurations[0][0]) if configurations else []
    for key in keys:
        table.add_column(labels.name(key), no_wrap=True)
    layers = [_rows(fates, MOST_LAYERS) if fates else [] for _, fates in configurations]
    add_layers(table, [name for rows in layers for name, _ in rows])
    titles = ("born %", "ever %", "end %", f"{words.returns} %", "episode", "open", "for good %")
    for name in titles:
        table.add_column(name, justify="right", no_wrap=True)
    for (settings, fates), rows in zip(configurations, layers, strict=True):
        names = [labels.setting(settings[key]) for key in keys]
        if fates is None:
            table.add_row(*names, formatting.NOT_APPLICABLE)
            continue
        for name, fate in rows:
            table.add_row(*names, name, *_cells(fate, write, write_rest))
            names = [""] * len(keys)
        table.add_row(*names, "all", *_cells(fates.network, write, write_rest), style="bold")
    return table


def _cells(fate: Fate, write: Write, write_rest: Write) -> list[Text]:
    shares = [Text(write(fate.born)), Text(write(fate.ever)), cell(fate.end, write)]
    rest = [write_rest(fate.revives), *_episode(fate), write_rest(fate.permanent)]
    return [*shares, *map(Text, rest)]


def redrawn(configurations: FatesByConfiguration, definition: str = "dead") -> Group | None:
    """How often units were drawn anew and died again, by layer; None where none was."""
    present = [
        (settings, fates)
        for settings, fates in configurations
        if fates is not None and fates.network.redrawn is not None
    ]
    if not present:
        return None
    rows = (
        (settings, ((name, _redrawn_cells(fate)) for name, fate in _rows(fates, len(fates.layers))))
        for settings, fates in present
    )
    total = [_redrawn_cells(fates.network) for _, fates in present]
    return layer_tables(("drawn anew", f"{words_of(definition).anew} %"), rows, total)


def _redrawn_cells(fate: Fate) -> list[str]:
    return [formatting.plus_minus(fate.redrawn, _times), formatting.plus_minus(fate.died_again)]


def _times(number: float | None) -> str:
    return formatting.NOT_APPLICABLE if number is None else f"{number:,.1f}"


def _episode(fate: Fate) -> tuple[str, str]:
    if not fate.closed and not fate.open:
        return formatting.NOT_APPLICABLE, formatting.NOT_APPLICABLE
    return "never" if fate.median is None else str(fate.median), f"{fate.open:,}"


def left_out(row: Summary, fates: Fates | None, definition: str = "dead") -> Text | None:
    """Of which of a configuration's runs the lives cannot be told, and why; None where of all."""
    ended = [run for run in row.members if run.ended]
    if not ended or (fates is not None and not fates.left_out):
        return None
    reasons = (why for run in ended if (why := _untold(run, definition)) is not None)
    reason = next(reasons, "the records say nothing")
    name, number = labels.settings(row.settings), fates.left_out if fates else len(ended)
    text = f"{labels.count(number, 'run')} left out: {reason}"
    return Text(f"{name}: {text}" if name else text, style="yellow")


def _untold(run: RunRecord, definition: str) -> str | None:
    why = unknown(run, definition)
    return lacking.applies([run], definition) if why is None else f"the records say {why}"
