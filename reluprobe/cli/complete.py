"""Shell completion: names to offer after an option. Where none is, the shell completes files."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

from reluprobe.config import Setting
from reluprobe.config.own_data import SUFFIXES

Completer = Callable[[str], list[str]]


def of_setting(setting: Setting) -> Completer | None:
    """The names that a setting's flag takes; None where it takes none."""
    if setting.name == "dataset":
        return datasets
    allowed = (*setting.choices, *setting.words)
    return among(allowed) if allowed else None


def among(allowed: Iterable[str]) -> Completer:
    """Those of these names that start so."""

    def completed(incomplete: str) -> list[str]:
        return [name for name in allowed if name.startswith(incomplete)]

    return completed


def datasets(incomplete: str) -> list[str]:
    """Datasets that need no TensorFlow, and files of data; to ask TFDS for all takes too long."""
    from reluprobe.data.names import BUILT_IN, TFDS_WITHOUT_TENSORFLOW

    names = among((*BUILT_IN, *TFDS_WITHOUT_TENSORFLOW))(incomplete)
    return [*names, *_files(incomplete, [f"*{suffix}" for suffix in SUFFIXES])]


def sweep_files(incomplete: str) -> list[str]:
    """TOML files that start so, and those in folders that do."""
    return _files(incomplete, ["*.toml", "*/*.toml"])


def _files(incomplete: str, patterns: Iterable[str]) -> list[str]:
    head, slash, tail = incomplete.rpartition("/")
    folder = Path(f"{head}{slash}" or ".").expanduser()
    files = [file for pattern in patterns for file in folder.glob(pattern)]
    paths = sorted(path.relative_to(folder).as_posix() for path in files)
    # Hidden ones, and those to be quoted, are left to the shell itself.
    plain = (name for name in paths if name[0] != "." and shlex.quote(name) == name)
    return [f"{head}{slash}{name}" for name in plain if name.startswith(tail)]
