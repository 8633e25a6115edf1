"""Figures by epoch: loss and accuracy; dead units by definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from reluprobe.analysis import lacking, learning_curves
from reluprobe.analysis.estimates import ANY, POSITIVE, Limits
from reluprobe.records import EpochRecord, RunRecord
from reluprobe.report.figures import curves
from reluprobe.report.figures.context import Context, Drawing, LackingError, alt_text
from reluprobe.report.figures.curves import Drawn, Measure
from reluprobe.report.quality_terms import QualityTerms
from reluprobe.report.terminal import meanings, tables


def training(context: Context) -> Drawing:
    """Training loss, and test accuracy or R², by epoch; test loss where a record has neither."""
    if (reason := lacking.training(context.records)) is not None:
        raise LackingError(reason)
    if context.terms.foreign:
        return _given(context)
    losses = _measure("training loss", "loss", lambda e: e.train_loss, POSITIVE)
    tested = [
        _of_quality(terms)
        for terms in context.qualities
        if any(terms.quality.of(run) is not None for run in context.records)
    ]
    tested = tested or [_measure("test loss", "loss", lambda e: e.test_loss, POSITIVE)]
    drawn = curves.over_time(context, [losses, *tested], "epoch")
    if drawn is None:
        raise LackingError("the runs of no configuration share an epoch of training")
    named = " and ".join(measure.name.removesuffix(" %") for measure in tested)
    caption = (
        f"Training loss (mean over the epoch) and {named} by epoch. "
        f"{_seeds(context, drawn)}{drawn.note}"
    )
    return drawn.chart, caption, _facts(context, drawn)


def _measure(
    name: str,
    kind: curves.Kind,
    measure: Callable[[EpochRecord], float | None],
    limits: Limits,
) -> Measure:
    def fold(runs: Sequence[RunRecord]) -> learning_curves.Curve:
        return learning_curves.by_epoch(runs, measure, limits)

    return Measure(name, kind, fold)


def _of_quality(terms: QualityTerms) -> Measure:
    def fold(runs: Sequence[RunRecord]) -> learning_curves.Curve:
        return learning_curves.by_epoch(runs, terms.quality.at, terms.quality.limits)

    return Measure(terms.title, "quality", fold, terms)


def _given(context: Context) -> Drawing:
    """What the owners of foreign runs gave: losses and accuracy, whichever there are, by step."""
    measures = [
        _measure("training loss", "loss", lambda e: e.train_loss, POSITIVE),
        _measure("loss", "loss", lambda e: e.test_loss, ANY),
        *map(_of_quality, context.qualities),
    ]
    drawn = curves.over_time(context, measures, context.terms.clock)
    if drawn is None:
        raise LackingError("the runs of no configuration share a step at which a measure was given")
    names = dict.fromkeys(m.name.removesuffix(" %") for _, m, _ in drawn.curves)
    caption = (
        f"What was given of training, {' and '.join(names)}, by step. "
        f"{_seeds(context, drawn)}{drawn.note}"
    )
    return drawn.chart, caption, _facts(context, drawn)


def definitions(context: Context) -> Drawing:
    """Share of all hidden units by epoch, by two definitions or three."""
    if (reason := lacking.courses(context.records)) is not None:
        raise LackingError(reason)
    wanted = tuple(dict.fromkeys((context.definition, "dead", "never_positive")))
    clock = context.terms.clock
    measures = [
        Measure(f"{tables.CALLED[d][0]} %", "share", partial(learning_curves.network, definition=d))
        for d in wanted
    ]
    drawn = curves.over_time(context, measures, clock)
    if drawn is None:
        raise LackingError(_without_curves(context, wanted))
    runs = context.records
    meant = "; ".join(f"{tables.CALLED[d][0]}: {meanings.rule(d, runs)}" for d in wanted)
    caption = (
        f"Share of all {context.terms.units} by {clock}, counted by each definition ({meant}), on "
        f"{context.examples}.{meanings.of_curves(wanted, runs)} "
        f"{_seeds(context, drawn)}{drawn.note}"
    )
    return drawn.chart, caption, _facts(context, drawn)


def _seeds(context: Context, drawn: Drawn) -> str:
    return context.seeds([entry for entry, _, _ in drawn.curves])


def _facts(context: Context, drawn: Drawn) -> str:
    """Where each line ends."""
    last: dict[str, list[str]] = {}
    for entry, measure, curve in drawn.curves:
        ends = f"{measure.name.removesuffix(' %')} {measure.written(curve.last)}"
        last.setdefault(f"{entry.label} at {context.terms.at(curve.when[-1])}", []).append(ends)
    return alt_text([f"{label}: {', '.join(ends)}" for label, ends in last.items()])


def _without_curves(context: Context, definitions: Sequence[str]) -> str:
    """Why configurations that were probed have no curve by any of these definitions."""
    reasons = [lacking.shares(context.records, definition) for definition in definitions]
    if None in reasons:
        return "the runs of no configuration share a probe"
    if len(definitions) == 1:
        return str(reasons[0])
    names = " nor ".join(tables.CALLED[definition][0] for definition in definitions)
    return f"neither {names} applies to these networks"
