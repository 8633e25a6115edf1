"""TensorFlow Datasets, imported when it is wanted and made to hold its tongue."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import re
import warnings
from collections.abc import Iterator
from types import ModuleType

from reluprobe.errors import DatasetError

# absl is TFDS's logger; urllib3 announces every retry of a download.
_CHATTY = ("absl", "urllib3", "tensorflow")


def import_tfds() -> ModuleType:
    """TensorFlow Datasets with its progress bars off; about a second the first time.

    Raises:
        DatasetError: it, or something it needs, is not installed.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        message = f"TensorFlow Datasets cannot be imported: {error}"
        raise DatasetError(message, hint="install reluprobe again, with all it needs") from error
    tfds.disable_progress_bar()
    return tfds


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what TFDS prints and logs below an error; standard output stays the program's own."""
    loggers = [logging.getLogger(name) for name in _CHATTY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        # "Downloading and preparing ..." is printed, not logged.
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def import_tensorflow(name: str) -> None:
    """Import TensorFlow, which TFDS needs to prepare the dataset called ``name``.

    Raises:
        DatasetError: it is not installed, or cannot be imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # else it greets on standard error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its import alone warns, of its own deprecations
            importlib.import_module("tensorflow")
    except ImportError as error:
        raise _needs_tensorflow(name, error) from error


def lacks_package(name: str, error: ImportError) -> DatasetError:
    """The error for a dataset whose code in TFDS imports what is not installed."""
    if re.search(r"\btensorflow\b", str(error)):  # TFDS raises it anew, without its ``name``
        return _needs_tensorflow(name, error)
    return DatasetError(f"{name} needs a Python package that cannot be imported: {error}")


def _needs_tensorflow(name: str, error: ImportError) -> DatasetError:
    return DatasetError(
        f"preparing {name} needs TensorFlow, which cannot be imported: {error}",
        hint='pip install "reluprobe[tensorflow]"',
    )
