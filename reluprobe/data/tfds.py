"""Datasets of TensorFlow Datasets: prepared once, then decoded to arrays."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from reluprobe.data import tfds_files
from reluprobe.data.dataset import Dataset
from reluprobe.data.names import TFDS_WITHOUT_TENSORFLOW
from reluprobe.data.tfds_import import import_tensorflow, import_tfds, lacks_package, quiet
from reluprobe.errors import DatasetError, InputError, ReluprobeError

_log = logging.getLogger("reluprobe")
_BATCH = 256  # records asked for at a time


def load_tfds(name: str, *, manual_dir: Path | None, cache: Path) -> Dataset:
    """Prepare ``name`` under ``cache/tfds`` if it is not there yet, and decode all its images.

    Args:
        name: a checked ``NAME`` or ``NAME/CONFIG`` of TensorFlow Datasets.
        manual_dir: a folder with some or all of its files; None to download them.
        cache: the root of reluprobe's cache.

    Returns:
        uint8 inputs ``(example, height * width * channel)``, int32 labels, examples in TFDS's
        order.

    Raises:
        InputError: the dataset is not one of fixed-size images with one label each.
        DatasetError: it cannot be downloaded or prepared, or needs TensorFlow to be.
    """
    data_dir = cache / "tfds"
    with quiet():
        if (dataset := _read_prepared(name, data_dir)) is not None:
            return dataset
        builder = _builder(name, data_dir)
        _prepare(builder, name, manual_dir)
        return _decode(builder, name)


def _read_prepared(name: str, data_dir: Path) -> Dataset | None:
    """The dataset, if an earlier run has prepared it and it can still be read."""
    try:
        builder = _builder(name, data_dir)
        return _decode(builder, name) if builder.data_path.exists() else None
    except (ReluprobeError, MemoryError):
        raise
    except ImportError as error:
        raise lacks_package(name, error) from error
    except Exception as error:  # array_record, JSON and Pillow have many ways to say "damaged"
        if not (data_dir / name).exists():
            raise DatasetError(f"{name}: {type(error).__name__}: {error}") from error
        _log.warning("%s in %s is damaged (%s); preparing it again", name, data_dir, error)
        shutil.rmtree(data_dir / name)
        return None


def _builder(name: str, data_dir: Path) -> Any:
    """A TFDS builder for ``name``, ours where there is one; an unfit dataset is refused."""
    from reluprobe.data.tfds_builders import OWN

    base, _, config = name.partition("/")
    if base in OWN:
        return OWN[base](data_dir=data_dir, config=config or None)
    builder = import_tfds().builder(name, data_dir=data_dir)
    _check_features(builder, name)
    return builder


def _check_features(builder: Any, name: str) -> None:
    features = builder.info.features
    missing = [f"{f!r}" for f in ("image", "label") if f not in (features or {})]
    if missing:
        raise _unfit(name, f"it has no {' and no '.join(missing)}")
    image, classes = features["image"], getattr(features["label"], "num_classes", None)
    if not isinstance(image, import_tfds().features.Image):
        raise _unfit(name, "its 'image' is not one image")
    if len(image.shape) != 3 or None in image.shape:
        raise _unfit(name, f"its images have no fixed size, but shape {image.shape}")
    # Not ``.dtype``, which imports TensorFlow.
    if image.np_dtype != np.uint8 or not classes:
        raise _unfit(name, f"its images are {np.dtype(image.np_dtype)} with {classes} classes")


def _unfit(name: str, why: str) -> InputError:
    allowed = "uint8 images of one size, a class label, and the splits 'train' and 'test'"
    return InputError(f"dataset: got {name!r}, but {why}; allowed: {allowed}")


def _prepare(builder: Any, name: str, manual_dir: Path | None) -> None:
    tfds = import_tfds()
    if name not in TFDS_WITHOUT_TENSORFLOW:
        import_tensorflow(name)
    downloads = Path(builder.data_dir_root) / "downloads"
    tfds_files.check(builder, name, manual_dir, downloads)
    _log.info("preparing %s with TensorFlow Datasets in %s", name, builder.data_dir)
    for leftover in Path(builder.data_dir).parent.glob("incomplete.*"):  # of a killed process
        shutil.rmtree(leftover, ignore_errors=True)
    config = tfds.download.DownloadConfig(manual_dir=manual_dir, try_download_gcs=False)
    try:
        builder.download_and_prepare(
            download_dir=downloads, download_config=config, file_format="array_record"
        )
    except ReluprobeError:
        raise
    except ImportError as error:
        raise lacks_package(name, error) from error
    except Exception as error:  # a dataset's own code may raise anything
        raise tfds_files.failed(builder, name, error) from error


def _decode(builder: Any, name: str) -> Dataset:
    absent = [f"{s!r}" for s in ("train", "test") if s not in builder.info.splits]
    if absent:
        raise _unfit(name, f"it has no split {' and no '.join(absent)}")
    features = builder.info.features
    shape, classes = tuple(features["image"].shape), features["label"].num_classes
    width = int(np.prod(shape))
    train, test = (_decode_split(builder, split, width) for split in ("train", "test"))
    return Dataset(name, *train, *test, classes, shape)


def _decode_split(builder: Any, split: str, width: int) -> tuple[np.ndarray, np.ndarray]:
    source = builder.as_data_source(split)
    inputs = np.empty((len(source), width), np.uint8)
    labels = np.empty(len(source), np.int32)
    for start in range(0, len(source), _BATCH):
        indices = range(start, min(start + _BATCH, len(source)))
        for index, example in zip(indices, source.__getitems__(list(indices)), strict=True):
            inputs[index] = example["image"].reshape(-1)
            labels[index] = example["label"]
    return inputs, labels
