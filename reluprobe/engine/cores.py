"""Cores: how many this process may keep busy. Imports no JAX."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def usable_cores(root: Path = Path("/")) -> int:
    """The cores that this process may run on, or its control groups' quota where that is less.

    A container that may use two of 64 cores sees all 64, and is stopped for most of every tenth of
    a second if it uses them. Of a quota of 1.5 cores it is 1, and never less.

    Args:
        root: of the file system; ``/`` outside of tests.
    """
    # macOS and Windows have no affinity that Python knows of, and no control groups.
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, int(min([cores, *_quotas(root)])))


def _quotas(root: Path) -> Iterator[float]:
    """Every quota in cores, of the process's own group and of those around it, v1 and v2."""
    try:
        groups = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
        mounts = (root / "proc/self/mountinfo").read_text("utf-8").splitlines()
    except OSError:  # not Linux
        return
    # "4:cpu,cpuacct:/a" of v1, "0::/a" of v2.
    paths = {
        controller: PurePosixPath(path)
        for _, controllers, path in (line.split(":", 2) for line in groups)
        for controller in controllers.split(",")
    }
    for line in mounts:
        mount, _, filesystem = line.partition(" - ")
        kind, _, options = filesystem.split(" ", 2)
        version = {"cgroup2": "", "cgroup": "cpu"}.get(kind)
        if version is None or version not in paths or version not in ["", *options.split(",")]:
            continue
        top, place = mount.split(" ")[3:5]  # what of the hierarchy is mounted, and where
        path, folder = paths[version], root / place.lstrip("/")
        inner = path.relative_to(top).parts if path.is_relative_to(top) else ()
        for depth in range(len(inner) + 1):
            yield from _quota(folder.joinpath(*inner[:depth]))


def _quota(group: Path) -> Iterator[float]:
    # A group without the controller, and the outermost one, have no such file.
    with contextlib.suppress(OSError):
        quota, period = (group / "cpu.max").read_text("utf-8").split()
        if quota != "max":
            yield int(quota) / int(period)
    with contextlib.suppress(OSError):
        quota = int((group / "cpu.cfs_quota_us").read_text("utf-8"))
        if quota > 0:
            yield quota / int((group / "cpu.cfs_period_us").read_text("utf-8"))
