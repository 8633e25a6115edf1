"""Content of a sweep's page as plain values: all that it says, nothing of how it looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from reluprobe.analysis import aggregate, claims, environments, replication
from reluprobe.config import Reference, labels
from reluprobe.records.folder import Archive
from reluprobe.report.page import configurations, histories, origin, packed, words
from reluprobe.report.quality_terms import terms_of_quality
from reluprobe.report.terminal import claims as claims_table
from reluprobe.report.terminal import foreign_coverage, layout, mishaps, tables
from reluprobe.report.terms import terms_of

if TYPE_CHECKING:
    from reluprobe.analysis.effects import EffectsOnce
    from reluprobe.report.figures import DrawnFigure
    from reluprobe.report.figures.context import Context

#: The figures that answer first: they stand before the table.
LEADING = ("effects", "interaction", "learning_rate", "heatmap")
#: Values of a setting that have buttons, at most.
MOST_VALUES = 24

#: A figure with its words, and its bytes as a whole SVG or PNG; None where it was skipped.
PageFigure = tuple["DrawnFigure", bytes | None]


def model(
    archive: Archive,
    definition: str = "dead",
    by: Sequence[str] | None = None,
    figures: Sequence[PageFigure] = (),
    computed: EffectsOnce | None = None,
) -> dict[str, Any]:
    """What the page of a sweep says.

    Args:
        archive: the sweep, with a record at least.
        definition: which definition of death counts.
        by: the settings that tell configurations apart; all that vary but the seed, if None.
        figures: in their order, those that were skipped among them; names are unique.
        computed: the sweep's effects, where others need them too.
    """
    summaries = aggregate.summarize(archive.records, definition, by)
    from reluprobe.report.figures.context import Context

    context = Context(archive, definition, None if by is None else tuple(by), computed=computed)
    rows, axes = tables.shortened(summaries), _axes(context)
    return {
        "title": archive.name,
        "word": tables.CALLED[definition][0],
        "terms": terms_of(archive.records),
        "measures": " and ".join(terms.bare for terms in terms_of_quality(archive.records)),
        "question": words.question(archive.records, rows),
        "meaning": words.meaning(definition, archive.records),
        "primer": words.primer(archive.records, definition),
        "headline": words.headline(rows, context.effects, definition),
        "ends": words.ends(rows, definition),
        "beside": words.beside(rows),
        "summary": tables.provenance(archive).plain,
        **_figures(figures),
        "axes": axes,
        "choices": [axis for axis in axes if len(axis["values"]) <= MOST_VALUES],
        "reference": None if archive.reference is None else _reference(archive, archive.reference),
        "table": configurations.table(summaries, definition),
        "troubles": _troubles(archive),
        "faults": [*archive.faults, *archive.copies],
        "runs": histories.runs(archive.records, definition),
        "origin": origin.origin(archive, definition, by),
        "definitions": words.definitions(archive.records),
    }


def _figures(figures: Sequence[PageFigure]) -> dict[str, Any]:
    """Figures that answer first, then the others, then those that there are not."""
    from reluprobe.report.figures import formats, style

    packing = packed.Packing()
    shown = [
        {
            "name": figure.name,
            "title": figure.title,
            "alt": figure.alt,
            "caption": figure.caption,
            "image": image,
            "spec": _packed(figure.spec, packing),
        }
        for figure, image in figures
        if image is not None
    ]
    return {
        "leading": [figure for figure in shown if figure["name"] in LEADING],
        "figures": [figure for figure in shown if figure["name"] not in LEADING],
        "skipped": [figure for figure, image in figures if image is None],
        "shared": packing.shared,
        "theme": {**style.theme(_width(figures)), "background": None},
        "colours": {"day": [*formats.NIGHT], "night": [*formats.NIGHT.values()]},
    }


def _packed(spec: Mapping[str, Any], packing: packed.Packing) -> dict[str, Any]:
    """A chart without the look that all have, its rows packed."""
    datasets = {name: packing.packed(rows) for name, rows in spec.get("datasets", {}).items()}
    return {k: v for k, v in spec.items() if k != "config"} | {"datasets": datasets}


def _width(figures: Sequence[PageFigure]) -> int:
    from reluprobe.report.figures import style

    return max((figure.width for figure, _ in figures), default=style.PAGE)


def _axes(context: Context) -> list[dict[str, Any]]:
    """The settings by whose values figures and table are filtered."""
    return [
        {
            "field": labels.field(a),
            "name": a,
            "title": context.title(a),
            "values": context.domain(a),
        }
        for a in context.axes
    ]


def _reference(archive: Archive, reference: Reference) -> dict[str, Any]:
    compared = replication.compare(archive.records, reference)
    judged = claims.judge_all(compared)
    heading, *notes = [line.plain for line in claims_table.heading(compared)]
    return {
        "heading": heading,
        "notes": notes,
        "published": plain(claims_table.table(compared), claims_table.title(compared).plain)
        if compared.rows
        else None,
        "claims": plain(claims_table.claims(judged), claims_table.claims_title(judged).plain)
        if judged
        else None,
        "rule": claims_table.RULE,
    }


def plain(table: Table, title: str) -> dict[str, Any]:
    """A terminal's table as texts: what its columns are called, which hold numbers, its rows."""
    cells = [[layout.said(cell) for cell in column.cells] for column in table.columns]
    return {
        "title": title,
        "head": [layout.said(column.header) for column in table.columns],
        "numeric": [column.justify == "right" for column in table.columns],
        "rows": [list(row) for row in zip(*cells, strict=True)],
    }


def _troubles(archive: Archive) -> list[dict[str, Any]]:
    """What is amiss, a heading each: failed and diverged runs, collapsed ones, unlike machines."""
    groups = (mishaps.lost(archive.records), mishaps.collapsed(archive.records))
    lines = [[layout.said(line).strip() for line in g.renderables] for g in groups if g is not None]
    if differences := environments.differences(archive.records):
        lines.append([mishaps.UNLIKE, *mishaps.unlike_lines(differences)])
    if counted := foreign_coverage.lines(archive.records):
        said = [line.plain.strip() for line in counted]
        lines.append(["What of these networks was counted, and what not", *said])
    return [{"title": head.rstrip(":"), "lines": rest} for head, *rest in lines]
