"""Output encoding: what stdout cannot encode is written as a character that looks like it."""

from __future__ import annotations

import codecs
import io
import sys

from reluprobe.report.terminal.blocks import HEIGHTS, SHADES

ERRORS = "reluprobe.plain"
#: What ASCII has for the characters that we print; blocks keep their width, so maps their shape.
PLAIN = {
    **dict(zip(SHADES, ":+*#", strict=True)),
    **dict(zip(HEIGHTS, "1234567#", strict=True)),
    **{"±": "+-", "×": "x", "·": "|", "–": "-", "−": "-", "—": "-", "…": "...", "′": "'"},
    **{"≤": "<=", "≥": ">=", "→": "->", "²": "^2", "Δ": "change in ", "─": "-"},
}


def plain(error: UnicodeError) -> tuple[str, int]:
    """An error handler of :mod:`codecs`: what is not in ``PLAIN`` becomes ``?``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(PLAIN.get(c, "?") for c in characters), error.end


def write_plainly() -> None:
    """Have stdout and stderr write what they can, where their encoding is not Unicode's."""
    codecs.register_error(ERRORS, plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)
