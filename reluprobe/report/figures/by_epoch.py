"""Figures by epoch: loss and accuracy; dead units by definition, and by hidden layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from reluprobe.analysis import lacking, learning_curves
from reluprobe.analysis.estimates import ANY, POSITIVE, SHARE, Limits
from reluprobe.analysis.learning_curves import Curve
from reluprobe.records import EpochRecord, RunRecord
from reluprobe.report import formatting
from reluprobe.report.figures import lines, panels, small_multiples, style
from reluprobe.report.figures.context import Context, Drawing, Entry, LackingError, alt_text
from reluprobe.report.figures.lines import Courses, Measures, Part
from reluprobe.report.figures.style import Look
from reluprobe.report.terminal import tables
from reluprobe.report.terminal.layout import tail
from reluprobe.report.terminal.named_layers import worst

#: Of the layers of a deep network, names for so many.
NAMED_LAYERS = 5
#: Letters of such a name.
LETTERS = 20


def training(context: Context) -> Drawing:
    """Training loss and test accuracy (of a regression, test loss) by epoch."""
    if (reason := lacking.training(context.records)) is not None:
        raise LackingError(reason)
    if context.terms.foreign:
        return _given(context)
    trained = [e for e in context.entries if lacking.training(e.runs) is None]
    shown, note = context.some(trained)
    losses = _curves(
        shown, lambda runs: learning_curves.by_epoch(runs, lambda e: e.train_loss, POSITIVE)
    )
    tests = _curves(shown, lambda runs: learning_curves.by_epoch(runs, lambda e: e.test_accuracy))
    name, share = "test accuracy %", bool(tests)
    if not share:
        name = "test loss"
        tests = _curves(
            shown, lambda runs: learning_curves.by_epoch(runs, lambda e: e.test_loss, POSITIVE)
        )
    if not losses or not tests:
        raise LackingError("the runs of no configuration share an epoch of training")
    tested = Part(name, tests, "accuracy" if share else "loss")
    parts = [Part("training loss", losses, "loss"), tested]
    figure = lines.beside(parts)
    written = formatting.percent if share else formatting.number
    ends = {e.label: c.last for e, c in losses}
    facts = [
        f"{e.label}: {name} {formatting.plus_minus(c.last, written)}, training loss "
        f"{formatting.plus_minus(ends.get(e.label), formatting.number)} after epoch {c.when[-1]:g}"
        for e, c in tests
    ]
    caption = (
        f"Training loss (mean over the epoch) and {name.removesuffix(' %')} by epoch. "
        f"{context.seeds()}{lines.behind(parts)}{note}"
    )
    return figure, caption, alt_text(facts)


def _given(context: Context) -> Drawing:
    """What the owners of foreign runs gave: losses and accuracy, whichever there are, by step."""
    measures: dict[str, tuple[Callable[[EpochRecord], float | None], Limits, Measures]] = {
        "training loss": (lambda e: e.train_loss, POSITIVE, "loss"),
        "loss": (lambda e: e.test_loss, ANY, "loss"),
        "accuracy %": (lambda e: e.test_accuracy, SHARE, "accuracy"),
    }
    shown, note = context.some(context.entries)
    parts = []
    for name, (measure, limits, kind) in measures.items():
        curves = _curves(shown, partial(_by_clock, measure=measure, limits=limits))
        if curves:
            parts.append(Part(name, curves, kind, context.terms.clock))
    if not parts:
        raise LackingError("the runs of no configuration share a step at which a measure was given")
    names = [part.name.removesuffix(" %") for part in parts]
    facts = [
        f"{e.label}: {part.name} {formatting.plus_minus(c.last, _written(part))} at "
        f"{context.terms.at(c.when[-1])}"
        for part in parts
        for e, c in part.courses
    ]
    caption = (
        f"What was given of training, {' and '.join(names)}, by step. "
        f"{context.seeds()}{lines.behind(parts)}{note}"
    )
    return lines.beside(parts), caption, alt_text(facts)


def _by_clock(
    runs: Sequence[RunRecord], measure: Callable[[EpochRecord], float | None], limits: Limits
) -> Curve:
    return learning_curves.by_epoch(runs, measure, limits)


def _written(part: Part) -> formatting.Write:
    return formatting.number if part.measures == "loss" else formatting.percent


def definitions(context: Context) -> Drawing:
    """Share of all hidden units by epoch, by two definitions or three, side by side."""
    wanted = dict.fromkeys((context.definition, "dead", "never_positive"))
    shown, note = context.some(_probed(context))
    curves = {d: _curves(shown, lambda runs, d=d: learning_curves.network(runs, d)) for d in wanted}
    curves = {d: pairs for d, pairs in curves.items() if pairs}
    if not curves:
        raise LackingError(_without_curves(context, tuple(wanted)))
    names = {d: tables.CALLED[d][0] for d in curves}
    clock = context.terms.clock
    parts = [Part(f"{names[d]} %", pairs, across=clock) for d, pairs in curves.items()]
    figure = lines.overlaid(parts)
    ends = {d: {e.label: c.last for e, c in pairs} for d, pairs in curves.items()}
    facts = [
        f"{e.label}: "
        + ", ".join(f"{formatting.plus_minus(ends[d].get(e.label))}% {names[d]}" for d in curves)
        for e in shown
    ]
    meant = "; ".join(f"{names[d]}: {tables.CALLED[d][1]}" for d in curves)
    caption = (
        f"Share of all {context.terms.units} by {clock}, counted by each definition ({meant}), on "
        f"{context.examples}. {context.seeds()}{note}"
    )
    return figure, caption, alt_text(facts)


def layers(context: Context) -> Drawing:
    """Share of dead units of each hidden layer by epoch, one panel per configuration."""
    shown, note = context.some(_probed(context))
    curves = [(e, by_layer) for e in shown if (by_layer := _by_layer(e, context.definition))]
    if not curves:
        raise LackingError(_without_curves(context, (context.definition,)))
    large = len(curves) <= small_multiples.LARGE
    every = [curve for _, by_layer in curves for curve in by_layer.values()]

    def prepare(axes: Axes) -> None:
        panels.percent(axes, panels.roof(every))
        panels.epochs(axes, every)

    terms = context.terms
    block = small_multiples.Block(f"{context.word} %", terms.clock, prepare)
    height = 1.5 if large else 0.85
    labels = [e.label for e, _ in curves]
    # Names take more room beside a panel than numbers do.
    across, beyond = (3 if large else 5, 0.22)
    if terms.foreign:
        across, beyond = (2, 1.3) if large else (3, 1.0)
    figure, (axes,) = small_multiples.page(labels, [block], height, across, beyond=beyond)
    for ax, (_, by_layer) in zip(axes, curves, strict=True):
        looks = layer_looks(len(by_layer))
        for curve, look in zip(by_layer.values(), looks, strict=True):
            panels.draw(ax, curve, look, 100, band=large)
        named = _named(by_layer, context)
        ends = [
            (100 * curve.last.mean, tail(name, LETTERS), look)
            for (name, curve), look in zip(by_layer.items(), looks, strict=True)
            if name in named
        ]
        panels.name_ends(ax, ends, height)
    facts = [
        f"{e.label}: "
        + ", ".join(f"{name} {formatting.plus_minus(c.last)}%" for name, c in by_layer.items())
        for e, by_layer in curves
    ]
    seeds = context.seeds() if large else context.seeds(band="")
    caption = (
        f"Share of {context.word} units in each {terms.layer} ({terms.first}) by {terms.clock}, "
        f"on {context.examples}. {seeds}{note}"
    )
    return figure, caption, alt_text(facts)


def _probed(context: Context) -> list[Entry]:
    """The configurations of which there is a course to be seen."""
    if (reason := lacking.courses(context.records)) is not None:
        raise LackingError(reason)
    return [e for e in context.entries if lacking.courses(e.runs) is None]


def _without_curves(context: Context, definitions: Sequence[str]) -> str:
    """Why configurations that were probed have no curve by any of these definitions."""
    reasons = [lacking.shares(context.records, definition) for definition in definitions]
    if None in reasons:
        return "the runs of no configuration share a probe"
    if len(definitions) == 1:
        return str(reasons[0])
    names = " nor ".join(tables.CALLED[definition][0] for definition in definitions)
    return f"neither {names} applies to these networks"


def _by_layer(entry: Entry, definition: str) -> dict[str, Curve]:
    curves = learning_curves.by_layer(entry.runs, definition)
    return {name: curve for name, curve in curves.items() if curve.values}


def _named(by_layer: Mapping[str, Curve], context: Context) -> Sequence[str]:
    """The layers whose names there is room for: some of ours, of others those most dead."""
    names = [*by_layer]
    if context.terms.foreign:
        return worst({name: curve.last.mean for name, curve in by_layer.items()}, NAMED_LAYERS)
    return [names[i] for i in tables.shown_layers(len(names), NAMED_LAYERS)]


def layer_looks(depth: int) -> list[Look]:
    """A sequence of colours, since layers are one; markers differ from each layer to the next."""
    at = [i / max(1, depth - 1) for i in range(depth)]
    return [Look(to_hex(style.LAYERS(x)), "os^Dv"[i % 5]) for i, x in enumerate(at)]


def _curves(shown: Sequence[Entry], fold: Callable[..., Curve]) -> Courses:
    curves = [(entry, fold(entry.runs)) for entry in shown]
    return [(entry, curve) for entry, curve in curves if curve.values]


def _losses(shown: Sequence[Entry], measure: Callable[[EpochRecord], float | None]) -> Courses:
    return _curves(shown, lambda runs: learning_curves.by_epoch(runs, measure, POSITIVE))
