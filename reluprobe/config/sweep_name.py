"""Name of a sweep: what can be a folder's on every system, and what says why another cannot."""

from __future__ import annotations

import re

#: What no folder's name may hold: slashes, and what Windows refuses.
FORBIDDEN = '<>:"/\\|?*'
#: What Windows keeps for devices, whatever ending follows.
DEVICES = ("con", "prn", "aux", "nul", "conin$", "conout$")
DEVICES += tuple(f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³")
#: Folders beside sweeps, or within them, that hold something else; see ``records.folder``.
TAKEN = ("runs", "born-dead")
#: Bytes of a name, on every file system in use.
LONGEST = 255


def fault_of_name(name: str) -> str | None:
    """Why a sweep cannot be called so; None where it can."""
    if not name.strip():
        return "allowed is a text that can name a folder"
    if not name.isprintable():
        return "a name has no line break, and nothing else that does not print"
    if any(character in FORBIDDEN for character in name):
        return f"a name has no slash, and none of {' '.join(FORBIDDEN)}"
    # A dot hides a folder, a hyphen makes it an option, an equals sign a spreadsheet's formula.
    if not (name[0].isalnum() or name[0] == "_"):
        return "a name begins with a letter, a digit or an underscore"
    if name[-1] in ". ":
        return "a name ends with no dot and no blank: Windows would drop it"
    if re.split(r"[. ]", name)[0].casefold() in DEVICES:
        return f"Windows keeps the name {re.split(r'[. ]', name)[0]} for a device"
    if name.casefold() in TAKEN:
        return "folders of that name hold something else in a folder of results"
    if len(name.encode()) > LONGEST:
        return f"a name has at most {LONGEST} bytes"
    return None


def pattern() -> str:
    """What :func:`fault_of_name` takes, as a regular expression, and a few names more.

    It is for JSON Schema, which knows neither what prints nor what is a letter beyond ASCII.
    """
    devices, taken = ("|".join(map(_in_any_case, words)) for words in (DEVICES, TAKEN))
    first, other = r"[^\x00-/:-@\[-\^`{-\x7f\s]", rf"\x00-\x1f{re.escape(FORBIDDEN)}"
    return rf"(?!(({devices})([. ].*)?|{taken})$){first}([^{other}]*[^{other}. ])?"


def _in_any_case(word: str) -> str:
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else re.escape(c) for c in word)
