"""The command line: the only place that prints or exits.

The heavy half (JAX and all that needs it) is imported inside the commands that train, so that
``--help`` and ``report`` answer at once.
"""

import os

from reluprobe.garbage import uncollected

if "_RELUPROBE_COMPLETE" in os.environ:  # a shell asks what may follow: it renders nothing
    os.environ.setdefault("TYPER_USE_RICH", "0")

with uncollected():
    from reluprobe.cli.app import main

__all__ = ["main"]
