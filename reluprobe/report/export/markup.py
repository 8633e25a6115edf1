"""A table for a paper as Markdown or LaTeX: its texts as they print, and no name breaks out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reluprobe.errors import InputError, nearest

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
    "²": r"$^2$",
    "·": r"$\cdot$",
    "–": "--",
    "′": r"$'$",
    "…": r"\dots{}",
    "λ": r"$\lambda$",
    "τ": r"$\tau$",
}
_SIGN = re.compile("|".join(map(re.escape, _LATEX)))
#: A number with an exponent, 5e-3 or (1.2 ± 0.3)e3, or below 0; not a part of a word.
_NUMBER = re.compile(
    r"(?<![\w.−-])(?:([-−]?\d+(?:\.\d+)?|\([^()]+\))e(-?\d+)|-(\d+(?:\.\d+)?))(?![\w.])"
)


@dataclass(frozen=True)
class Column:
    """A column of plain text; numbers stand to the right."""

    title: str
    cells: Sequence[str]
    numeric: bool = True


@dataclass(frozen=True)
class PaperTable:
    """A table for a paper.

    Attributes:
        name: what it is of; its heading, and in LaTeX its label.
        caption: what a reader has to know to read it.
        columns: of equally many cells, by the names that pick them.
    """

    name: str
    caption: str
    columns: Mapping[str, Column]

    def markdown(self) -> str:
        """A heading, the caption, and a table in GitHub's form."""
        return markdown(self)

    def latex(self) -> str:
        r"""A table environment with a caption and a label; wants ``\usepackage{booktabs}``."""
        return latex(self)

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return markdown(self)


def picked(columns: Mapping[str, Column], names: Sequence[str]) -> dict[str, Column]:
    """The columns of these names, in their order.

    Raises:
        InputError: with a line for each name that is none, or is there twice.
    """
    listed = ", ".join(columns)
    faults = [
        f"{name}: allowed are {listed}{nearest(name, columns)}"
        for name in dict.fromkeys(names)
        if name not in columns
    ]
    faults += [f"{name} is named twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    if faults or not names:
        raise InputError("cannot read the columns", faults or [f"allowed are {listed}"])
    return {name: columns[name] for name in names}


def markdown(table: PaperTable) -> str:
    """A heading, the caption, and a table in GitHub's form."""
    columns = [*table.columns.values()]
    marks = ["--:" if column.numeric else ":--" for column in columns]
    head, *body = ([_plain(cell) for cell in row] for row in _rows(columns))
    lines = [f"| {' | '.join(line)} |" for line in (head, marks, *body)]
    return "\n".join([f"### {_plain(table.name)}", "", _plain(table.caption), "", *lines, ""])


def latex(table: PaperTable) -> str:
    r"""A table environment with a caption and a label; wants ``\usepackage{booktabs}``."""
    columns = [*table.columns.values()]
    letters = "".join("r" if column.numeric else "l" for column in columns)
    head, *body = (_line(" & ".join(map(escape, row))) for row in _rows(columns))
    label = re.sub(r"[^\w.]+", "-", table.name, flags=re.ASCII)
    caption = escape(_one_line(f"{table.name}: {table.caption}"))
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


def _line(cells: str) -> str:
    r"""A row. What begins one with ``[`` or ``*`` would be an option of the ``\\\\`` before it."""
    return rf"{{}}{cells} \\" if cells.startswith(("[", "*")) else rf"{cells} \\"


WRITERS: dict[str, Callable[[PaperTable], str]] = {"markdown": markdown, "latex": latex}


def _rows(columns: Sequence[Column]) -> list[list[str]]:
    """The titles, then every row; no cell has more than one line."""
    every = ([column.title, *column.cells] for column in columns)
    return [[*map(_one_line, row)] for row in zip(*every, strict=True)]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def escape(text: str) -> str:
    """Text as LaTeX prints it: commands escaped, powers of ten and minus signs as mathematics."""
    parts, end = [], 0
    for match in _NUMBER.finditer(text):
        parts += [_signs(text[end : match.start()]), _mathematics(*match.groups())]
        end = match.end()
    return "".join([*parts, _signs(text[end:])])


def _mathematics(mantissa: str | None, exponent: str, below: str | None) -> str:
    """``1e-4`` → ``$10^{-4}$``."""
    if mantissa is None:
        return f"$-{below}$"
    power = f"10^{{{int(exponent)}}}"
    if mantissa.startswith("("):
        return rf"{_signs(mantissa)} $\times {power}$"
    mantissa = mantissa.replace("−", "-")
    return (
        f"${mantissa.removesuffix('1')}{power}$"
        if mantissa in ("1", "-1")
        else (rf"${mantissa} \times {power}$")
    )


def _signs(text: str) -> str:
    return _SIGN.sub(lambda match: _LATEX[match[0]], text)


def _plain(text: str) -> str:
    # What would end a cell, start HTML, a link or a formula, or set in italics, as an underscore
    # does that is not within a word.
    text = re.sub(r"[\\|*`\[\]<>~&$]", r"\\\g<0>", _one_line(text))
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)
