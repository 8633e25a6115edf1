"""The parts of the documentation that are made from the code: ``python docs/generate.py``.

They stand between ``<!-- made by docs/generate.py: NAME -->`` and ``<!-- end -->`` in the pages
beside this file; what is around them is written by hand. ``tests/test_docs.py`` holds the pages
against the code. The table that a shell's Tab is answered from is made as well.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from rich.text import Text
from typer.testing import CliRunner

from reluprobe.cli import tab, tab_table
from reluprobe.cli.app import app
from reluprobe.cli.lazy import COMMANDS
from reluprobe.config import SETTINGS, SHORT_NAMES, Setting, labels, phases, sweep_keys
from reluprobe.config.claim_measures import MEASURES
from reluprobe.config.field import Key
from reluprobe.config.run_config import GROUPS
from reluprobe.report.export.columns import Described
from reluprobe.report.export.files import TABLES

PAGES = Path(__file__).parent
_BLOCK = re.compile(r"(<!-- made by docs/generate.py: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD = ("key", "type", "default", "meaning")
_ENVIRONMENT = {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}


def commands() -> str:
    """What ``--help`` says, of reluprobe and of each of its commands."""
    every = [(), *((name,) for name in COMMANDS)]
    return "\n\n".join(
        f"{_title(command)}\n\n```text\n{help_of(command)}\n```" for command in every
    )


def _title(command: Sequence[str]) -> str:
    return f"## `{' '.join(['reluprobe', *command])}`"


def help_of(command: Sequence[str]) -> str:
    """What the ``--help`` of a command says at 80 columns, without colour."""
    shown = CliRunner().invoke(app, [*command, "--help"], prog_name="reluprobe", env=_ENVIRONMENT)
    lines = (Text.from_ansi(line).plain.rstrip() for line in shown.output.splitlines())
    return "\n".join(lines).strip("\n")


def keys() -> str:
    """The tables and keys at the top of a sweep file."""

    def written(name: str, key: Key) -> str:
        many = {"tables": f"[[{name}]]", "table": f"[{name}]"}
        return many.get(key.kind.split()[0], name)

    return _table(_HEAD, (_key(written(name, key), key) for name, key in sweep_keys.KEYS.items()))


def phase_keys() -> str:
    """The keys of a ``[[phase]]``."""
    return _table(_HEAD, (_key(name, key) for name, key in phases.KEYS.items()))


def _key(name: str, key: Key) -> tuple[str, ...]:
    return f"`{name}`", key.kind, key.default, key.meaning


def settings() -> str:
    """Every setting: a key of a sweep file and a flag of train."""
    return "\n\n".join(
        f"### {group}\n\n{_table(_HEAD, (_setting(SETTINGS[name]) for name in members))}"
        for group, members in GROUPS.items()
    )


def _setting(setting: Setting) -> tuple[str, ...]:
    flags = [flag.lstrip("-") for flag in setting.flags]
    short = [n for n, full in SHORT_NAMES.items() if full == setting.name and n not in flags]
    names = ", ".join(f"`{name}`" for name in (setting.name, *setting.flags, *short))
    choices = ", ".join(f"`{name}`" for name in setting.choices)
    said = " ".join(part for part in (setting.help, setting.condition) if part)
    said += f" One of {choices}." if choices else ""
    return names, kind_of(setting), f"`{default_of(setting)}`", said


def kind_of(setting: Setting) -> str:
    """A setting's type and bounds, in words."""
    if setting.choices:
        return "name"
    return "text" if setting.type is str else re.sub(r"^an? (finite )?", "", setting.allowed)


def default_of(setting: Setting) -> str:
    """A setting's default, as a sweep file has it."""
    if isinstance(setting.default, bool):
        return str(setting.default).lower()
    return f'"{setting.default}"' if setting.type is str else labels.setting(setting.default)


def claim_measures() -> str:
    """What a claim of a reference file may be about."""

    def listed(names: Sequence[str]) -> str:
        return ", ".join(f"`{name}`" for name in names)

    alike = itertools.groupby(MEASURES, key=MEASURES.__getitem__)
    rows = (
        (listed([*names]), form.meaning, listed(form.takes), listed(form.over))
        for form, names in alike
    )
    return _table(("measure", "is", "takes", "has a trend over"), rows)


def columns(table: str) -> Callable[[], str]:
    """The columns of an exported table."""

    def rows(columns: Sequence[Described]) -> Iterable[tuple[str, ...]]:
        return ((f"`{c.name}`", c.kind, c.meaning) for c in columns)

    return lambda: _table(("column", "type", "meaning"), rows(TABLES[table]))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in lines)


def _escaped(cell: str) -> str:
    """A cell's text so that Markdown shows it as it is: ``runs/<id>.npz`` is no HTML."""
    return re.sub(r"<(?=\w)", r"\\<", cell.replace("|", r"\|"))


BLOCKS: Mapping[str, Callable[[], str]] = {
    "commands": commands,
    "keys": keys,
    "phase_keys": phase_keys,
    "claim_measures": claim_measures,
    "settings": settings,
    "runs": columns("runs"),
    "layers": columns("layers"),
    "units": columns("units"),
}


def made(page: str) -> str:
    """A page with its made parts as they should be."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{BLOCKS[block[2]]()}\n\n{block[3]}", page)


if __name__ == "__main__":
    for page in sorted(PAGES.glob("*.md")):
        page.write_text(made(page.read_text("utf-8")), "utf-8")
    tab.TABLE.write_text(tab_table.text(), "utf-8")
