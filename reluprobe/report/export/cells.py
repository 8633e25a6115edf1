"""Text in a CSV file that no program takes for anything but text.

Whoever opens a CSV file guesses what a cell is, and quotes make no difference: a sweep called 1e5
is a number, TRUE a truth, NA nothing, 3-4 a day in April, and ``=cmd|…`` is run as a formula. Such
a text has ``'`` before it, as spreadsheets write it. Parquet has types, and its texts as they are.
"""

from __future__ import annotations

import re

MARK = "'"
#: What begins a formula or hides one; and the mark itself, so that it can be taken off again.
_FORMULA = tuple("=+-@\t\r\n'")
#: What pandas, polars, R or a spreadsheet reads as nothing, as a truth or as a number.
_WORDS = {"na", "n/a", "nan", "null", "true", "false", "inf", "infinity"}
_WORDS_AS_THEY_ARE = {"None", "T", "F", "<NA>", "#N/A", "#N/A N/A", "#NA", "1.#IND", "1.#QNAN"}
#: Digits and what stands between and after them in numbers of all kinds, dates and times: 007, 1e5,
#: 1d5, 0x1f, 2i, 5 %, 3-4, 2026-11-02T10:00Z, 10 pm. A version, 0.10.2, is none of them.
_NUMBER = re.compile(
    r"(?!\d+\.\d+\.\d{1,2}$)[.$€£(]*\d[\d\s.,:/+\-%$€£()_edijtzamp]*|0x[\da-f.p+\-]+", re.IGNORECASE
)
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = re.compile(rf"({_MONTH}[\s/-]*\d+|\d+[\s/-]*{_MONTH}([\s/-]*\d+)?)", re.IGNORECASE)


def harmless(text: str) -> str:
    """The text, marked where a program would take it for something else."""
    plain = text.strip()
    taken = (
        text.startswith(_FORMULA)
        or plain.casefold() in _WORDS
        or plain in _WORDS_AS_THEY_ARE
        or _NUMBER.fullmatch(plain)
        or _DATE.fullmatch(plain)
    )
    return MARK + text if taken else text
