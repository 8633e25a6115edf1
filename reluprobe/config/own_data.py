"""Own data: which datasets are files of the user's, told by the name alone.

By the name alone, and not by what is on disk: a record has to mean the same wherever it is read.
"""

from __future__ import annotations

import re

from reluprobe.config.field import Form

#: What a file of data ends in.
SUFFIXES = (".npz", ".csv", ".parquet")
RULE = "a path begins with . / or ~, or ends in / or one of " + " ".join(SUFFIXES)
_PATH = re.compile(r"(?is)[./~\\].*|[a-z]:[/\\].*|.*[/\\]|.*\.(npz|npy|csv|parquet)")
_SHA256 = re.compile(r"([0-9a-f]{64})?")
#: Settings that have an effect only where the dataset is a file.
SETTINGS = ("target", "task", "test_share", "split_seed", "standardize", "data_sha256")


def is_path(dataset: object) -> bool:
    """Whether a dataset's name is the path of a file or folder: ``houses.csv``, ``./cats``."""
    return isinstance(dataset, str) and _PATH.fullmatch(dataset) is not None


class _Paths(tuple[str, ...]):
    """Every path, where a setting lists beside what it has an effect."""

    def __contains__(self, dataset: object) -> bool:
        return is_path(dataset)


#: For ``Spec.only_with``.
PATHS = _Paths(("a file or folder",))
SHA256 = Form(
    "64 hexadecimal digits, or nothing",
    _SHA256.pattern,
    lambda text: None if _SHA256.fullmatch(text) else "allowed are 64 hexadecimal digits 0-9 a-f",
    str,
)
