"""Datasets by name as arrays of fixed shape: ``load("mnist")``.

MNIST ships inside the package, ``blobs`` and ``abs`` are made on the spot, and every other name is
looked up in TensorFlow Datasets, prepared once and kept in the user's cache.
"""

from __future__ import annotations

from pathlib import Path

from reluprobe.data import cache
from reluprobe.data.dataset import Dataset
from reluprobe.data.idx import load_mnist
from reluprobe.data.names import BUILT_IN, TFDS_WITHOUT_TENSORFLOW, check_name, check_shape
from reluprobe.data.synthetic import load_abs, load_blobs

__all__ = ["BUILT_IN", "TFDS_WITHOUT_TENSORFLOW", "Dataset", "check_name", "load"]

_MAKERS = {"mnist": load_mnist, "blobs": load_blobs, "abs": load_abs}


def load(name: str, *, manual_dir: Path | None = None, cache_dir: Path | None = None) -> Dataset:
    """Load a dataset by name, from the package, the cache, ``manual_dir`` or the network.

    Args:
        name: one of ``BUILT_IN``, or a ``NAME`` or ``NAME/CONFIG`` of TensorFlow Datasets. Those in
            ``TFDS_WITHOUT_TENSORFLOW`` never need TensorFlow; others need it the first time.
        manual_dir: a folder with the dataset's files, under the names TFDS registers for them.
        cache_dir: where prepared datasets are kept; by default the user's cache folder.

    Returns:
        A ``Dataset``. Images are uint8 of shape ``(example, height * width * channel)``.

    Raises:
        InputError: there is no such dataset, or it is not one of fixed-size labelled images.
        DatasetError: it cannot be downloaded, prepared or read.

    Examples:
        >>> load("mnist").train_inputs.shape
        (60000, 784)
    """
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
