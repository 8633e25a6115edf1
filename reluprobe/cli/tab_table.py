"""The table that :mod:`reluprobe.cli.tab` answers from: ``python docs/generate.py`` writes it."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable
from typing import Any

import typer
from rich.text import Text

from reluprobe.cli import complete, tab
from reluprobe.cli.app import app
from reluprobe.cli.lazy import COMMANDS


def text() -> str:
    """The table as it stands in its file."""
    return json.dumps(table(), indent=1, ensure_ascii=False) + "\n"


def table() -> dict[str, Any]:
    """Every command's options and arguments, and what may stand in their place."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("reluprobe", [], resilient_parsing=True)
    commands = {name: _command(context, name, module) for name, (module, _) in COMMANDS.items()}
    return {"options": _options(group.get_params(context), {}), "commands": commands}


def _command(context: Any, name: str, module: str) -> dict[str, Any]:
    command = context.command.get_command(context, name)
    function = importlib.import_module(f"reluprobe.cli.commands.{module}").command
    completers = {
        parameter.name: option.autocompletion
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        for option in getattr(parameter.annotation, "__metadata__", ())
    }
    parameters = command.get_params(
        command.make_context(name, [], parent=context, resilient_parsing=True)
    )
    arguments = [
        {"value": _value(completers.get(p.name)), "many": p.nargs == -1}
        for p in parameters
        if p.param_type_name == "argument"
    ]
    return {
        "help": COMMANDS[name][1],
        "options": _options(parameters, completers),
        "arguments": arguments,
    }


def _options(parameters: list[Any], completers: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            # Typer's own are in no order: those of --help come from a set.
            "names": sorted([*p.opts, *p.secondary_opts], key=lambda name: (-len(name), name)),
            "help": Text.from_markup(p.help or "").plain,
            "value": None if p.is_flag else _value(completers.get(p.name)),
            "many": p.multiple,
        }
        for p in parameters
        if p.param_type_name == "option" and not p.hidden
    ]


def _value(completer: Callable[[str], list[str]] | None) -> dict[str, list[str]]:
    """What a completer offers: names, and files of some patterns."""
    if completer is None:
        return {"names": [], "files": []}
    patterns = complete.PATTERNS.get(completer, [])
    offered = completer("")
    found = {*tab.files("", patterns)}  # here, by chance
    return {"names": [name for name in offered if name not in found], "files": patterns}
