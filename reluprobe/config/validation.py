"""Pydantic's errors as text: where in the input, and what is wrong there."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from reluprobe.errors import shown


def faults_in(error: ValidationError, with_input: bool = False) -> list[str]:
    """A line for each fault: ``runs.relu.0.epoch: Input should be a valid integer``.

    Args:
        error: what pydantic has raised.
        with_input: whether a line ends with what was there, where anything was.
    """
    return [_line(fault, with_input) for fault in error.errors(include_url=False)]


def _line(fault: Any, with_input: bool) -> str:
    line = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    if not with_input or fault["type"] == "missing":
        return line
    text = shown(fault["input"])
    return f"{line}; got {text if len(text) <= 40 else f'{text[:37]}…'}"
