"""The command line: the only place that prints or exits.

The heavy half (JAX and all that needs it) is imported inside the commands that train, so that
``--help`` and ``report`` answer at once.
"""

from reluprobe.cli.importing import importing

with importing():
    from reluprobe.cli.app import main

__all__ = ["main"]
