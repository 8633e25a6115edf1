"""Datasets that come with reluprobe, and the names of all others."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from python_processes import run_python
from reluprobe import data
from reluprobe.data import idx, names, tfds_import
from reluprobe.data.dataset import ARRAYS
from reluprobe.errors import DatasetError, InputError
from small_datasets import assert_same

TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


# --- the bundled MNIST ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mnist() -> data.Dataset:
    return data.load("mnist")


def test_mnist_is_the_well_known_one(mnist: data.Dataset) -> None:
    assert (mnist.train_inputs.shape, mnist.test_inputs.shape) == ((60000, 784), (10000, 784))
    assert mnist.train_inputs.dtype == mnist.test_inputs.dtype == np.uint8
    assert mnist.train_targets.dtype == mnist.test_targets.dtype == np.int32
    assert np.bincount(mnist.train_targets).tolist() == TRAIN_COUNTS
    assert (mnist.train_targets[0], mnist.classes, mnist.name) == (5, 10, "mnist")
    assert (mnist.shape, data.load("blobs").shape) == ((28, 28, 1), (32,))
    # The usual "mean 0.1307, deviation 0.3081" of the training pixels.
    assert mnist.train_inputs.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert mnist.train_inputs.std() / 255 == pytest.approx(0.3081, abs=5e-5)


def test_the_bundled_checksums_are_the_ones_tfds_registers() -> None:
    from tensorflow_datasets.image_classification.mnist import MNIST

    infos: Any = MNIST.url_infos
    theirs = {url.rpartition("/")[2]: info.checksum for url, info in infos.items()}
    assert theirs == idx.MNIST_SHA256
    notice = Path(data.__file__).with_name("files") / "mnist" / "README.md"
    text = notice.read_text("utf-8")
    assert MNIST.URL in text and "CC BY-SA 3.0" in text
    assert all(sha256 in text for sha256 in theirs.values())


def test_a_bundled_file_with_another_checksum_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(idx.MNIST_SHA256, "t10k-labels-idx1-ubyte.gz", "0" * 64)
    with pytest.raises(DatasetError, match="t10k-labels-idx1-ubyte.gz has sha256 f7ae60f9") as e:
        data.load("mnist")
    assert "install reluprobe again" in str(e.value.hint)


def test_built_in_sets_import_neither_jax_nor_tfds() -> None:
    code = """if 1:
        import sys
        from reluprobe import data
        for name in data.BUILT_IN:
            data.load(name)
            data.check_name(name)
        for name in data.TFDS_WITHOUT_TENSORFLOW:
            data.check_name(name)
        print(sorted({"jax", "tensorflow_datasets", "tensorflow"} & set(sys.modules)))"""
    out, err = run_python(code).communicate()
    assert (out.strip(), err) == ("[]", "")


# --- made-up sets --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", data.BUILT_IN)
def test_arrays_are_contiguous_read_only_and_the_same_each_time(name: str) -> None:
    dataset = data.load(name)
    for array in (getattr(dataset, a) for a in ARRAYS):
        assert array.flags.c_contiguous and not array.flags.writeable
    assert_same(data.load(name), dataset)


def test_blobs_are_ten_gaussian_classes() -> None:
    blobs = data.load("blobs")
    assert (blobs.train_inputs.shape, blobs.test_inputs.shape) == ((4096, 32), (1024, 32))
    assert (blobs.train_inputs.dtype, blobs.train_targets.dtype) == (np.float32, np.int32)
    assert blobs.classes == 10 and set(blobs.test_targets) == set(range(10))
    means = np.stack([blobs.train_inputs[blobs.train_targets == c].mean(0) for c in range(10)])
    residual = blobs.train_inputs - means[blobs.train_targets]
    assert residual.std() == pytest.approx(1.0, abs=0.02)
    # The nearest class mean, the best there is for equal Gaussians, is right often but not always.
    distance = ((blobs.test_inputs[:, None] - means) ** 2).sum(-1)
    accuracy = (distance.argmin(1) == blobs.test_targets).mean()
    assert 0.8 < accuracy < 0.98


def test_abs_is_the_absolute_value_with_unit_second_moment() -> None:
    dataset = data.load("abs")
    assert (dataset.train_inputs.shape, dataset.test_inputs.shape) == ((4096, 1), (1024, 1))
    assert dataset.train_inputs.dtype == dataset.train_targets.dtype == np.float32
    assert dataset.classes is None
    np.testing.assert_array_equal(dataset.train_targets, np.abs(dataset.train_inputs[:, 0]))
    np.testing.assert_array_equal(dataset.test_targets, np.abs(dataset.test_inputs[:, 0]))
    both = np.concatenate([dataset.train_inputs, dataset.test_inputs])
    assert np.abs(both).max() <= np.float32(np.sqrt(3)) and both.min() < -1.7 and both.max() > 1.7
    assert (both.astype(float) ** 2).mean() == pytest.approx(1.0, abs=0.03)


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnsit", r"got 'mnsit'.*did you mean 'mnist'"),
        ("Fashion-MNIST", "did you mean 'fashion_mnist'"),
        ("cifar_10", r"did you mean 'cifar10"),
        ("svhn_croped", "did you mean 'svhn_cropped'"),
        ("emnist", "allowed: emnist/CONFIG, CONFIG one of byclass, bymerge, balanced, letters"),
        ("emnist/leters", "did you mean 'letters'"),
        ("kmnist/big", "allowed configuration of kmnist: none"),
        ("mnist/big", "allowed configuration of mnist: none"),
        ("../outside", "nor a NAME or NAME/CONFIG of TensorFlow Datasets"),
        ("", "got ''"),
    ],
)
def test_a_name_that_no_dataset_has_is_refused(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        data.check_name(name)
    with pytest.raises(InputError, match=message):
        data.load(name, cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["cifar10", "cifar10_corrupted/brightness_1", *names.BUILT_IN])
def test_a_name_that_a_dataset_has_passes(name: str) -> None:
    data.check_name(name)


def test_quiet_puts_everything_back(capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorflow_datasets.core.utils import tqdm_utils

    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    logger = logging.getLogger("absl")
    before = logger.level, dict(os.environ), tqdm_utils._active
    with pytest.raises(KeyError), tfds_import.quiet():
        print("chatter")
        assert not logger.isEnabledFor(logging.WARNING)
        assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "2" and not tqdm_utils._active
        raise KeyError
    assert (logger.level, dict(os.environ), tqdm_utils._active) == before
    print("heard")
    assert capfd.readouterr().out == "heard\n"


def test_quiet_leaves_what_others_have_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorflow_datasets.core.utils import tqdm_utils

    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    monkeypatch.setattr(tqdm_utils, "_active", False)
    with tfds_import.quiet():
        assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0" and not tqdm_utils._active
