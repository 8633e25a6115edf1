"""Ray executor: each chunk is a task of Ray Core, which asks for cores or for GPUs.

Where the cluster has GPUs each task asks for one, and its process ends with it, for JAX does not
give memory back; ``JAX_PLATFORMS=cpu`` here says not to. Elsewhere each asks for a core and is
pinned to the CPU; its process is kept, and with it the programs that it has compiled. Ray starts
workers as processes of their own and forks none, so that nothing of JAX is inherited half.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reluprobe.errors import InputError, ReluprobeError
from reluprobe.executor.interface import Begun, Ended, Happening
from reluprobe.executor.worker import work

# Ray prints what it hears of dead processes to stdout, where our events are; it reads this once.
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
# One error of a machine is shown; others, of tasks that were cancelled for it, need not be.
os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
# A cluster that is started here reports to nobody unless asked to.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
import ray  # type: ignore[reportMissingImports]
from ray import exceptions  # type: ignore[reportMissingImports]
from ray.util.scheduling_strategies import (  # type: ignore[reportMissingImports]
    NodeAffinitySchedulingStrategy,
)

#: How often a chunk is begun again whose process has died, or whose machine.
RETRIES = 3
#: Seconds to wait for an answer at the cluster's address.
KNOCK = 10.0
#: Seconds between two requests for what has happened.
PAUSE = 0.2
#: Seconds in which all messages about a chunk are here once it has ended.
PATIENCE = 5.0
#: What Ray says where it cannot import what it is to run.
UNKNOWN = "failed to import on the worker"
#: What Ray says of a task whose process has died that often.
DEATHS = (
    exceptions.WorkerCrashedError,
    exceptions.NodeDiedError,
    exceptions.OutOfMemoryError,
)


class RayExecutor:
    """An ``interface.Executor`` on a Ray cluster.

    Args:
        address: the cluster's; None for the one that RAY_ADDRESS names, or that runs on this
            machine; where there is none, one is started on this machine.
        devices: how many cores, or GPUs, a task asks for.

    Raises:
        InputError: no node has that many.
        ReluprobeError: no cluster answers.
    """

    def __init__(self, address: str | None, devices: int = 1) -> None:
        _connect(address)
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        self.kind = _kind(nodes)
        self.slots = sum(int(node.get(self.kind, 0)) // devices for node in nodes)
        if not self.slots:
            most = max(int(node.get(self.kind, 0)) for node in nodes)
            fault = f"--devices {devices}: allowed is 1 to {most}; no node has more {self.kind}s"
            raise InputError("cannot use that many devices", [fault])
        self.task = ray.remote(**demands(self.kind, devices))(_task)
        # On this machine, so that it goes with nobody but who empties it.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        apart: dict[str, Any] = {"num_cpus": 0, "max_restarts": -1, "scheduling_strategy": here}
        self.mailbox: Any = ray.remote(_Mailbox).options(**apart).remote()
        self.refs: dict[Any, Path] = {}
        #: How many messages have come about a chunk since it was last begun.
        self.received: Counter[Path] = Counter()

    def submit(self, file: Path) -> None:
        """As the interface says."""
        self.refs[self.task.remote(file, self.kind, self.mailbox)] = file

    def as_completed(self) -> Iterator[Happening]:
        """As the interface says."""
        while self.refs:
            ended, _ = ray.wait(list(self.refs), timeout=PAUSE, fetch_local=False)
            yield from self._mail()
            for ref in ended:
                yield from self._end(self.refs.pop(ref), ref)
            if not ended:
                yield None

    def _mail(self) -> Iterator[Happening]:
        try:
            messages = ray.get(self.mailbox.empty.remote())
        except exceptions.RayActorError:  # it died, and is begun again: what it held is not missed
            return
        for file, happening in messages:
            if isinstance(happening, Begun):
                self.received[file] = 0
            self.received[file] += 1
            yield happening

    def _end(self, file: Path, ref: Any) -> Iterator[Happening]:
        try:
            sent: int = ray.get(ref)  # type: ignore[assignment]
        except exceptions.RayError as error:
            yield _lost(file, error)
            return
        # Nobody waits over there until mail has come in: here it may be a moment late.
        deadline = time.monotonic() + PATIENCE
        while self.received[file] < sent and time.monotonic() < deadline:
            yield from self._mail()
        yield Ended(file)

    def cancel(self) -> None:
        """As the interface says: work is interrupted as soon as Python has its turn again."""
        for ref in self.refs:
            ray.cancel(ref, recursive=False)


def demands(kind: str, devices: int) -> dict[str, Any]:
    """What a task asks Ray for, and the environment that its process has before it imports JAX."""
    asked: dict[str, Any] = {"max_retries": RETRIES, "retry_exceptions": False}
    if kind == "GPU":
        return asked | {"num_gpus": devices, "max_calls": 1}
    variables = {"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": str(devices)}
    return asked | {"num_cpus": devices, "max_calls": 0, "runtime_env": {"env_vars": variables}}


def _kind(nodes: list[dict[str, float]]) -> str:
    wanted = os.environ.get("JAX_PLATFORMS") != "cpu"
    return "GPU" if wanted and any(node.get("GPU", 0) >= 1 for node in nodes) else "CPU"


def _connect(address: str | None) -> None:
    try:
        _knock(address or os.environ.get("RAY_ADDRESS", ""))
        # Whatever workers print would be printed here, between events or over the bar.
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        where = f"the cluster at {address}" if address else "Ray"
        raise ReluprobeError(
            f"cannot reach {where}: {_line(error)}",
            hint="--address HOST:6379 of the head node; ray status says whether it runs",
        ) from None


def _knock(address: str) -> None:
    """Whether anybody listens at HOST:PORT. Ray itself would try for many minutes."""
    if match := re.fullmatch(r"([^/:]+):(\d+)", address):
        socket.create_connection((match[1], int(match[2])), KNOCK).close()


class _Mailbox:
    """Messages from the workers, until they are asked for here."""

    def __init__(self) -> None:
        self.held: list[tuple[Path, Happening]] = []

    def put(self, file: Path, happening: Happening) -> None:
        self.held.append((file, happening))

    def empty(self) -> list[tuple[Path, Happening]]:
        messages, self.held = self.held, []
        return messages


def _task(file: Path, kind: str, mailbox: Any) -> int:
    """Do the work; give how many messages were sent about it."""
    sent = itertools.count()

    def tell(happening: Happening) -> None:
        # Not waited for: a task that waits lends its core to another one.
        mailbox.put.remote(file, happening)
        next(sent)

    if kind == "GPU":
        _check_gpu()
    work(file, tell)
    return next(sent)


def _check_gpu() -> None:
    from reluprobe.engine.devices import local_devices

    if local_devices()[0].platform == "cpu":
        node = ray.util.get_node_ip_address()
        raise ReluprobeError(
            f"on {node}: there is a GPU, and JAX cannot use it",
            hint='pip install "reluprobe[cuda]" there, or JAX_PLATFORMS=cpu here',
        )


def _lost(file: Path, error: Any) -> Ended:
    if isinstance(error, exceptions.TaskCancelledError):
        return Ended(file, lost="cancelled")
    if isinstance(error, DEATHS):
        return Ended(file, lost=_line(error))
    if isinstance(error, exceptions.RayTaskError):
        return Ended(file, error=_raised(error))
    return Ended(file, error=ReluprobeError(f"Ray: {_line(error)}"))


def _raised(error: Any) -> Exception:
    """What was raised over there, if it has a message for people; else with its traceback."""
    if isinstance(error.cause, ReluprobeError):
        return error.cause
    if UNKNOWN in (text := str(error.cause)):
        where = re.search(r"ip=([\w.:]+)", str(error))
        return ReluprobeError(
            f"on {where[1] if where else 'a machine'}: {text.strip().splitlines()[-1]}",
            hint="have the same reluprobe, and what it needs, on every machine",
        )
    return error


def _line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
