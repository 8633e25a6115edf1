"""A sweep's page as plain values: everything that it says, and nothing of how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from reluprobe.analysis import aggregate, claims, replication
from reluprobe.config import Reference
from reluprobe.records.folder import Archive
from reluprobe.report.page import configurations, histories, origin, words
from reluprobe.report.terminal import claims as claims_table
from reluprobe.report.terminal import tables


@dataclass(frozen=True)
class Illustration:
    """A figure as the page has it.

    Attributes:
        name: short; unique on the page.
        title: its heading.
        caption: what is seen and how to read it.
        alt: what it says, with its numbers, for those who do not see it.
        image: a whole SVG or PNG; None where ``skipped`` says what the sweep lacks.
    """

    name: str
    title: str
    caption: str = ""
    alt: str = ""
    image: bytes | None = None
    skipped: str | None = None


def model(
    found: Archive,
    definition: str = "dead",
    by: Sequence[str] | None = None,
    figures: Sequence[Illustration] = (),
) -> dict[str, Any]:
    """What the page of a sweep says.

    Args:
        found: the sweep, with a record at least.
        definition: which definition of death counts.
        by: the settings that tell configurations apart; all that vary but the seed, if None.
        figures: in their order, those that were skipped among them.
    """
    rows = tables.shortened(aggregate.summarize(found.records, definition, by))
    return {
        "title": found.name,
        "word": tables.CALLED[definition][0],
        "question": words.question(found.records, rows),
        "primer": words.primer(found.records, definition),
        "headline": words.headline(rows, definition),
        "ends": words.ends(rows, definition),
        "summary": tables.provenance(found).plain,
        "figures": [f for f in figures if f.image is not None],
        "skipped": [f for f in figures if f.image is None],
        "reference": None if found.reference is None else _reference(found, found.reference),
        "table": configurations.table(rows, definition),
        "troubles": _troubles(found),
        "faults": list(found.faults),
        "runs": histories.runs(found.records, definition),
        "origin": origin.origin(found, definition, by),
        "definitions": words.definitions(),
    }


def _reference(found: Archive, reference: Reference) -> dict[str, Any]:
    compared = replication.compare(found.records, reference)
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
    cells = [[tables.said(cell) for cell in column.cells] for column in table.columns]
    return {
        "title": title,
        "head": [tables.said(column.header) for column in table.columns],
        "numeric": [column.justify == "right" for column in table.columns],
        "rows": [list(row) for row in zip(*cells, strict=True)],
    }


def _troubles(found: Archive) -> list[dict[str, Any]]:
    """What ended without numbers, and what collapsed: a heading each with a line a run."""
    groups = (tables.lost(found.records), tables.collapsed(found.records))
    lines = [[tables.said(line).strip() for line in g.renderables] for g in groups if g is not None]
    return [{"title": head.rstrip(":"), "lines": rest} for head, *rest in lines]
