"""Tab: what a shell offers next, from a table of the commands and not from the commands.

To ask Typer is to import it, Pydantic and the command: 0.2 to 0.7 s at every Tab. The table holds
what Typer would answer (``tab_table`` makes it, a test holds the two against each other); what is
not in it Typer is asked for. So nothing of reluprobe may be imported here.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("tab_table.json")
#: A name to offer, and what it is.
Offer = tuple[str, str]
#: What is offered where the shell itself knows best.
NOTHING: Mapping[str, Sequence[str]] = {"names": (), "files": ()}


def answered() -> bool:
    """Answer the shell that asks; whether it is answered, so that Typer need not."""
    shell = SHELLS.get(os.environ["_RELUPROBE_COMPLETE"])
    if shell is None:
        return False
    words, written = shell
    *before, incomplete = words()
    offered = offers(before[1:], incomplete)
    if offered is None:
        return False
    written(offered)
    return True


def offers(words: Sequence[str], incomplete: str) -> list[Offer] | None:
    """What to offer in a word's place; None where the table does not say.

    Args:
        words: those between ``reluprobe`` and that word.
        incomplete: what there is of that word.
    """
    table = json.loads(TABLE.read_text("utf-8"))
    if "--" in words or any("=" in word for word in (*words, incomplete)):
        return None
    if not words:
        every = [(name, command["help"]) for name, command in table["commands"].items()]
        names = _options(table["options"]) if incomplete.startswith("-") else every
        return _starting(incomplete, names)
    if words[0].startswith("-"):
        return None
    command = table["commands"].get(words[0])
    return [] if command is None else _of_command(command, words[1:], incomplete)


def _of_command(
    command: Mapping[str, Any], words: Sequence[str], incomplete: str
) -> list[Offer] | None:
    """The same behind a command's name."""
    by_name = {name: option for option in command["options"] for name in option["names"]}
    given, left = set(), list(command["arguments"])
    waiting = None
    for word in words:
        if waiting is not None:
            waiting = None
        elif not word.startswith("-"):
            if left and not left[0]["many"]:
                del left[0]
        elif word not in by_name:
            return None
        else:
            given.update(by_name[word]["names"])
            waiting = by_name[word]["value"]
    if incomplete.startswith("-"):
        options = [o for o in command["options"] if o["many"] or not given & {*o["names"]}]
        return _starting(incomplete, _options(options))
    place = waiting if waiting is not None else left[0]["value"] if left else NOTHING
    names = _starting(incomplete, ((name, "") for name in place["names"]))
    return names + [(name, "") for name in files(incomplete, place["files"])]


def _options(options: Iterable[Mapping[str, Any]]) -> list[Offer]:
    return [(name, option["help"]) for option in options for name in option["names"]]


def _starting(incomplete: str, names: Iterable[Offer]) -> list[Offer]:
    return [(name, text) for name, text in names if name.startswith(incomplete)]


def files(incomplete: str, patterns: Iterable[str]) -> list[str]:
    """Files of such patterns whose path starts so."""
    head, slash, tail = incomplete.rpartition("/")
    folder = Path(f"{head}{slash}" or ".").expanduser()
    found = [file for pattern in patterns for file in folder.glob(pattern)]
    paths = sorted(path.relative_to(folder).as_posix() for path in found)
    # Hidden ones, and those to be quoted, are left to the shell itself.
    plain = (name for name in paths if name[0] != "." and shlex.quote(name) == name)
    return [f"{head}{slash}{name}" for name in plain if name.startswith(tail)]


def _words_of_bash() -> list[str]:
    words, place = _split(os.environ["COMP_WORDS"]), int(os.environ["COMP_CWORD"])
    return [*words[:place], *(words[place : place + 1] or [""])]


def _words_of_line() -> list[str]:
    line = os.environ.get("_TYPER_COMPLETE_ARGS", "")
    words = _split(line)
    return words if len(words) > 1 and not line.endswith(" ") else [*words, ""]


def _split(line: str) -> list[str]:
    """A line's words; a quote that is still open is none."""
    lexer, words = shlex.shlex(line, posix=True), []
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words.extend(lexer)
    except ValueError:
        words.append(lexer.token)
    return words


def _for_bash(offered: Sequence[Offer]) -> None:
    print("\n".join(name for name, _ in offered))


def _for_zsh(offered: Sequence[Offer]) -> None:
    def escaped(text: str) -> str:
        for old, new in (('"', '""'), ("'", "''"), ("$", "\\$"), ("`", "\\`"), (":", "\\\\:")):
            text = text.replace(old, new)
        return f'"{text}"'

    lines = (":".join(escaped(part) for part in offer if part) for offer in offered)
    print("_arguments '*: :(({}))'".format("\n".join(lines)) if offered else "_files")


def _for_fish(offered: Sequence[Offer]) -> None:
    """Whether there is anything to offer, as an exit code, or what."""
    if os.environ.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        sys.exit(0 if offered else 1)
    print("\n".join("\t".join(part for part in offer if part) for offer in offered))


#: By what the shell's script asks: how it says its words, and how it takes the answer.
SHELLS: dict[str, tuple[Callable[[], list[str]], Callable[[Sequence[Offer]], None]]] = {
    "complete_bash": (_words_of_bash, _for_bash),
    "complete_zsh": (_words_of_line, _for_zsh),
    "complete_fish": (_words_of_line, _for_fish),
}
