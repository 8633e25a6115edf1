"""Summaries → what the terminal shows: Rich tables and lines. Nothing here prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis.aggregate import Collapse, Estimate, Summary
from reluprobe.analysis.aggregate import collapsed as collapse_of
from reluprobe.config import SETTINGS, Value, labels, phases
from reluprobe.records import RunRecord
from reluprobe.records.folder import Archive
from reluprobe.report import formatting

#: What a definition is called in a heading, and what it means, in a line.
CALLED = {
    "dead": ("dead", "f′(z) = 0 on every probe example"),
    "silent": ("silent", "output 0 on every probe example"),
    "never_positive": ("never positive", "z ≤ 0 on every probe example"),
    "constant": ("constant", "the same output on every probe example"),
    "dormant": ("dormant", "mean |output| ≤ 2.5% of its layer's mean"),
    "saturated": ("saturated", "output within 0.001 of its range's end on every probe example"),
}
NARROW = 80
#: Blanks between two columns.
GAP = 2
#: What may become of runs, as :class:`Summary` counts them.
MISHAPS = ("diverged", "failed", "collapsed")
#: What is said of a run that diverged although every epoch of its history is finite.
DIVERGED_LATE = "diverged after the last whole epoch"


def heat(share_: float | None) -> str:
    """The colour of a dead share; the number beside it says the same."""
    if share_ is None:
        return "dim"
    return "green" if share_ < 0.05 else "yellow" if share_ < 0.4 else "red"


def shown_layers(depth: int, room: int) -> list[int]:
    """Indices of at most ``room`` layers, evenly spread, first and last among them."""
    if depth <= room:
        return list(range(depth))
    return sorted({round(i * (depth - 1) / (room - 1)) for i in range(room)})


def sweep_headline(found: Sequence[Summary], definition: str) -> Text:
    """From the fewest dead to the most, in a sentence, each with its accuracy."""
    ranked = [(c.mean.mean, c) for c in found if c.mean is not None]
    if not ranked:
        return Text("no run ended with finite numbers", style="bold red")
    least, most = min(ranked, key=lambda r: r[0])[1], max(ranked, key=lambda r: r[0])[1]
    word = CALLED[definition][0]
    if least is most:
        return Text(f"{formatting.plus_minus(most.mean)}% {word}{_at(most)}", style="bold")
    ends = [f"{formatting.plus_minus(c.mean)}%{_at(c)}" for c in (least, most)]
    return Text(f"{word}: from {ends[0]} to {ends[1]}", style="bold")


def _at(found: Summary) -> str:
    accuracy = found.accuracy and f"test accuracy {formatting.plus_minus(found.accuracy)}%"
    there = [part for part in (labels.settings(found.settings), accuracy) if part]
    return f" ({'; '.join(there)})" if there else ""


#: With more axes than this, a configuration is named by what sets it apart, in one column.
MOST_NAMES = 4


def shortened(found: Sequence[Summary], most: int = MOST_NAMES) -> list[Summary]:
    """Configurations of few settings as they are, those of many named by what sets them apart.

    That is by the settings that are not at their default, or where no configuration has the
    default, not as most of the others have them.
    """
    if not found or len(found[0].settings) <= most:
        return list(found)
    values = {k: Counter(c.settings[k] for c in found) for k in found[0].settings}
    usual = {
        k: SETTINGS[k].default if SETTINGS[k].default in counted else counted.most_common(1)[0][0]
        for k, counted in values.items()
    }

    def apart(c: Summary) -> str:
        return labels.settings({k: v for k, v in c.settings.items() if v != usual[k]})

    return [replace(c, settings={"change": apart(c) or "none"}) for c in found]


def provenance(archive: Archive) -> Text:
    """What was run, where, for how long, and the sample behind the numbers."""
    found = archive.records
    if not found:
        return Text("no readable run", style="dim")
    seconds = sum(r.seconds for r in found)
    # A run whose process died has left no word of its device.
    places = {_place(r) for r in found if r.status != "failed" or "device" in r.environment}
    probes = {f"{r.probe.examples:,} {r.probe.split}ing examples" for r in found}
    sets = {r.config.dataset for r in found}
    epochs = sorted({phases.total_epochs(r.config.phases, r.config.epochs) for r in found})
    spans = labels.count(epochs[0], "epoch")
    if len(epochs) > 1:
        spans = f"{epochs[0]}–{epochs[-1]} epochs"
    absent = f" ({archive.missing:,} more missing)" if archive.missing else ""
    text = (
        f"{labels.count(len(found), 'run')} of {', '.join(sorted(sets))}{absent}, {spans}, "
        f"probed on {' or '.join(sorted(probes))}; "
        f"{formatting.duration(seconds)} on {' and '.join(sorted(places)) or 'unknown devices'}"
    )
    return Text(text, style="dim")


def _place(record: RunRecord) -> str:
    there = record.environment
    return f"{there.get('devices', '?')} × {there.get('device', '?')} (JAX {there.get('jax')})"


def outcome(found: Sequence[Summary], definition: str, width: int) -> Table:
    """A row a configuration: share, test accuracy, losses, number of runs.

    Where ``width`` is short, losses are left out before a name is cut.
    """
    columns = {
        **_names(found),
        f"{CALLED[definition][0]} %": [cell(c.mean) for c in found],
        "test acc %": [Text(formatting.plus_minus(c.accuracy)) for c in found],
        "test loss": [Text(formatting.plus_minus(c.loss, formatting.number)) for c in found],
        "train loss": [Text(formatting.plus_minus(c.train_loss, formatting.number)) for c in found],
        "runs": [Text(runs_of(c)) for c in found],
    }
    return _table(columns, _names(found), width, spare=("train loss", "test loss"))


def by_layer(found: Sequence[Summary], definition: str, width: int) -> RenderableType:
    """A row a configuration: share per hidden layer; of many layers, as many as fit."""
    depth = max((len(c.layers) for c in found), default=0)
    if not depth:
        return Text(f"{formatting.NOT_APPLICABLE}: no run ended with finite numbers", style="dim")
    names = _names(found)
    for room in range(depth, 1, -1):
        shown = shown_layers(depth, room)
        table = _table(names | {f"L{i + 1}": _layer(found, i) for i in shown}, names, width)
        if table_width(table) <= width:
            return table
    return _table(names | {f"L{i + 1}": _layer(found, i) for i in range(depth)}, names, width)


def _layer(found: Sequence[Summary], layer: int) -> list[Text]:
    return [cell(c.layers[layer]) if layer < len(c.layers) else Text("") for c in found]


def layers_title(definition: str) -> Text:
    """What the table by layer shows."""
    return Text(f"{CALLED[definition][0]} % by hidden layer", style="italic")


def lost(found: Sequence[RunRecord]) -> Group | None:
    """What diverged or failed, a line each; None where nothing did."""
    bad = [r for r in found if r.status != "ok"]
    if not bad:
        return None
    lines = [Text(f"{labels.count(len(bad), 'failed or diverged run')}:", style="bold red")]
    return Group(*lines, *(Text(f"  {r.id}  {_fate(r)}  {labels.network(r.config)}") for r in bad))


def collapsed(found: Sequence[RunRecord]) -> Group | None:
    """What collapsed, a line each with the evidence; None where nothing did."""
    there = [(r, c) for r in found if (c := collapse_of(r)) is not None]
    if not there:
        return None
    what = "output does not depend on input (a hidden layer is constant on the probe)"
    head = Text(f"{labels.count(len(there), 'run')} collapsed: {what}:", style="bold red")
    rows = (f"  {r.id}  {_evidence(c)}  {labels.network(r.config)}" for r, c in there)
    return Group(head, *map(Text, rows))


def _evidence(found: Collapse) -> str:
    text = f"layer {found.layer} is constant, loss {formatting.number(found.loss, 3)}"
    if found.accuracy is not None:
        text += f", accuracy {formatting.percent(found.accuracy)}%"
    # The same on the probe, and yet better than chance: the test set is another sample.
    return text + (" (better than chance)" if found.chance is False else "")


def _fate(record: RunRecord) -> str:
    if record.status == "failed":
        return f"failed: {record.error}"
    epoch = record.diverged_at
    # A run may diverge after its last whole epoch: then no epoch of its history says so.
    return f"diverged in epoch {epoch}" if epoch is not None else DIVERGED_LATE


def axes(found: dict[str, tuple[Value, ...]]) -> Table:
    """The axes of a sweep, with their values."""
    table = Table(box=None, pad_edge=False)
    table.add_column("axis")
    table.add_column("values")
    for name, values in found.items():
        table.add_row(name, ", ".join(labels.setting(v) for v in values))
    return table


def runs_of(c: Summary) -> str:
    """``5``, or ``5 (1 diverged)``."""
    extra = [f"{n} {word}" for word in MISHAPS if (n := getattr(c, word))]
    return f"{c.runs} ({', '.join(extra)})" if extra else str(c.runs)


def cell(found: Estimate | None) -> Text:
    """A share with its interval, coloured by how many are dead."""
    return Text(formatting.plus_minus(found), style=heat(found.mean if found else None))


def _names(found: Sequence[Summary]) -> dict[str, list[Text]]:
    """The columns that tell configurations apart."""
    keys = found[0].settings if found else ()
    return {labels.name(k): [Text(labels.setting(c.settings[k])) for c in found] for k in keys}


def _table(
    columns: Mapping[str, list[Text]],
    names: Container[str],
    width: int,
    spare: Sequence[str] = (),
) -> Table:
    """Columns of equally many cells; ``spare`` ones are given up, in order, for want of width."""
    table = Table(box=None, pad_edge=False)
    for title in columns:
        left = "left" if title in names else "right"
        # What sets a configuration apart may be long; a number that is cut is no number.
        table.add_column(title, justify=left, no_wrap=title != "change")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    if spare and table_width(table) > width:
        fewer = {title: cells for title, cells in columns.items() if title != spare[0]}
        return _table(fewer, names, width, spare[1:])
    return table


def table_width(table: Table) -> int:
    """How many columns of a terminal it takes to cut nothing.

    Of a table without a box, as all are here. Rich's own measure gives the same, but slowly:
    for ten thousand runs it took 0.4 s.
    """
    widths = [max(map(_cells, (c.header, *c.cells)), default=0) for c in table.columns]
    return sum(widths) + GAP * (len(widths) - 1)


def _cells(cell: RenderableType) -> int:
    return max(map(cell_len, said(cell).splitlines()), default=0)


def said(cell: RenderableType) -> str:
    """A cell without its colours."""
    return cell.plain if isinstance(cell, Text) else str(cell)
