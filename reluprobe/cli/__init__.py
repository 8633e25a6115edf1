"""The command line: the only place that prints or exits.

The heavy half (JAX and all that needs it) is imported inside the commands that train, so that
``--help`` and ``report`` answer at once.
"""

import os

from reluprobe.garbage import uncollected


def main() -> None:
    """Run the command line, and exit; of a shell that asks what may follow, answer it."""
    if "_RELUPROBE_COMPLETE" in os.environ:
        from reluprobe.cli import encoding, tab

        encoding.write_plainly()
        if tab.answered():
            return
        os.environ.setdefault("TYPER_USE_RICH", "0")  # nothing is rendered for a shell
    with uncollected():
        from reluprobe.cli.app import main as run
    run()


__all__ = ["main"]
