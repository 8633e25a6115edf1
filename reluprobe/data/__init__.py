"""Datasets as arrays of fixed shape, by name or from a file of the user's: ``load("mnist")``.

MNIST ships inside the package, ``blobs`` and ``abs`` are made on the spot, and every other name is
looked up in TensorFlow Datasets, prepared once and kept in the user's cache.
"""

from __future__ import annotations

from pathlib import Path

from reluprobe.data import cache
from reluprobe.data.dataset import Dataset
from reluprobe.data.idx import load_mnist
from reluprobe.data.names import BUILT_IN, TFDS_WITHOUT_TENSORFLOW, check_name, check_shape
from reluprobe.data.own import DatasetKey, OwnData, key_of, load_own, located, sha256
from reluprobe.data.synthetic import load_abs, load_blobs

__all__ = [
    "BUILT_IN",
    "TFDS_WITHOUT_TENSORFLOW",
    "Dataset",
    "DatasetKey",
    "OwnData",
    "check_name",
    "key_of",
    "load",
    "located",
    "sha256",
]

_MAKERS = {"mnist": load_mnist, "blobs": load_blobs, "abs": load_abs}


def load(
    name: DatasetKey,
    *,
    manual_dir: Path | None = None,
    cache_dir: Path | None = None,
    own_dir: Path | None = None,
) -> Dataset:
    """Load a dataset: by name from the package, the cache, ``manual_dir`` or the network; a file.

    Args:
        name: one of ``BUILT_IN``, or a ``NAME`` or ``NAME/CONFIG`` of TensorFlow Datasets. Those in
            ``TFDS_WITHOUT_TENSORFLOW`` never need TensorFlow; others need it the first time. Or
            an ``OwnData``, a file or folder.
        manual_dir: a folder with the dataset's files, under the names TFDS registers for them.
        cache_dir: where prepared datasets are kept; by default the user's cache folder.
        own_dir: where the relative path of a file starts; None for where the process stands.

    Returns:
        A ``Dataset``. Images are uint8 of shape ``(example, height * width * channel)``.

    Raises:
        InputError: there is no such dataset, it is not one of fixed-size labelled images, or a
            file cannot be trained on.
        DatasetError: it cannot be downloaded, prepared or read.

    Examples:
        >>> load("mnist").train_inputs.shape
        (60000, 784)
    """
    if isinstance(name, OwnData):
        return load_own(name, own_dir)
    if name in BUILT_IN:
        return _MAKERS[name]()
    check_shape(name)
    root = cache.root(cache_dir)
    if (cached := cache.read(root, name)) is not None:
        return cached
    check_name(name)
    return cache.build(root, name, lambda: _from_tfds(name, manual_dir, root))


def _from_tfds(name: str, manual_dir: Path | None, root: Path) -> Dataset:
    # Only on a cache miss, for TensorFlow Datasets takes a second to import.
    from reluprobe.data.tfds import load_tfds

    given = None if manual_dir is None else Path(manual_dir).expanduser().absolute()
    return load_tfds(name, manual_dir=given, cache=root)
