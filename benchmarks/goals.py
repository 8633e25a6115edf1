"""Goals: what a benchmark wants beside what it saw. ``python benchmarks`` gathers them all."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

#: Where ``python benchmarks`` has the benchmarks write their goals, too.
VARIABLE = "RELUPROBE_BENCHMARK_GOALS"
SIGNS = {"≤": operator.le, "≥": operator.ge}


@dataclass(frozen=True)
class Goal:
    """A number beside the one that is wanted.

    Attributes:
        what: is measured, as a row's title.
        seen: the number; None where it could not be measured here.
        sign: ``≤`` or ``≥``.
        wanted: the number that is wanted.
        form: how both are written.
    """

    what: str
    seen: float | None
    sign: str
    wanted: float
    form: str = "{:.2f}"

    @property
    def row(self) -> str:
        """The Markdown row."""
        wanted = f"{self.sign} {self.form.format(self.wanted)}"
        if self.seen is None:
            return f"| {self.what} | n/a | {wanted} | not measured |"
        met = "yes" if SIGNS[self.sign](self.seen, self.wanted) else "no"
        return f"| {self.what} | {self.form.format(self.seen)} | {wanted} | {met} |"


def table(goals: Iterable[Goal]) -> str:
    """Goals as a Markdown table."""
    return "\n".join(
        ["| goal | seen | wanted | met |", "|---|---:|---:|---|", *(g.row for g in goals)]
    )


def tell(*goals: Goal) -> None:
    """Print goals as a table, and keep them for the table of all."""
    print(f"\n{table(goals)}")
    if file := os.environ.get(VARIABLE):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(asdict(goal)) + "\n" for goal in goals)


def gathered(file: Path) -> list[Goal]:
    """The goals that benchmarks have written there."""
    return [Goal(**json.loads(line)) for line in file.read_text("utf-8").splitlines()]
