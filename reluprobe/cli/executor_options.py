"""Options for where a sweep's runs are trained: ``--executor``, ``--address``, ``--devices``."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from reluprobe.cli import console
from reluprobe.config import labels
from reluprobe.engine.events import Event
from reluprobe.errors import InputError, ReluprobeError
from reluprobe.executor import dispatch
from reluprobe.executor.interface import Executor
from reluprobe.garbage import uncollected
from reluprobe.plan.runs import Run

Name = Literal["local", "ray"]
ExecutorOption = Annotated[
    Name, typer.Option("--executor", help="local: this machine. ray: the machines of a cluster.")
]
Address = Annotated[
    str | None, typer.Option("--address", help="With --executor ray: the cluster's, HOST:6379.")
]
Devices = Annotated[
    int | None,
    typer.Option(
        "--devices",
        min=1,
        help="How many GPUs or CPU cores to use.",
        show_default="all; with ray 1 a task",
    ),
]
#: Runs and when to stop → what happens, and where records were written.
Engine = Callable[[Sequence[Run], Callable[[], bool]], Iterator[tuple[Event, Path | None]]]


@dataclass(frozen=True)
class Place:
    """What was asked for.

    Raises:
        InputError: flags that do not go together.
        ReluprobeError: it is not installed.
    """

    name: Name
    address: str | None
    devices: int | None

    def __post_init__(self) -> None:
        if self.address is not None and self.name != "ray":
            raise InputError("--address goes with --executor ray")
        if self.name == "ray" and importlib.util.find_spec("ray") is None:
            hint = 'pip install "reluprobe[ray]", in a checkout: pip install ".[ray]"'
            raise ReluprobeError("--executor ray needs Ray, which is not installed", hint=hint)

    def engine(self, job: dispatch.Job, silent: bool) -> Engine:
        """The engine; a cluster has answered by now."""
        if self.name == "ray":
            executor = _ray(self, silent)
            return lambda runs, stop: dispatch.start(executor, job, runs, stop)

        def local(runs: Sequence[Run], stop: Callable[[], bool]) -> Iterator:
            # Imported here: where all is done, JAX is not waited for.
            with uncollected():
                from reluprobe.engine.process import set_up_process
                from reluprobe.executor import local

            set_up_process()
            yield from local.start(
                job.folder,
                runs,
                job.manual_dir,
                stop,
                self.devices,
                job.keep,
                save_weights=job.save_weights,
                compile_cache=job.compile_cache,
            )

        return local


def _ray(place: Place, silent: bool) -> Executor:
    with console.status("reaching Ray"):
        # Imported here: it takes half a second, and may not be installed.
        from reluprobe.executor.ray_executor import RayExecutor

        executor = RayExecutor(place.address, place.devices or 1)
    if not silent:
        share = labels.count(place.devices or 1, "GPU" if executor.kind == "GPU" else "core")
        text = f"ray: {labels.count(executor.slots, 'task')} at a time, {share} each"
        console.err.print(Text(text, style="dim"), soft_wrap=True)
    return executor
