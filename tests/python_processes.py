"""Other Python processes, in which nothing is imported yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import reluprobe

COMMAND = """if 1:
    import sys
    from reluprobe.cli import main
    try:
        main()
    except SystemExit as left:
        assert not left.code
    print(*sys.modules, file=sys.stderr)"""


def run_python(code: str, *args: object) -> subprocess.Popen[str]:
    """Another Python process; warnings are errors there too."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, args)]
    env = {**os.environ, "PYTHONPATH": str(Path(reluprobe.__file__).parents[1])}
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def imported_by(*args: str) -> tuple[set[str], str]:
    """The modules that a ``reluprobe`` command imports, and what it prints."""
    with run_python(COMMAND, *args) as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    return set(err.splitlines()[-1].split()), out
