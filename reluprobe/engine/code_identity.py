"""Code identity: which code a process runs, this package's and that of the libraries it traces.

Files say what is on the disk. Python runs what it imported: of files that were written after that
nobody knows what it was, and nothing may be kept under their name.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import reluprobe

PACKAGE = Path(__file__).parents[1]
#: What only reads records and shows them has no part in what is computed.
ROOMS = ("config", "data", "plan", "nn", "measures", "engine")
#: Packages whose code is traced or traces; NumPy's and JAX's own compiler go by their versions.
TRACED = ("jax", "flax", "optax")


@functools.cache
def of_package() -> str:
    """A digest of this package: between two releases a checkout changes, and its version does not.

    Of a package that was written to since it was imported, one that no other process has.
    """
    digest, places = hashlib.sha256(), [PACKAGE / room for room in ROOMS]
    for place in places:
        for file, _ in _python_files(place):
            digest.update(Path(file).read_bytes())
    short = digest.hexdigest()[:16]
    return f"{short} before {reluprobe.IMPORTED}.{os.getpid()}" if _written_to(places) else short


@functools.cache
def of_all() -> tuple[str, ...] | None:
    """This package's code, and the libraries': also where somebody mends one in its place.

    None where any of it was written to since it was imported.
    """
    places = {package: _places(package) for package in TRACED}
    if _written_to([PACKAGE / room for room in ROOMS] + [p for ps in places.values() for p in ps]):
        return None
    return (of_package(), *(f"{package} {_listed(of)}" for package, of in places.items()))


def _places(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    return [Path(place) for place in (spec and spec.submodule_search_locations) or ()]


def _listed(places: list[Path]) -> str:
    """A digest of names, sizes and times of files; to read them all would take too long."""
    digest = hashlib.sha256()
    for place in places:
        for path, state in _python_files(place):
            digest.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _written_to(places: list[Path]) -> bool:
    """Since this process began to import; what is copied with its old time has a new ``ctime``."""
    states = (state for place in places for _, state in _python_files(place))
    return any(max(s.st_mtime_ns, s.st_ctime_ns) > reluprobe.IMPORTED for s in states)


def _python_files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                file = os.path.join(path, name)
                yield file, os.stat(file)
