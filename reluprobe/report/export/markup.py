"""Table of configurations as Markdown or LaTeX, as the terminal shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rich.table import Table

from reluprobe.analysis.aggregate import Summary
from reluprobe.records.folder import Archive
from reluprobe.report.terminal import tables

#: Wide enough for every column: nothing is left out on paper.
WIDTH = 10_000
#: What LaTeX takes for a command, and what fonts of papers lack, as what they print.
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    "±": r"$\pm$",
    "−": "$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "–": "--",
    "′": r"$'$",
    "…": r"\dots{}",
    "λ": r"$\lambda$",
    "τ": r"$\tau$",
}
_SIGN = re.compile("|".join(map(re.escape, _LATEX)))
#: A number with an exponent, 5e-3, or below 0; not a part of a word.
_NUMBER = re.compile(r"(?<![\w.−-])(?:(-?\d+(?:\.\d+)?)e(-?\d+)|-(\d+(?:\.\d+)?))(?![\w.])")


def markdown(sweep: Archive, rows: Sequence[Summary], definition: str) -> str:
    """A heading, what was run, and a table in GitHub's form."""
    table = tables.outcome(rows, definition, WIDTH)
    marks = ["--:" if right else ":--" for right in _numeric(table)]
    head, *body = ([_plain(cell) for cell in line] for line in _lines(table))
    lines = [f"| {' | '.join(line)} |" for line in (head, marks, *body)]
    caption = _caption(sweep, rows, definition)
    return "\n".join([f"### {_plain(sweep.name)}", "", _plain(caption), "", *lines, ""])


def latex(sweep: Archive, rows: Sequence[Summary], definition: str) -> str:
    r"""A table environment with a caption and a label; wants ``\usepackage{booktabs}``."""
    table = tables.outcome(rows, definition, WIDTH)
    letters = "".join("r" if right else "l" for right in _numeric(table))
    head, *body = (" & ".join(map(escape, line)) + r" \\" for line in _lines(table))
    label = re.sub(r"[^\w.]+", "-", sweep.name, flags=re.ASCII)
    caption = escape(f"{sweep.name}: {_caption(sweep, rows, definition)}")
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{caption}}}",
        rf"  \label{{tab:{label}}}",
        rf"  \begin{{tabular}}{{{letters}}}",
        r"    \toprule",
        f"    {head}",
        r"    \midrule",
        *(f"    {line}" for line in body),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


WRITERS: dict[str, Callable[[Archive, Sequence[Summary], str], str]] = {
    "markdown": markdown,
    "latex": latex,
}


def escape(text: str) -> str:
    """Text as LaTeX prints it: commands escaped, powers of ten and minus signs as mathematics."""
    parts, end = [], 0
    for match in _NUMBER.finditer(text):
        mantissa, exponent, below = match.groups()
        number = f"-{below}" if below else rf"{mantissa} \times 10^{{{int(exponent)}}}"
        parts += [_signs(text[end : match.start()]), f"${number}$"]
        end = match.end()
    return "".join([*parts, _signs(text[end:])])


def _signs(text: str) -> str:
    return _SIGN.sub(lambda match: _LATEX[match[0]], text)


def _plain(text: str) -> str:
    # What would end a cell, start HTML, a link or a formula, or set in italics, as an underscore
    # does that is not within a word.
    text = re.sub(r"[\\|*`\[\]<>~&$]", r"\\\g<0>", " ".join(text.split()))
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)


def _caption(sweep: Archive, rows: Sequence[Summary], definition: str) -> str:
    word, rule = tables.CALLED[definition]
    ends = tables.ends(rows, layers=False)
    said = f"; {ends.plain}" if ends is not None else ""
    return f"{word}: {rule}; {tables.provenance(sweep).plain}{said}."


def _numeric(table: Table) -> list[bool]:
    """Of each column, whether its cells are numbers."""
    return [column.justify == "right" for column in table.columns]


def _lines(table: Table) -> list[list[str]]:
    """The titles, then every row."""
    columns = ([column.header, *column.cells] for column in table.columns)
    return [[" ".join(str(cell).split()) for cell in row] for row in zip(*columns, strict=True)]
