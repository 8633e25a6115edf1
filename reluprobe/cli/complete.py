"""Shell completion: names to offer after an option. Where none is, the shell completes files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reluprobe.cli import tab
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
    return [*names, *tab.files(incomplete, PATTERNS[datasets])]


def sweep_files(incomplete: str) -> list[str]:
    """TOML files that start so, and those in folders that do."""
    return tab.files(incomplete, PATTERNS[sweep_files])


#: Of those that offer files: which.
PATTERNS: dict[Completer, list[str]] = {
    datasets: [f"*{suffix}" for suffix in SUFFIXES],
    sweep_files: ["*.toml", "*/*.toml"],
}
