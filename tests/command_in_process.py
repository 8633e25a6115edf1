"""A command of reluprobe in this process."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from unittest import mock

import pytest

from reluprobe import cli


def run(*args: str | Path) -> tuple[int, str]:
    """A command in this process: its exit code, and what it prints."""
    text = io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["reluprobe", *map(str, args)]),
        contextlib.redirect_stdout(text),
        contextlib.redirect_stderr(text),
        pytest.raises(SystemExit) as left,
    ):
        cli.main()
        sys.exit(0)
    return int(left.value.code or 0), text.getvalue()
