"""Main tables and headlines of a sweep: outcome, dead units by layer, provenance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.analysis import lacking
from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.config import SETTINGS, Value, labels, phases
from reluprobe.files.printable import printable
from reluprobe.records import RunRecord
from reluprobe.records.folder import Archive
from reluprobe.report import formatting
from reluprobe.report.terminal.layout import first_that_fits, plain_table, shown_layers
from reluprobe.report.terminal.mishaps import MISHAPS

#: What a definition is called in a heading, and what it means, in a line.
CALLED = {
    "dead": ("dead", "f′(z) = 0 on every probe example"),
    "silent": ("silent", "output 0 on every probe example"),
    "never_positive": ("never positive", "z ≤ 0 on every probe example"),
    "constant": ("constant", "the same output on every probe example"),
    "dormant": ("dormant", "mean |output| ≤ 2.5% of its layer's mean"),
    "saturated": ("saturated", "output within 0.001 of its range's end on every probe example"),
}

#: Values of an axis that are listed, the last of them among these.
MOST_LISTED = 20


def heat(share_: float | None) -> str:
    """The colour of a dead share; the number beside it says the same."""
    if share_ is None:
        return "dim"
    return "green" if share_ < 0.05 else "yellow" if share_ < 0.4 else "red"


def sweep_headline(summaries: Sequence[Summary], definition: str) -> Text:
    """From the fewest dead to the most, in a sentence, each with its accuracy."""
    ranked = [(c.mean.mean, c) for c in summaries if c.mean is not None]
    if not ranked:
        reason = lacking.shares([run for c in summaries for run in c.members], definition)
        return Text(reason or formatting.NOT_APPLICABLE, style="bold red")
    least, most = min(ranked, key=lambda r: r[0])[1], max(ranked, key=lambda r: r[0])[1]
    word = CALLED[definition][0]
    if least is most:
        return Text(f"{formatting.plus_minus(most.mean)}% {word}{_at(most)}", style="bold")
    ends = [f"{formatting.plus_minus(c.mean)}%{_at(c)}" for c in (least, most)]
    return Text(f"{word}: from {ends[0]} to {ends[1]}", style="bold")


def _at(summary: Summary) -> str:
    accuracy = summary.accuracy and f"test accuracy {formatting.plus_minus(summary.accuracy)}%"
    parts = [part for part in (labels.settings(summary.settings), accuracy) if part]
    return f" ({'; '.join(parts)})" if parts else ""


#: With more axes than this, a configuration is named by what sets it apart, in one column.
MOST_NAMES = 4


def shortened(summaries: Sequence[Summary], most: int = MOST_NAMES) -> list[Summary]:
    """Configurations of few settings as they are, those of many named by what sets them apart.

    That is by the settings that are not at their default, or where no configuration has the
    default, not as most of the others have them.
    """
    if not summaries or len(summaries[0].settings) <= most:
        return list(summaries)
    values = {k: Counter(c.settings[k] for c in summaries) for k in summaries[0].settings}
    usual = {
        k: SETTINGS[k].default if SETTINGS[k].default in counted else counted.most_common(1)[0][0]
        for k, counted in values.items()
    }

    def apart(c: Summary) -> str:
        return labels.settings({k: v for k, v in c.settings.items() if v != usual[k]})

    return [replace(c, settings={"change": apart(c) or "none"}) for c in summaries]


def provenance(archive: Archive) -> Text:
    """What was run, where, for how long, and the sample behind the numbers."""
    records = archive.records
    if not records:
        return Text("no readable run", style="dim")
    seconds = sum(r.seconds for r in records)
    # A run whose process died has left no word of its device.
    places = {_place(r) for r in records if r.status != "failed" or "device" in r.environment}
    probes = {formatting.probe_examples(r.probe) for r in records}
    sets = {r.config.dataset for r in records}
    epochs = sorted({phases.total_epochs(r.config.phases, r.config.epochs) for r in records})
    spans = labels.count(epochs[0], "epoch")
    if len(epochs) > 1:
        spans = f"{epochs[0]}–{epochs[-1]} epochs"
    absent = f" ({archive.missing:,} more missing)" if archive.missing else ""
    text = (
        f"{labels.count(len(records), 'run')} of {', '.join(sorted(sets))}{absent}, {spans}, "
        f"probed on {' or '.join(sorted(probes))}; "
        f"{formatting.duration(seconds)} on {' and '.join(sorted(places)) or 'unknown devices'}"
    )
    return Text(text, style="dim")


def _place(record: RunRecord) -> str:
    values = (str(record.environment.get(k, "?")) for k in ("devices", "device", "jax"))
    count, device, jax = map(printable, values)
    return f"{count} × {device} (JAX {jax})"


def outcome(summaries: Sequence[Summary], definition: str, width: int) -> Table:
    """One row per configuration: share, test accuracy, losses, number of runs.

    Where ``width`` is short, losses are left out before a name is cut.
    """
    names = _names(summaries)
    columns = {
        f"{CALLED[definition][0]} %": [cell(c.mean) for c in summaries],
        "test acc %": [Text(formatting.plus_minus(c.accuracy)) for c in summaries],
        "test loss": [Text(formatting.plus_minus(c.loss, formatting.number)) for c in summaries],
        "train loss": [
            Text(formatting.plus_minus(c.train_loss, formatting.number)) for c in summaries
        ],
        "runs": [Text(runs_of(c)) for c in summaries],
    }
    given_up = ((), ("train loss",), ("train loss", "test loss"))
    layouts = (
        _table(names, {title: c for title, c in columns.items() if title not in losses})
        for losses in given_up
    )
    return first_that_fits(layouts, width)


def ends(summaries: Sequence[Summary], layers: bool = True) -> Text | None:
    """What stands beside the means of :func:`outcome` and :func:`by_layer`; None where nothing."""
    every = [e for c in summaries for e in (c.mean, c.accuracy, c.loss, c.train_loss)]
    every += [e for c in summaries for e in c.layers if layers]
    text = formatting.ends(every)
    mixes = list(dict.fromkeys(name for c in summaries for name in c.mixes))
    if mixes:
        text += f" (folded: {', '.join(map(labels.name, mixes))})"
    return Text(text, style="dim") if text else None


def by_layer(summaries: Sequence[Summary], definition: str, width: int) -> RenderableType:
    """One row per configuration: share per hidden layer; of many layers, as many as fit.

    Where ``width`` is short the means stand alone before a layer is left out.
    """
    depth = max((len(c.layers) for c in summaries), default=0)
    if not depth:
        return Text(f"{formatting.NOT_APPLICABLE}: {lacking.NONE_ENDED}", style="dim")
    names = _names(summaries)
    full, means = formatting.plus_minus, formatting.mean
    # Rather all layers without their ends than some; where not even two fit, all are shown, cut.
    layouts = (
        _table(names, {f"L{i + 1}": _layer(summaries, i, write) for i in shown_layers(depth, room)})
        for room, write in ((depth, full), *((n, means) for n in (*range(depth, 1, -1), depth)))
    )
    return first_that_fits(layouts, width)


def _layer(
    summaries: Sequence[Summary], layer: int, write: Callable[[Estimate | None], str]
) -> list[Text]:
    return [cell(c.layers[layer], write) if layer < len(c.layers) else Text("") for c in summaries]


def layers_title(definition: str) -> Text:
    """What the table by layer shows."""
    return Text(f"{CALLED[definition][0]} % by hidden layer", style="italic")


def axes(values_by_name: Mapping[str, tuple[Value, ...]]) -> Table:
    """The axes of a sweep, with their values; of many, the first and the last."""
    table = plain_table()
    table.add_column("axis")
    table.add_column("values")
    for name, values in values_by_name.items():
        listed = [labels.setting(v) for v in values]
        if len(listed) > MOST_LISTED:
            last = f"… {listed[-1]} ({len(listed):,} values)"
            listed = [*listed[: MOST_LISTED - 1], last]
        table.add_row(name, ", ".join(listed))
    return table


def runs_of(c: Summary) -> str:
    """``5``, or ``5 (1 diverged)``."""
    extra = [f"{n} {word}" for word in MISHAPS if (n := getattr(c, word))]
    return f"{c.runs} ({', '.join(extra)})" if extra else str(c.runs)


def cell(
    estimate: Estimate | None, write: Callable[[Estimate | None], str] = formatting.plus_minus
) -> Text:
    """A share, with its interval unless it is written otherwise, coloured by how many are dead."""
    return Text(write(estimate), style=heat(estimate.mean if estimate else None))


def _names(summaries: Sequence[Summary]) -> dict[str, list[Text]]:
    """The columns that tell configurations apart."""
    keys = summaries[0].settings if summaries else ()
    return {labels.name(k): [Text(labels.setting(c.settings[k])) for c in summaries] for k in keys}


def _table(names: Mapping[str, list[Text]], columns: Mapping[str, list[Text]]) -> Table:
    """Columns of equally many cells: names to the left, numbers to the right."""
    table = plain_table()
    for title in names:
        # What sets a configuration apart may be long; a number that is cut is no number.
        table.add_column(title, no_wrap=title != "change")
    for title in columns:
        table.add_column(title, justify="right", no_wrap=True)
    for row in zip(*names.values(), *columns.values(), strict=True):
        table.add_row(*row)
    return table
