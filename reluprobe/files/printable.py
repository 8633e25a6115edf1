"""Text from files and their names as text to show: what does not print is spelled out."""

from __future__ import annotations

import os


def printable(text: str | os.PathLike[str]) -> str:
    r"""The text in one line, with every character that would not print as an escape.

    An escape sequence in a folder's name would colour or clear a terminal, and a byte that is no
    UTF-8 can be written nowhere: ``\x1b[31m``, ``two\nlines``, ``b\xff``.
    """
    whole = os.fspath(text)
    return whole if whole.isprintable() else "".join(map(_spelled, whole))


def _spelled(character: str) -> str:
    if character.isprintable():
        return character
    # A byte of a file's name that is no UTF-8 is one of these: Python's surrogateescape.
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
