"""Every figure there is, in the order in which a report shows them; and drawing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.figure import Figure

from reluprobe.born.result import Result
from reluprobe.errors import InputError, nearest
from reluprobe.records.folder import Archive
from reluprobe.report.figures import (
    activation_maps,
    by_epoch,
    by_grid,
    by_rate,
    causes,
    literature,
    outcomes,
    signals,
    style,
    unit_lives,
)
from reluprobe.report.figures import born_dead as born_dead_figure
from reluprobe.report.figures.context import Figured, LackingError, Picture, Scene

FIGURES: tuple[Figured, ...] = (
    Figured("outcome", "Dead units and accuracy, ranked", outcomes.outcome),
    Figured("training", "Loss and accuracy by epoch", by_epoch.training),
    Figured("definitions", "Dead units by epoch", by_epoch.definitions),
    Figured("layers", "Dead units by hidden layer and epoch", by_epoch.layers),
    Figured("learning_rate", "Dead units against learning rate", by_rate.learning_rate),
    Figured("heatmap", "Dead units over two settings", by_grid.heatmap),
    Figured("units", "The life of every unit", unit_lives.units),
    Figured("survival", "How long units live, and stay dead", unit_lives.survival),
    Figured("causes", "Causes of death", causes.causes),
    Figured("histograms", "Activations before training", signals.histograms),
    Figured("activations", "Activations of finished networks", activation_maps.heatmaps),
    Figured("samples", "Dead on which data", outcomes.samples),
    Figured("accuracy", "Dead units against accuracy", outcomes.accuracy),
    Figured("published", "Published values beside ours", literature.values),
    Figured("claims", "What was claimed", literature.verdicts),
)


@dataclass(frozen=True)
class Drawn:
    """A figure of a sweep, or why there is none.

    Attributes:
        name: short, of letters and underscores: a file's stem.
        title: a heading.
        caption: what is seen and how to read it, in a sentence.
        alt: what it says, with its numbers, for those who do not see it.
        figure: None where ``skipped`` says what the sweep lacks.
    """

    name: str
    title: str
    caption: str = ""
    alt: str = ""
    figure: Figure | None = None
    skipped: str | None = None


def check_names(names: Sequence[str]) -> list[str]:
    """These names, each checked to be a figure's.

    Raises:
        InputError: one is not.
    """
    known = [figured.name for figured in FIGURES]
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
    grid: tuple[str, str] | None = None,
    only: Sequence[str] = (),
) -> Iterator[Drawn]:
    """Draw every figure of a sweep, one after another.

    Args:
        archive: the sweep.
        definition: which definition of death counts.
        by: the settings that tell configurations apart; all that vary but the seed, if None.
        grid: the two settings of the heat map; chosen by the sweep, if None.
        only: names of figures; all, if empty.
    """
    scene = Scene(archive, definition, None if by is None else tuple(by), grid)
    wanted = check_names(only)
    for figured in FIGURES:
        if not wanted or figured.name in wanted:
            yield _draw(figured.name, figured.title, partial(figured.draw, scene))


def born_dead(result: Result) -> Drawn:
    """Draw a result of ``reluprobe born-dead``: it belongs to no sweep."""
    return _draw("born_dead", "Networks born dead", partial(born_dead_figure.probability, result))


def _draw(name: str, title: str, draw: Callable[[], Picture]) -> Drawn:
    try:
        with style.applied():
            found = draw()
            if found.figure.get_layout_engine() is not None:  # laid out once, not once a format
                found.figure.draw_without_rendering()
                found.figure.set_layout_engine("none")
    except LackingError as lacking:
        return Drawn(name, title, skipped=str(lacking))
    return Drawn(name, title, found.caption, found.alt, found.figure)
