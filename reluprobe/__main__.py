"""``python -m reluprobe``: the command line, where its script is not on the path."""

from reluprobe.cli import main

main()
