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
from reluprobe.records import RunRecord, Setting
from reluprobe.records.folder import Archive
from reluprobe.records.schema import NAME
from reluprobe.report import formatting, quality_terms
from reluprobe.report.terminal import foreign_words, named_layers
from reluprobe.report.terminal.layout import Fitted, fitted, plain_table, shown_layers
from reluprobe.report.terminal.mishaps import MISHAPS
from reluprobe.report.terms import OURS, Terms, terms_of

#: The threshold of a definition that has one, where it is of no run.
USUAL = {"dormant": "2.5% (or dormant_threshold)", "rare": "1% (or rare_threshold)"}
#: What a definition is called in a heading, and what it means, in a line.
CALLED = {
    "dead": ("dead", "f′(z) = 0 on every probe example"),
    "silent": ("silent", "output 0 on every probe example"),
    "never_positive": ("never positive", "z ≤ 0 on every probe example"),
    "constant": ("constant", "the same output on every probe example"),
    "dormant": ("dormant", f"mean |output| ≤ {USUAL['dormant']} of its layer's mean"),
    "saturated": ("saturated", "output within 0.001 of its range's end on every probe example"),
    "rare": ("rare", f"z > 0 on at most {USUAL['rare']} of probe examples, and on one"),
    "linear": ("linear", "z > 0, where f is straight, on every probe example"),
}

#: Values of an axis that are listed, the last of them among these.
MOST_LISTED = 20


def heat(share_: float | None) -> str:
    """The colour of a dead share; the number beside it says the same."""
    if share_ is None:
        return "dim"
    return "green" if share_ < 0.05 else "yellow" if share_ < 0.4 else "red"


def sweep_headline(summaries: Sequence[Summary], definition: str) -> Text:
    """From the fewest dead to the most, in a sentence, each with how good it is.

    Of foreign runs also which network it is, and of how many units.
    """
    ranked = [(c.mean.mean, c) for c in summaries if c.mean is not None]
    if not ranked:
        reason = lacking.shares([run for c in summaries for run in c.members], definition)
        return Text(reason or formatting.NOT_APPLICABLE, style="bold red")
    least, most = min(ranked, key=lambda r: r[0])[1], max(ranked, key=lambda r: r[0])[1]
    word = CALLED[definition][0]
    if terms_of(most.members).foreign:
        return Text(foreign_words.headline(least, most, definition, word), style="bold")
    if least is most:
        return Text(f"{formatting.plus_minus(most.mean)}% {word}{_at(most)}", style="bold")
    ends = [f"{formatting.plus_minus(c.mean)}%{_at(c)}" for c in (least, most)]
    return Text(f"{word}: from {ends[0]} to {ends[1]}", style="bold")


def _at(summary: Summary) -> str:
    quality = quality_terms.whole(summary)
    parts = [part for part in (labels.settings(summary.settings), quality) if part]
    return f" ({'; '.join(parts)})" if parts else ""


#: What the configuration is called that nothing sets apart from the others.
UNCHANGED = "no change"
#: Letters of a setting's value that are kept in one line.
LONGEST_NAME = 40
#: With more axes than this, a configuration is named by what sets it apart, in one column.
MOST_NAMES = 4


def shortened(summaries: Sequence[Summary], most: int = MOST_NAMES) -> list[Summary]:
    """Configurations of few settings as they are, those of many named by what sets them apart.

    That is by the settings that are not at their default; or where no configuration has the
    default, or more than half have another value, not as most of the others have them.
    """
    if not summaries or len(summaries[0].settings) <= most:
        return list(summaries)
    apart = map(labels.settings, set_apart(summaries))
    return [
        replace(c, settings={"change": name or UNCHANGED})
        for c, name in zip(summaries, apart, strict=True)
    ]


