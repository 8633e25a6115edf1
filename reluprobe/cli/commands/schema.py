"""``reluprobe schema``: what a sweep file may hold, for editors."""

from __future__ import annotations

import json

from reluprobe.cli import console
from reluprobe.config.schema import sweep_schema

HELP = """Print a JSON Schema (draft 4) of sweep files, for TOML editors.

reluprobe schema > reluprobe.schema.json, and as a sweep file's first line
#:schema ./reluprobe.schema.json: Taplo and Even Better TOML then complete keys and names, show what
they mean, and underline what a sweep would refuse."""


def command() -> None:
    """Run it; the help is HELP."""
    console.write(json.dumps(sweep_schema(), indent=2, ensure_ascii=False) + "\n")
