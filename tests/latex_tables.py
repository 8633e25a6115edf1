"""A strict reader of LaTeX tables: braces and formulas close, and nothing special stands bare."""

from __future__ import annotations

import re

#: A command, an escaped sign, or one letter.
_TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|.", re.DOTALL)


def latex_rows(text: str) -> list[list[str]]:
    """The cells of a booktabs table, titles first, as they stand there.

    Raises:
        AssertionError: a brace or formula does not close, a sign that LaTeX takes for a command
            stands bare, or a row has another number of cells than the table has columns.
    """
    (letters,) = re.findall(r"\\begin\{tabular\}\{([lrc]*)\}", text)
    body = text.split("\\toprule")[1].split("\\bottomrule")[0].replace("\\midrule", "")
    rows = [_row(line.strip()) for line in body.splitlines() if line.strip()]
    assert all(len(row) == len(letters) for row in rows), rows
    (caption,) = re.findall(r"\\caption\{(.*)\}\n", text)
    assert len(_cells(caption)) == 1
    return rows


def _row(line: str) -> list[str]:
    assert line.endswith(" \\\\"), line
    # The end of the line before would take these for an option of its own.
    assert not line.startswith(("[", "*")), line
    return [cell.strip() for cell in _cells(line.removesuffix(" \\\\"))]


def _cells(text: str) -> list[str]:
    cells, depth, formula = [""], 0, False
    for token in _TOKEN.findall(text):
        if token == "&":
            assert not depth and not formula, text
            cells.append("")
            continue
        depth += (token == "{") - (token == "}")
        formula ^= token == "$"
        assert depth >= 0 and token not in "%#~" and token != "\\\\", text
        assert formula or token not in "_^<>|", text
        cells[-1] += token
    assert depth == 0 and not formula, text
    return cells
