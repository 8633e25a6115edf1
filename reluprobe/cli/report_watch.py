"""``report --watch``: the first screen, renewed as records come in, until the sweep is done.

It looks at folders' times and reads what is new; it steps back behind the sweep, and rests for most
of the time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from reluprobe import records
from reluprobe.analysis import thresholds
from reluprobe.cli import report_sweep
from reluprobe.cli.console import out
from reluprobe.cli.reading import View
from reluprobe.config import labels
from reluprobe.errors import InputError
from reluprobe.records.folder import RUNS, SWEEP_FILE, Archive, open_all

#: Seconds between two looks, on a terminal and where every screen is printed below the last.
PAUSE, PAUSE_PLAIN = 2.0, 10.0
#: It rests this many times as long as its last look took.
RESTS = 20
#: What it yields to the sweep by, as ``nice`` counts.
STEPS_BACK = 10

Show = Callable[[Sequence[RenderableType]], None]


@dataclass
class Remembered:
    """Reads a record's file once, and again only when it has changed."""

    known: dict[Path, tuple[tuple[int, int], records.RunRecord]] = field(default_factory=dict)

    def __call__(self, file: Path) -> records.RunRecord:
        """The record of a file.

        Raises:
            RecordError: it is none, or not yet whole.
        """
        try:
            status = file.stat()
        except OSError:
            return records.read(file)  # which says why not
        stamp = (status.st_mtime_ns, status.st_size)
        if file not in self.known or self.known[file][0] != stamp:
            self.known[file] = stamp, records.read(file)
        return self.known[file][1]


class Watch:
    """The first screen of what lies in these folders, made anew when something has changed."""

    def __init__(self, paths: Sequence[Path], view: View) -> None:
        self.paths, self.view = paths, view
        self.read = Remembered()
        self.done = False
        self._stamps: list[int] | None = None
        self._faults: tuple[str, ...] = ()
        self._seen: tuple[object, ...] | None = None

    def look(self) -> list[RenderableType] | None:
        """The screen; None where it would be as before.

        Raises:
            InputError: a path does not exist, or there are several sweeps.
        """
        stamps = [*_stamps(self.paths)]
        # A file that could not be read may be whole by now, which its folder's time does not say.
        if stamps == self._stamps and not self._faults:
            return None
        self._stamps = stamps
        every = open_all(self.paths, needed=False, read=self.read)
        asked = self.view.thresholds
        sweeps = [thresholds.of_archive(s, asked) for s in every if s.records or s.faults]
        if len(sweeps) > 1:
            names = ", ".join(sweep.place for sweep in sweeps)
            raise InputError("--watch shows one sweep", [f"these are several: {names}"])
        sweep = sweeps[0] if sweeps else None
        self._faults = sweep.faults if sweep else ()
        seen = (sweep and tuple(run.id for run in sweep.records), self._faults)
        if seen == self._seen:
            return None
        self._seen = seen
        self.done = sweep is not None and _done(sweep)
        return self._screen(sweep)

    def _screen(self, sweep: Archive | None) -> list[RenderableType]:
        if sweep is None or not sweep.records:
            where = ", ".join(map(str, self.paths))
            shown: list[RenderableType] = [Text(f"no record in {where} yet", style="dim")]
        else:
            rows = report_sweep.summaries(sweep, self.view)
            shown = [
                _state(sweep, self.done),
                *report_sweep.screen(sweep, rows, self.view, out.width),
            ]
        return [*shown, *(Text(f"not readable yet: {fault}", "yellow") for fault in self._faults)]


def run(
    paths: Sequence[Path],
    view: View,
    rest: Callable[[float], None] = time.sleep,
    step_back: Callable[[], None] | None = None,
) -> None:
    """Show the first screen until the sweep is done or Ctrl-C is pressed.

    Args:
        paths: a sweep's folder.
        view: how to look at it.
        rest: waits for so many seconds.
        step_back: makes way for the sweep on the processor.

    Raises:
        InputError: see :meth:`Watch.look`.
    """
    watch = Watch(paths, view)
    (step_back or _step_back)()
    last: list[RenderableType] = []
    live = out.is_terminal and not out.is_dumb_terminal
    pause = PAUSE if live else PAUSE_PLAIN
    try:
        with _display(live) as show:
            while not watch.done:
                begun = time.perf_counter()
                if (screen := watch.look()) is not None:
                    last = screen
                    show(screen)
                if not watch.done:
                    rest(max(pause, RESTS * (time.perf_counter() - begun)))
    except KeyboardInterrupt:
        pass
    if live:  # the screen that was drawn over is gone
        for part in last:
            out.print(part)


@contextmanager
def _display(live: bool) -> Iterator[Show]:
    """What shows a screen: drawn over the last one on a terminal, else printed below it."""
    if not live:
        yield _print
        return
    from rich.live import Live  # --help and report have nothing to draw over

    drawn: AbstractContextManager[Live] = Live(console=out, screen=True, auto_refresh=False)
    with drawn as on_terminal:
        yield lambda parts: on_terminal.update(Group(*parts), refresh=True)


def _print(parts: Sequence[RenderableType]) -> None:
    for part in parts:
        out.print(part)
    out.rule(style="dim")


def _stamps(paths: Sequence[Path]) -> Iterator[int]:
    """When the folders that records may lie in, or files, were last changed."""
    for path in paths:
        if not path.exists():
            raise InputError(f"no such file or folder: {path}")
        children = sorted(path.iterdir()) if path.is_dir() else []
        for place in (path, path / RUNS, *(child / RUNS for child in children)):
            try:
                yield place.stat().st_mtime_ns
            except OSError:  # not there, or no longer
                yield 0


def _done(sweep: Archive) -> bool:
    """Whether every run of a sweep whose plan is known has a record."""
    return (sweep.folder / SWEEP_FILE).is_file() and not sweep.missing and not sweep.faults


def _state(sweep: Archive, done: bool) -> Text:
    total = len(sweep.records) + sweep.missing
    if done:
        return Text(f"done: all {labels.count(total, 'run')}", style="dim")
    of = f" of {total:,}" if sweep.missing else ""
    text = f"{len(sweep.records):,}{of} runs so far; renewed as they come in, Ctrl-C ends this"
    return Text(text, style="dim")


def _step_back() -> None:
    """Let the sweep go first on the processor, where the system knows of such a thing."""
    if hasattr(os, "nice"):
        os.nice(STEPS_BACK)
