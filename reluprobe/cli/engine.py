"""Between the commands and the engine: folders and files around a stream of events."""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.logging import RichHandler

from reluprobe import archive, data, fit, records, sweep
from reluprobe.cli import console
from reluprobe.config import SweepConfig, sweep_toml
from reluprobe.config.reference import SHIPPED
from reluprobe.grid import Run

Ended = list[tuple[records.RunRecord, Path]]
#: An event, and where its record was written if it had one.
Step = tuple[sweep.Event, Path | None]


def start(
    plan: SweepConfig, runs: Sequence[Run], out: Path, manual_dir: Path | None
) -> Iterator[Step]:
    """Write the sweep beside its runs, then every record as its run ends.

    What cannot be written is known before anything is trained.
    """
    handler = RichHandler(console=console.err, show_time=False, show_path=False)
    logging.getLogger("reluprobe").handlers[:] = [handler]
    for name in dict.fromkeys(name for run in runs for name in fit.datasets(run.config)):
        data.check_name(name)
    folder = out / plan.name
    plan = _bring_reference(plan, folder)
    records.write_atomically(folder / archive.SWEEP_FILE, sweep_toml(plan))
    load = partial(data.load, manual_dir=manual_dir)
    for event in sweep.execute(runs, load):
        done = isinstance(event, sweep.RunDone)
        yield event, records.write(event.record, folder) if done else None


def _bring_reference(plan: SweepConfig, folder: Path) -> SweepConfig:
    """Copy a reference that is a file beside the sweep, so that the results can be moved."""
    if plan.reference is None or plan.reference in SHIPPED:
        return plan
    file = Path(plan.reference)
    records.write_atomically(folder / file.name, file.read_text("utf-8"))
    return dataclasses.replace(plan, reference=file.name)


def follow(
    events: Iterable[Step],
    first: Step,
    on_epoch: Callable[[sweep.EpochDone], None],
    on_compiled: Callable[[sweep.Compiled], None] = lambda _: None,
) -> Ended:
    """Pass on epochs and compilations as they come; return what was written."""
    ended: Ended = []
    for event, path in itertools.chain([first], events):
        if isinstance(event, sweep.EpochDone):
            on_epoch(event)
        elif isinstance(event, sweep.Compiled):
            on_compiled(event)
        elif path is not None:
            ended.append((event.record, path))
    return ended
