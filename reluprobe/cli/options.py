"""Command-line options: a flag for each setting, and what several commands share."""

from __future__ import annotations

import inspect
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from reluprobe.cli import complete
from reluprobe.config import SETTINGS, Setting, Value, arguments, assignments, choices, full_name
from reluprobe.config.run_config import GROUPS
from reluprobe.errors import InputError, shown
from reluprobe.plan.runs import LARGEST_PLAN

#: Of whatever option or argument names a file or folder: ``~`` is spelled out, where no shell did.
AS_PATH: dict[str, Any] = {"parser": partial(arguments.path, "path"), "metavar": "PATH"}
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for results.", **AS_PATH)]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for machines instead.")]
#: What :func:`repeatable` gives.
Texts = list[str] | None
_PART = re.compile(r"(\d{1,9})/(\d{1,9})")
METAVARS = {int: "INTEGER", float: "NUMBER", str: "NAME", bool: "BOOLEAN"}
#: Under which heading of --help a setting stands.
PANELS = {name: panel for panel, names in GROUPS.items() for name in names}
ManualDir = Annotated[
    Path | None,
    typer.Option(
        "--manual-dir", help="Folder with dataset files that are already on disk.", **AS_PATH
    ),
]
SaveWeights = Annotated[
    bool,
    typer.Option(
        "--save-weights", help="Keep the trained weights beside each record (safetensors)."
    ),
]
SaveWeightsEvery = Annotated[
    bool, typer.Option("--save-weights-every", help="Keep those after every epoch too.")
]

NoCompileCache = Annotated[
    bool,
    typer.Option(
        "--no-compile-cache",
        help="Read no compiled program from the user's cache folder, and keep none.",
    ),
]


def when_saved(at_end: bool, every: bool) -> choices.SaveWeights | None:
    """When weights are saved, by the two flags."""
    return "every" if every else "end" if at_end else None


def repeatable(
    name: str, help: str, metavar: str, default: str | bool = True, among: Iterable[str] = ()
) -> Any:
    """An option that may be given several times; ``among``: what a shell completes there."""
    return typer.Option(
        name,
        help=f"{help} Repeatable.",
        metavar=metavar,
        show_default=default,
        autocompletion=complete.among(among),
    )


def typed(but: str | None = None) -> str:
    """The command as it was typed, ``but`` for one flag: typed again, it goes on."""
    return shlex.join(["reluprobe", *(word for word in sys.argv[1:] if word != but)])


def typed_settings(context: typer.Context, settings: Mapping[str, Value]) -> dict[str, Value]:
    """Those settings of a command that were typed, also at their defaults."""
    sources = {name: context.get_parameter_source(name) for name in settings}
    return {n: v for n, v in settings.items() if getattr(sources[n], "name", "") != "DEFAULT"}


def split(texts: Texts) -> list[str] | None:
    """The names of a repeatable option: ``--by a --by b`` and ``--by a,b`` alike."""
    if texts is None:
        return None
    return [name for text in texts for name in text.replace(",", " ").split()]


def with_settings(
    function: Callable[..., None],
    among: Mapping[str, Setting] = SETTINGS,
    axes: Mapping[str, Sequence[Value]] = MappingProxyType({}),
) -> Callable[..., None]:
    """Give a command one flag per setting, handed to it as keyword arguments.

    Those of ``axes`` take several values, ``2,3,5``, and are handed over as a list.
    """
    signature = inspect.signature(function, eval_str=True)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    # In the order of the panels: help shows them as they come.
    ordered = sorted(among, key=lambda name: list(PANELS).index(name) if name in PANELS else -1)
    flags = [_flag(among[name], axes.get(name)) for name in ordered]
    together = signature.replace(parameters=[*flags, *own])
    function.__signature__ = together  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in together.parameters.values()}
    return function


def _flag(setting: Setting, several: Sequence[Value] | None = None) -> inspect.Parameter:
    name = setting.name.replace("_", "-")
    names = [f"--{name}", *setting.flags]
    text = setting.help
    if setting.choices:
        text += f" One of: {', '.join(setting.choices)}."
    if setting.condition:
        text += f" ({setting.condition})"
    read, metavar = assignments.reader(setting.type), METAVARS[setting.type]
    default = setting.default
    if several is not None:
        read, metavar = _list_reader(read), f"{metavar},…"
        default = ",".join(str(value) for value in several)
    panel = PANELS.get(setting.name, "Settings")
    if setting.type is bool and several is None:
        option = typer.Option(f"--{name}/--no-{name}", help=text, rich_help_panel=panel)
    else:
        option = typer.Option(
            *names,
            help=text,
            rich_help_panel=panel,
            parser=read,
            metavar=metavar,
            autocompletion=complete.of_setting(setting),
        )
    return inspect.Parameter(
        setting.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[setting.type, option],
    )


def _list_reader(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda text: [read(part.strip()) for part in text.split(",") if part.strip()]


def parse_part(text: str | None) -> tuple[int, int]:
    """``3/10`` as slice 3 of 10; the whole where nothing is given.

    Raises:
        InputError: it is no such text.
    """
    if text is None:
        return 1, 1
    match = _PART.fullmatch(text)
    number, total = map(int, match.groups()) if match else (0, 0)
    if 1 <= number <= total <= LARGEST_PLAN:
        return number, total
    allowed = f"allowed is I/N with 1 <= I <= N <= {LARGEST_PLAN}; an index from 0 wants 1 added"
    raise InputError("cannot read --chunk", [f"got {shown(text)}; {allowed}"])


def parse_overrides(texts: Sequence[str]) -> dict[str, Any]:
    """``epochs=2`` as in TOML; a bare word is a text.

    Raises:
        InputError: a text has no ``=``.
    """
    overrides = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError("cannot read --set", [f"got {shown(text)}; allowed is KEY=VALUE"])
        name = full_name(key)
        overrides[name] = assignments.value_of(name, value)
    return overrides
