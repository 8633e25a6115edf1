"""Every benchmark, one after the other: ``python benchmarks``. Prints Markdown.

Each is a file beside this one with a command of its own and says what it measures.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

#: In the order of the README's table; ``--only NAME`` picks.
FILES = ("rivals", "gemm_bound", "probe_cost", "flat", "starting", "report_time")


def processor() -> str:
    """What the machine calls its processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=FILES, help="repeatable")
    asked: Any = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {processor()}, Python {platform.python_version()}")
    for name in asked.only or FILES:
        print(f"\n## {name}\n", flush=True)
        subprocess.run([sys.executable, Path(__file__).with_name(f"{name}.py")], check=True)


if __name__ == "__main__":
    main()
