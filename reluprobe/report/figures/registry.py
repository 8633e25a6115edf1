"""Registry of figures, in the order in which a report shows them; draws them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from altair.utils import schemapi

from reluprobe.analysis.effects import EffectsOnce
from reluprobe.born.result import Result
from reluprobe.errors import InputError, nearest
from reluprobe.records.folder import Archive
from reluprobe.report.figures import (
    activation_maps,
    by_epoch,
    by_grid,
    by_layer,
    by_rate,
    causes,
    effects,
    firing,
    flows,
    interaction,
    literature,
    parallel,
    ranked,
    scatter,
    signals,
    unit_lives,
)
from reluprobe.report.figures import born_dead as born_dead_figure
from reluprobe.report.figures.context import Choices, Context, Drawing, LackingError
from reluprobe.report.figures.drawn_figure import DrawnFigure

UNCHOSEN = Choices()


@dataclass(frozen=True)
class FigureKind:
    """One kind of figure: its name, a heading, and the function that draws it of a sweep.

    ``draw`` raises :class:`LackingError` where a sweep has not what the figure shows.
    """

    name: str
    title: str
    draw: Callable[[Context], Drawing]


FIGURES: tuple[FigureKind, ...] = (
    FigureKind("effects", "What each setting does", effects.effects),
    FigureKind("interaction", "What two settings do together", interaction.interaction),
    FigureKind("learning_rate", "Dead units against learning rate", by_rate.learning_rate),
    FigureKind("heatmap", "Dead units over two settings", by_grid.heatmap),
    FigureKind("accuracy", "Dead units against accuracy", scatter.accuracy),
    FigureKind("outcome", "Dead units and accuracy, ranked", ranked.outcome),
    FigureKind("training", "Loss and accuracy by epoch", by_epoch.training),
    FigureKind("definitions", "Dead units by epoch", by_epoch.definitions),
    FigureKind("layers", "Dead units by hidden layer", by_layer.layers),
    FigureKind("units", "The life of every unit", unit_lives.units),
    FigureKind("activations", "Activations of finished networks", activation_maps.heatmaps),
    FigureKind("survival", "How long units live, and stay dead", unit_lives.survival),
    FigureKind("causes", "Causes of death", causes.causes),
    FigureKind("firing", "How often units fire, by epoch", firing.firing),
    FigureKind("flows", "Slow or dead: what becomes of units", flows.flows),
    FigureKind("histograms", "Activations before training", signals.histograms),
    FigureKind("samples", "Dead on which data", ranked.samples),
    FigureKind("parallel", "Every run", parallel.parallel),
    FigureKind("published", "Published values beside ours", literature.values),
    FigureKind("claims", "What was claimed", literature.verdicts),
)


def check_names(names: Sequence[str]) -> list[str]:
    """These names, each checked to be a figure's.

    Raises:
        InputError: one is not.
    """
    known = [kind.name for kind in FIGURES]
    faults = [
        f"--only {n}: allowed are {', '.join(known)}{nearest(n, known)}"
        for n in names
        if n not in known
    ]
    if faults:
        raise InputError("no such figure", faults)
    return list(names)


def drawn(
    archive: Archive,
    definition: str = "dead",
    by: Sequence[str] | None = None,
    choices: Choices = UNCHOSEN,
    only: Sequence[str] = (),
    computed: EffectsOnce | None = None,
) -> Iterator[DrawnFigure]:
    """Draw every figure of a sweep, one after another.

    Args:
        archive: the sweep.
        definition: which definition of death counts.
        by: the settings that tell configurations apart; all that vary but the seed, if None.
        choices: which axes have which roles; by what they explain, where none is chosen.
        only: names of figures; all, if empty.
        computed: the sweep's effects, where others need them too.

    Raises:
        InputError: a name of ``only`` is no figure's, one of ``by`` no setting's, or an axis cannot
            have the role that is chosen.
    """
    whole = None if by is None else tuple(by)
    context = Context(archive, definition, whole, choices, computed=computed)
    wanted = check_names(only)
    context.check_roles()
    for kind in FIGURES:
        if not wanted or kind.name in wanted:
            bare = " and ".join(terms.bare for terms in context.qualities)
            title = kind.title.replace("epoch", context.terms.clock).replace("accuracy", bare)
            figure = _draw(kind.name, title, partial(kind.draw, context))
            left_out = tuple(context.left_out)
            context.left_out.clear()
            yield dataclasses.replace(figure, left_out=left_out, width=context.width)


def check_choices(
    archive: Archive,
    choices: Choices,
    by: Sequence[str] | None = None,
    computed: EffectsOnce | None = None,
) -> None:
    """See that a sweep's axes can have the roles that are chosen.

    Raises:
        InputError: one does not vary, or has more values than there is room for.
    """
    whole = None if by is None else tuple(by)
    Context(archive, by=whole, choices=choices, computed=computed).check_roles()


def born_dead(result: Result) -> DrawnFigure:
    """Draw a result of ``reluprobe born-dead``: it belongs to no sweep."""
    return _draw("born_dead", "Networks born dead", partial(born_dead_figure.probability, result))


def _draw(name: str, title: str, draw: Callable[[], Drawing]) -> DrawnFigure:
    try:
        # Charts are built by this package alone, and drawn in its tests: no need to check each.
        with schemapi.debug_mode(False):
            figure, caption, alt = draw()
    except LackingError as lacking:
        return DrawnFigure(name, title, skipped=str(lacking))
    return DrawnFigure(name, title, caption, alt, figure)