def set_apart(summaries: Sequence[Summary]) -> list[dict[str, Setting]]:
    """Of each configuration the settings that set it apart, see :func:`shortened`."""
    values = {k: Counter(c.settings[k] for c in summaries) for k in summaries[0].settings}
    foreign = terms_of(summaries[0].members).foreign
    usual = {k: _usual(counted, None if foreign else k) for k, counted in values.items()}

    def tells(name: str, value: Setting) -> bool:
        # Where a setting has no effect in most, its default elsewhere says nothing.
        silent = usual[name] is None and name in SETTINGS and value == SETTINGS[name].default
        return name == NAME or (value != usual[name] and not silent)

    return [{k: v for k, v in c.settings.items() if tells(k, v)} for c in summaries]


def _usual(counted: Counter[Setting], name: str | None) -> Setting:
    """The default of the setting of this name, if any configuration has it; else the commonest.

    The commonest, too, where more than half have it: of networks with momentum, the one with Adam
    is apart.
    """
    default = SETTINGS[name].default if name in SETTINGS else None
    value, count = counted.most_common(1)[0]
    return default if default in counted and 2 * count <= counted.total() else value


def provenance(archive: Archive, *, short: bool = False) -> Text:
    """What was run, where, for how long, and the sample behind the numbers; in short, not where."""
    records = archive.records
    if not records:
        return Text("no readable run", style="dim")
    seconds = sum(r.seconds for r in records)
    # A run whose process died has left no word of its device.
    known = [r for r in records if r.status != "failed" or "device" in r.environment]
    if terms_of(records).foreign:
        places = {_place(r) for r in known if "device" in r.environment}
        where = () if short else places
        return Text(foreign_words.provenance(records, seconds, where), style="dim")
    places = {_place(r) for r in known}
    probes = {formatting.probe_examples(r.probe) for r in records}
    configs = [r.ours for r in records if r.ours is not None]
    sets = {config.dataset for config in configs}
    epochs = sorted({phases.total_epochs(config.phases, config.epochs) for config in configs})
    spans = labels.count(epochs[0], "epoch")
    if len(epochs) > 1:
        spans = f"{epochs[0]}–{epochs[-1]} epochs"
    absent = f" ({archive.missing:,} more missing)" if archive.missing else ""
    text = (
        f"{labels.count(len(records), 'run')} of {', '.join(sorted(sets))}{absent}, {spans}, "
        f"probed on {' or '.join(sorted(probes))}; {formatting.duration(seconds)}"
    )
    if not short:
        text += f" on {' and '.join(sorted(places)) or 'unknown devices'}"
    return Text(text, style="dim")


def _place(record: RunRecord) -> str:
    values = (str(record.environment.get(k, "?")) for k in ("devices", "device", "jax"))
    count, device, jax = map(printable, values)
    return f"{count} × {device} (JAX {jax})"


def outcome(
    summaries: Sequence[Summary], definition: str, width: int, *, losses: bool = True
) -> Fitted:
    """One row per configuration: share, how good it is, losses if wanted, number of runs.

    Where ``width`` is short, losses are left out before a name is cut, then the RMSE, then names
    take several lines.
    """
    names = _names(summaries)
    terms = terms_of(summaries[0].members if summaries else ())
    measures = {
        **quality_terms.columns(summaries),
        **({terms.loss: [(c.loss, formatting.number) for c in summaries]} if losses else {}),
        **(
            {"train loss": [(c.train_loss, formatting.number) for c in summaries]} if losses else {}
        ),
    }
    columns = {f"{CALLED[definition][0]} %": [cell(c.mean) for c in summaries]}
    for title, estimates in measures.items():
        # What the owner of these runs never gave is no column of theirs.
        if not terms.foreign or any(e is not None for e, _ in estimates):
            columns[title] = [Text(formatting.plus_minus(e, write)) for e, write in estimates]
    columns["runs"] = [Text(runs_of(c)) for c in summaries]
    given_up_last = (quality_terms.RMSE, terms.loss, "train loss")
    present = [title for title in given_up_last if title in columns]

    def without(given_up: Sequence[str], wrapped: bool = False) -> tuple[Table, str]:
        kept = {title: cells for title, cells in columns.items() if title not in given_up}
        return _table(names, kept, wrapped=wrapped), " and ".join(given_up)

    layouts = [without(present[n:]) for n in range(len(present), -1, -1)]
    return fitted([*layouts, without(present, wrapped=True)], width)


