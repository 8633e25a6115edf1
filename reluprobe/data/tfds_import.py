"""Imports of TensorFlow Datasets and TensorFlow, late and without their output."""

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
    """TensorFlow Datasets; about a second the first time.

    Raises:
        DatasetError: it, or something it needs, is not installed.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        message = f"TensorFlow Datasets cannot be imported: {error}"
        raise DatasetError(message, hint="install reluprobe again, with all it needs") from error
    return tfds


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what TFDS prints, logs below an error, draws as progress or leaves in temporary folders.

    Standard output stays the program's own.

    Raises:
        DatasetError: as :func:`import_tfds`.
    """
    with (
        _logging_errors_only(),
        _environment("TF_CPP_MIN_LOG_LEVEL", "2"),  # else TensorFlow greets on standard error
        contextlib.redirect_stdout(io.StringIO()),  # "Downloading ..." is printed, not logged
        _no_progress_bars(),
        _no_bucket(),
    ):
        yield


@contextlib.contextmanager
def _logging_errors_only() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _CHATTY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """A variable of the environment where nobody has set it, for as long as the block runs."""
    if name in os.environ:
        yield
        return
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)


@contextlib.contextmanager
def _no_progress_bars() -> Iterator[None]:
    tfds = import_tfds()
    from tensorflow_datasets.core.utils import tqdm_utils

    # TFDS has functions that set this, and none to read it.
    active = getattr(tqdm_utils, "_active", True)
    tfds.disable_progress_bar()
    try:
        yield
    finally:
        tfds.display_progress_bar(active)


@contextlib.contextmanager
def _no_bucket() -> Iterator[None]:
    """Do not ask TFDS's bucket for a dataset's description.

    TFDS has that switched off, and still leaves an empty temporary folder for it each time that a
    builder is made of a dataset that is not prepared.
    """
    from tensorflow_datasets.core.dataset_info import DatasetInfo

    asks = DatasetInfo.initialize_from_bucket
    DatasetInfo.initialize_from_bucket = lambda self: None
    try:
        yield
    finally:
        DatasetInfo.initialize_from_bucket = asks


def import_tensorflow(name: str) -> None:
    """Import TensorFlow, which TFDS needs to prepare the dataset called ``name``; in :func:`quiet`.

    Raises:
        DatasetError: it is not installed, or cannot be imported.
    """
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
