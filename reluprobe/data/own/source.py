"""Source: which file of the user's, and what the settings of a run make of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reluprobe.config import RunConfig
from reluprobe.config.own_data import SUFFIXES, is_path
from reluprobe.errors import InputError, nearest

TABLES = (".csv", ".parquet")


@dataclass(frozen=True)
class OwnData:
    """A file as one dataset; runs whose settings of it are the same share it.

    Attributes are the settings of :class:`RunConfig`: ``dataset``, ``target``, ``task``,
    ``test_share``, ``split_seed``, ``standardize`` and ``data_sha256``.
    """

    path: str
    target: str = ""
    task: str = "auto"
    test_share: float = 0.2
    split_seed: int = 0
    standardize: bool = False
    sha256: str = ""

    @property
    def is_table(self) -> bool:
        """Whether it has columns, of which one is the target."""
        return Path(self.path).suffix.lower() in TABLES


#: What a dataset goes by.
DatasetKey = str | OwnData


def key_of(config: RunConfig, name: str | None = None) -> DatasetKey:
    """What the dataset of a run goes by: its name, or all that is said of a file.

    Args:
        config: the run's settings.
        name: of the dataset of one of its phases; None for the run's own.
    """
    name = name or config.dataset
    if not is_path(name):
        return name
    return OwnData(
        name,
        config.target,
        config.task,
        config.test_share,
        config.split_seed,
        config.standardize,
        config.data_sha256,
    )


def located(written: str, folder: Path | None = None) -> Path:
    """Where a file lies.

    Args:
        written: its path, as a setting has it.
        folder: where a relative path starts; None for where the process stands.

    Raises:
        InputError: nothing is there, or it is no file that holds data.
    """
    try:
        path = (folder or Path()) / Path(written).expanduser()
        exists = path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # ~nobody; a name too long; a NUL
        raise InputError(f"dataset: got {written!r}: {error}") from None
    if not exists:
        raise InputError(f"dataset: no such file or folder: {written}{_near(path)}")
    if path.is_file() and path.suffix.lower() not in SUFFIXES:
        allowed = f"{', '.join(SUFFIXES)}, or a folder of .npy files or of images by class"
        raise InputError(f"dataset: got {written!r}; allowed are {allowed}")
    if not path.is_file() and not path.is_dir():
        raise InputError(f"dataset: got {written!r}, which is neither a file nor a folder")
    return path


def _near(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"; no folder {path.parent} either"
    return nearest(path.name, names) or f" (looked in {path.parent.absolute()})"
