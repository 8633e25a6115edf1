"""Builders for Fashion-MNIST, KMNIST and EMNIST that need no TensorFlow.

TFDS's own builders want TensorFlow only to unpack gzip and to encode PNG. These keep its URLs,
checksums, features, class counts and example order, and use Python's gzip and zipfile and Pillow.
Imported only when a dataset of TFDS has to be prepared.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urljoin

from PIL import Image
from tensorflow_datasets.image_classification import mnist as _theirs

from reluprobe.data.idx import parse_idx_gz
from reluprobe.errors import DatasetError

_Example = tuple[int, dict[str, Any]]


class _FourFiles:
    """A dataset that is published as four gzip-packed IDX files side by side."""

    URL: str

    # Any, because TFDS's own builder says list; a dict is what its documentation asks for.
    def _split_generators(self, dl_manager: Any) -> Any:
        return {
            "train": _examples(*self._download(dl_manager, "train")),
            "test": _examples(*self._download(dl_manager, "t10k")),
        }

    def _download(self, dl_manager: Any, split: str) -> tuple[bytes, bytes]:
        names = (f"{split}-images-idx3-ubyte.gz", f"{split}-labels-idx1-ubyte.gz")
        images, labels = dl_manager.download([urljoin(self.URL, name) for name in names])
        return Path(images).read_bytes(), Path(labels).read_bytes()


class FashionMNIST(_FourFiles, _theirs.FashionMNIST, skip_registration=True):
    """Fashion-MNIST: 70,000 images of clothing, ten classes (Xiao et al. 2017)."""

    name = "fashion_mnist"
    url_infos = _theirs.FashionMNIST.url_infos


class KMNIST(_FourFiles, _theirs.KMNIST, skip_registration=True):
    """Kuzushiji-MNIST: 70,000 images of cursive hiragana, ten classes (Clanuwat et al. 2018)."""

    name = "kmnist"
    url_infos = _theirs.KMNIST.url_infos


class EMNIST(_FourFiles, _theirs.EMNIST, skip_registration=True):
    """EMNIST: handwritten letters and digits in six configurations (Cohen et al. 2017).

    Every image is transposed, as it was published and as TFDS keeps it. Like TFDS, ``letters``
    takes the first 88,800 and 14,800 examples of its files and calls them 37 classes.
    """

    name = "emnist"
    url_infos = _theirs.EMNIST.url_infos

    def _split_generators(self, dl_manager: Any) -> Any:
        path, config = Path(dl_manager.download(self.URL)), cast(Any, self.builder_config)
        sizes = {"train": config.train_examples, "test": config.test_examples}
        return {
            split: _examples(*_members(path, config.name, split), size=size)
            for split, size in sizes.items()
        }


def _examples(images: bytes, labels: bytes, size: int | None = None) -> Iterator[_Example]:
    pixels = parse_idx_gz(images, "the file of images")
    classes = parse_idx_gz(labels, "the file of labels")
    if pixels.ndim != 3 or classes.shape != pixels.shape[:1]:
        raise DatasetError(f"images {pixels.shape} and labels {classes.shape} do not match")
    for index, (image, label) in enumerate(zip(pixels[:size], classes[:size], strict=True)):
        # A Pillow image is the one form that TFDS encodes without TensorFlow.
        yield index, {"image": Image.fromarray(image), "label": int(label)}


def _members(path: Path, config: str, split: str) -> tuple[bytes, bytes]:
    stem = f"gzip/emnist-{config}-{split}"
    with zipfile.ZipFile(path) as archive:
        images = archive.read(f"{stem}-images-idx3-ubyte.gz")
        return images, archive.read(f"{stem}-labels-idx1-ubyte.gz")


OWN = {"fashion_mnist": FashionMNIST, "kmnist": KMNIST, "emnist": EMNIST}
