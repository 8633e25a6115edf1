"""Arrays of the user's: .npz and folders of .npy, as NumPy reads them, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reluprobe import data
from reluprobe.data.own import raw
from reluprobe.errors import InputError

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 2, 3))
Y = np.arange(40) % 2
WHOLE = {"x": X, "y": Y}
SPLIT = {"x_train": X[:30], "y_train": Y[:30], "x_test": X[30:], "y_test": Y[30:]}


def load(path: Path, **settings: Any) -> data.Dataset:
    return data.load(data.OwnData(str(path), **settings))


def saved(folder: Path, arrays: dict[str, Any]) -> Path:
    np.savez(folder / "own.npz", **arrays)
    return folder / "own.npz"


def refusal(path: Path, **settings: Any) -> str:
    with pytest.raises(InputError) as caught:
        load(path, **settings)
    assert caught.value.message == f"cannot train on {path}"
    return str(caught.value)


def faults_of(folder: Path, changed: dict[str, Any], **settings: Any) -> str:
    return refusal(saved(folder, WHOLE | changed), **settings)


@pytest.mark.parametrize("names", [tuple(SPLIT), ("X_train", "y_train", "X_test", "y_test")])
@pytest.mark.parametrize("as_folder", [False, True])
def test_a_file_with_a_test_set_is_what_numpy_reads_in_its_order(
    tmp_path: Path, names: tuple[str, ...], as_folder: bool
) -> None:
    arrays = dict(zip(names, SPLIT.values(), strict=True))
    if as_folder:
        for name, array in arrays.items():
            np.save(tmp_path / f"{name}.npy", array)
    got = load(tmp_path if as_folder else saved(tmp_path, arrays))
    np.testing.assert_array_equal(got.train_inputs, np.float32(X[:30].reshape(30, 6)), strict=True)
    np.testing.assert_array_equal(got.test_inputs, np.float32(X[30:].reshape(10, 6)), strict=True)
    np.testing.assert_array_equal(got.train_targets, np.int32(Y[:30]), strict=True)
    np.testing.assert_array_equal(got.test_targets, np.int32(Y[30:]), strict=True)
    assert (got.classes, got.class_names, got.shape) == (2, ("0", "1"), (2, 3))


def test_uint8_stays_pixels_and_other_numbers_become_float32(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (40, 4, 4, 1), np.uint8)
    got = load(saved(tmp_path, {"x": pixels, "y": Y}))
    assert (got.train_inputs.dtype, got.shape) == (np.uint8, (4, 4, 1))
    every = np.concatenate([got.train_inputs, got.test_inputs])
    assert sorted(map(bytes, every)) == sorted(map(bytes, pixels.reshape(40, 16)))
    assert load(saved(tmp_path, {"x": pixels[..., 0], "y": Y})).shape == (4, 4, 1)
    for kind in (np.int64, np.float16, np.float32, np.uint16, np.bool_):
        numbers = RNG.integers(0, 2, (40, 3)).astype(kind)
        got = load(saved(tmp_path, {"x": numbers, "y": Y}))
        every = np.concatenate([got.train_inputs, got.test_inputs])
        assert every.dtype == np.float32 and every.sum() == numbers.sum(dtype=np.float64)


def test_one_number_an_example_and_a_column_of_targets_will_do(tmp_path: Path) -> None:
    got = load(saved(tmp_path, {"x": np.arange(40.0), "y": Y[:, None]}))
    assert got.train_inputs.shape == (32, 1) and got.shape == (1,)
    np.testing.assert_array_equal(got.train_inputs[:, 0] % 2, got.train_targets)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"y": np.array([None] * 40)}, "y is an array of Python objects, which is never loaded"),
        ({"y": Y[:39]}, "40 examples in x and 39 in y: allowed are as many"),
        ({"y": np.eye(2)[Y]}, "y is 40×2: allowed is one target an example; if they are one-hot"),
        ({"y": Y + 1j}, "y is complex128; allowed are numbers or texts"),
        ({"x": X + 1j}, "x is complex128; allowed are numbers"),
        ({"x": X.astype(str)}, "allowed are numbers"),
        ({"x": np.zeros((0, 3)), "y": np.zeros(0)}, "there is no example, or no feature"),
        ({"x": np.zeros((40, 0))}, "there is no example, or no feature"),
        ({"x": np.where(np.arange(240) == 15, np.nan, 1.0).reshape(40, 2, 3)}, "x[2, 1, 0] is nan"),
        ({"x": np.where(X > 0, np.inf, X)}, "; so are"),
        ({"x": X * 1e39}, "which is beyond float32 (3.4e+38)"),
        ({"x": np.ones((40, 4, 4), np.uint16)}, "x holds images of 16 bits; allowed are 8 bits"),
        ({"y": np.ones(40, int)}, "it has one class only, 1: allowed are 2"),
        ({"y": np.arange(40)}, "y has 40 classes (0, 1, 2, 3, 4, 5, …) for 40 examples"),
        ({"y": np.where(Y == 1, np.nan, 0.5)}, "y, example 2, is nan; so are 20 of 40"),
        ({"y": np.full(40, 1e39)}, "y has 1e+39, which is beyond float32; scale it"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_arrays_that_do_not_fit_are_refused_with_what_was_seen(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    assert said in faults_of(tmp_path, changed)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"test_share": 0.001}, "a test set of no examples: test_share = 0.001 of 40"),
        ({"test_share": 0.999}, "a training set of no examples: test_share = 0.999 of 40"),
        ({"target": "price"}, "target names a column of a .csv or .parquet, and this has none"),
        ({"sha256": "0" * 64}, "the runs were planned with SHA-256 000000000000…, and it has "),
    ],
)
def test_settings_that_do_not_fit_the_file_are_refused(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    assert said in faults_of(tmp_path, {}, **settings)


def test_a_test_set_of_its_own_leaves_nothing_to_split(tmp_path: Path) -> None:
    path = saved(tmp_path, SPLIT)
    text = refusal(path, test_share=0.5, split_seed=1)
    assert "test_share has no effect" in text and "split_seed has no effect" in text
    other = saved(tmp_path, SPLIT | {"x_test": X[30:, :1]})
    assert "(2, 3) in x_train, (1, 3) in x_test: allowed is one shape" in refusal(other)
    mixed = saved(tmp_path, SPLIT | {"x_test": np.zeros((10, 2, 3), np.uint8)})
    assert "x_train is float32 and x_test uint8: allowed is one type" in refusal(mixed)
    empty = saved(tmp_path, SPLIT | {"x_test": X[:0], "y_test": Y[:0]})
    assert "x_test has shape (0, 2, 3): there is no example" in refusal(empty)
    single = saved(tmp_path, SPLIT | {"y_train": np.ones(30, int)})
    assert "the training set has one class only, 1" in refusal(single)


def test_missing_arrays_are_named_with_what_is_there(tmp_path: Path) -> None:
    path = saved(tmp_path, {"x_train": X, "y_trian": Y, "x_test": X, "y_test": Y})
    text = refusal(path)
    assert "it has no y_train; did you mean 'y_trian'?" in text
    assert "it holds x_train, y_trian, x_test, y_test; allowed: x_train, y_train" in text
    assert "it has no y" in refusal(saved(tmp_path, {"x": X}))


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, WHOLE)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "it is no whole .npz file" in refusal(path)
    path.write_bytes(whole.replace(b"descr", b"dascr"))
    assert "cannot be read" in refusal(path)


def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, x=np.zeros((40, 10_000)), y=Y)
    assert load(path).train_inputs.shape == (32, 10_000)
    monkeypatch.setattr(raw, "available_memory", lambda: 6_000_000)
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("it was read"))
    assert "it needs about 0.0 GB of memory" in refusal(path)  # 400,000 × (8 + 8) bytes


def test_paths_that_lead_nowhere_are_refused_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path, WHOLE)
    np.save("x.npy", X)
    for written, said in (
        ("onw.npz", "no such file or folder: onw.npz; did you mean 'own.npz'?"),
        ("./pictures", f"no such file or folder: ./pictures (looked in {tmp_path})"),
        ("./none/a.csv", "no folder none either"),
        ("x.npy", "got 'x.npy'; allowed are .npz, .csv, .parquet, or a folder"),
        ("~nobody_here/a.npz", "~nobody_here"),
    ):
        with pytest.raises(InputError) as caught:
            data.load(data.OwnData(written))
        assert said in caught.value.message
    own = data.load(data.OwnData("own.npz"), own_dir=tmp_path)
    monkeypatch.chdir("/")
    elsewhere = data.load(data.OwnData("own.npz"), own_dir=tmp_path)
    np.testing.assert_array_equal(own.train_inputs, elsewhere.train_inputs)
