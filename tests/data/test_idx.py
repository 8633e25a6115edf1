"""IDX files: a whole one is read in its order, any other is refused."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from reluprobe.data import idx
from reluprobe.errors import DatasetError
from small_datasets import idx_gz


def test_idx_files_keep_shape_and_order() -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(idx.parse_idx_gz(idx_gz(array), "x"), array, strict=True)


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (b"", "not an IDX file"),
        (b"plain", "x is not a whole gzip file"),
        (idx_gz(np.zeros((5, 5), np.uint8))[:-9], "x is not a whole gzip file"),
        (gzip.compress(b"\0\0\x0d\1\0\0\0\0", mtime=0), "x is not an IDX file of unsigned bytes"),
        (gzip.compress(b"\0\0\x08\1\0\0\0\5abcd", mtime=0), "x holds 12 bytes"),
        (gzip.compress(b"\0\0\x08\1\0\0\0\5abcdef", mtime=0), "x holds 14 bytes"),
        (gzip.compress(b"\0\0\x08\3\0\0\0\5", mtime=0), "x holds 8 bytes"),
    ],
)
def test_a_damaged_idx_file_is_refused(packed: bytes, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        idx.parse_idx_gz(packed, "x")
