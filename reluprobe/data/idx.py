"""IDX files, and the copy of MNIST that ships inside the package.

Format: http://yann.lecun.com/exdb/mnist/ (two zero bytes, an element type, the number of
dimensions, each size as a big-endian uint32, then the elements in C order).
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from importlib import resources

import numpy as np

from reluprobe.data.dataset import Dataset, frozen
from reluprobe.errors import DatasetError

_UNSIGNED_BYTE = 0x08

# As TensorFlow Datasets registers them (its url_checksums/mnist.txt); see files/mnist/README.md.
MNIST_SHA256 = {
    f"{name}-ubyte.gz": sha256
    for name, sha256 in (
        ("train-images-idx3", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        ("train-labels-idx1", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        ("t10k-images-idx3", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        ("t10k-labels-idx1", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    )
}


def parse_idx_gz(packed: bytes, where: str) -> np.ndarray:
    """Decode one gzip-packed IDX file of unsigned bytes.

    Args:
        packed: the file's bytes.
        where: what to call the file in an error.

    Returns:
        A read-only uint8 array of the shape that the file states.

    Raises:
        DatasetError: it is not gzip, not IDX, or not as long as its header says.
    """
    try:
        raw = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{where} is not a whole gzip file: {error}") from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != _UNSIGNED_BYTE:
        raise DatasetError(f"{where} is not an IDX file of unsigned bytes")
    header = 4 + 4 * raw[3]
    shape = tuple(np.frombuffer(raw[4:header], ">u4").astype(int).tolist())
    if len(raw) < header or len(raw) - header != int(np.prod(shape)):
        raise DatasetError(f"{where} holds {len(raw)} bytes, which its IDX header denies")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def load_mnist() -> Dataset:
    """MNIST from the package's own files: no network, no cache, a third of a second.

    Returns:
        uint8 inputs of shape ``(60000, 784)`` and ``(10000, 784)``, ten classes.

    Raises:
        DatasetError: a file is missing, or is not the one TensorFlow Datasets registers.

    Source: Yann LeCun, Corinna Cortes and Christopher Burges, CC BY-SA 3.0.
    """
    train, test = _bundled("train"), _bundled("t10k")
    return frozen(Dataset("mnist", *train, *test, classes=10, shape=(28, 28, 1)))


def _bundled(split: str) -> tuple[np.ndarray, np.ndarray]:
    images = _bundled_file(f"{split}-images-idx3-ubyte.gz")
    labels = _bundled_file(f"{split}-labels-idx1-ubyte.gz")
    return images.reshape(len(images), -1), labels.astype(np.int32)


def _bundled_file(name: str) -> np.ndarray:
    again = "install reluprobe again: its copy of MNIST is damaged"
    try:
        packed = resources.files("reluprobe.data").joinpath("files", "mnist", name).read_bytes()
    except OSError as error:
        raise DatasetError(f"the bundled {name} cannot be read: {error}", hint=again) from error
    got = hashlib.sha256(packed).hexdigest()
    if got != MNIST_SHA256[name]:
        message = f"the bundled {name} has sha256 {got}, not {MNIST_SHA256[name]}"
        raise DatasetError(message, hint=again)
    return parse_idx_gz(packed, f"the bundled {name}")