def ends(summaries: Sequence[Summary], layers: bool = True) -> Text | None:
    """What stands beside the means of :func:`outcome` and :func:`by_layer`; None where nothing."""
    every = [e for c in summaries for e in (c.mean, c.accuracy, c.r2, c.loss, c.train_loss)]
    every += [e for c in summaries for e in c.layers.values() if layers]
    text = formatting.ends(every)
    mixes = list(dict.fromkeys(name for c in summaries for name in c.mixes))
    if mixes:
        text += f" (folded: {', '.join(map(labels.name, mixes))})"
    return Text(text, style="dim") if text else None


def by_layer(summaries: Sequence[Summary], definition: str, width: int) -> RenderableType:
    """One row per configuration: share per hidden layer; of many layers, as many as fit.

    Where ``width`` is short the means stand alone before a layer is left out. The layers of foreign
    runs have names, and a row each.
    """
    every = list(dict.fromkeys(name for c in summaries for name in c.layers))
    if not every:
        runs = [run for c in summaries for run in c.members]
        reason = lacking.end(runs) or "no layer was counted"
        return Text(f"{formatting.NOT_APPLICABLE}: {reason}", style="dim")
    if terms_of(summaries[0].members).foreign:
        return named_layers.by_layer(summaries, CALLED[definition][0], width, cell)
    names, depth = _names(summaries), len(every)
    full, means = formatting.plus_minus, formatting.mean
    # Rather all layers without their ends than some.
    rooms = ((False, depth, full), *((False, n, means) for n in range(depth, 1, -1)))
    rooms += ((True, min(depth, 2), means),)
    chosen = (
        (last, [every[i] for i in shown_layers(depth, room)], write) for last, room, write in rooms
    )
    ends = any(e is not None and e.ends for c in summaries for e in c.layers.values())

    def of(layers: Sequence[str], write: formatting.WriteEstimate, wrapped: bool) -> Table:
        cells = {name: _layer(summaries, name, write) for name in layers}
        return _table(names, cells, wrapped=wrapped)

    layouts = (
        (
            # The last, where not even two layers fit beside the names, wraps these.
            of(layers, write, wrapped=last),
            _lacking(depth - len(layers), ends and write is means),
        )
        for last, layers, write in chosen
    )
    return fitted(layouts, width)


def _lacking(layers: int, ends: bool) -> str:
    """What a table by layer does without, in words."""
    return " and ".join(["±"] * ends + [labels.count(layers, "layer")] * bool(layers))


def _layer(
    summaries: Sequence[Summary], layer: str, write: Callable[[Estimate | None], str]
) -> list[Text]:
    return [cell(c.layers[layer], write) if layer in c.layers else Text("") for c in summaries]


def layers_title(definition: str, terms: Terms = OURS) -> Text:
    """What the table by layer shows."""
    return Text(f"{CALLED[definition][0]} % by {terms.layer}", style="italic")


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


def _table(
    names: Mapping[str, list[Text]], columns: Mapping[str, list[Text]], *, wrapped: bool = False
) -> Table:
    """Columns of equally many cells: names to the left, in several lines if so, then numbers."""
    table = plain_table()
    for title in names:
        # What sets a configuration apart may be long; a number that is cut is no number.
        longest = max((len(cell) for cell in names[title]), default=0)
        one_line = not wrapped and title != "change" and longest <= LONGEST_NAME
        table.add_column(title, no_wrap=one_line, overflow="fold")
    for title in columns:
        table.add_column(title, justify="right", no_wrap=True)
    for row in zip(*names.values(), *columns.values(), strict=True):
        table.add_row(*row)
    return table
