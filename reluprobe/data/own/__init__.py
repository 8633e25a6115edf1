"""The user's own data: a file or folder as a :class:`Dataset`, or refused with what was seen."""

from __future__ import annotations

from pathlib import Path

from reluprobe.data.dataset import Dataset, frozen
from reluprobe.data.own import arrays, fitting, images, tables
from reluprobe.data.own.digest import sha256, shortened
from reluprobe.data.own.raw import Raw, refused
from reluprobe.data.own.source import DatasetKey, OwnData, key_of, located

__all__ = ["DatasetKey", "OwnData", "key_of", "load_own", "located", "sha256"]


def load_own(source: OwnData, folder: Path | None = None) -> Dataset:
    """Read a file or folder of the user's and make it fit a network.

    Args:
        source: its path, and what the settings of a run say of it.
        folder: where a relative path starts; None for where the process stands.

    Returns:
        float32 inputs, or uint8 pixels as they are; int32 labels from 0 up, or float32 targets.

    Raises:
        InputError: it is not there, has changed since its runs were planned, or does not fit; all
            that was seen is listed.
    """
    path = located(source.path, folder)
    seen = sha256(path, source.path)
    if source.sha256 and seen != source.sha256:
        raise refused(
            source.path,
            f"it has changed: the runs were planned with SHA-256 {shortened(source.sha256)}, and "
            f"it has {shortened(seen)}",
            hint="put that file back; or the same command again, which plans runs of the new one",
        )
    return frozen(fitting.fitted(_read(source, path), source))


def _read(source: OwnData, path: Path) -> Raw:
    if source.is_table:
        return tables.read(source, path)
    if path.is_dir():
        return arrays.read_folder(path) if arrays.holds_arrays(path) else images.read(source, path)
    return arrays.read_npz(source, path)
