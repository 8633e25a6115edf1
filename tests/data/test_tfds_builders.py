"""TFDS's sets that need no TensorFlow: from files given by hand, from a download, as TFDS has them.

No test needs a network: the hosts that TFDS downloads from are played by a server on the loopback
address, or asked through a patched probe.
"""

from __future__ import annotations

import functools
import http.server
import logging
import os
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reluprobe import data
from reluprobe.data import cache, idx, tfds_files
from reluprobe.data import tfds as tfds_data
from reluprobe.data.tfds_import import quiet
from reluprobe.errors import DatasetError, InputError
from small_datasets import (
    IDX_FILES,
    assert_holds,
    assert_same,
    flip,
    idx_gz,
    small_images,
    truncate,
)

# --- files given by hand, and TFDS's download, on small hand-made sets ---------------------------


def info_of(path: Path) -> Any:
    from tensorflow_datasets.core.download import checksums

    return checksums.compute_url_info(path)


@pytest.fixture
def kmnist_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a KMNIST of 40 and 10 images, registered in place of the true one."""
    from reluprobe.data import tfds_builders

    folder = tmp_path / "files"
    folder.mkdir()
    for seed, (split, n) in enumerate([("train", 40), ("t10k", 10)]):
        images, labels = small_images(seed, n)
        (folder / f"{split}-images-idx3-ubyte.gz").write_bytes(idx_gz(images))
        (folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(idx_gz(labels))
    register(monkeypatch, tfds_builders.KMNIST, tfds_builders.KMNIST.URL, folder)
    return folder


def register(monkeypatch: pytest.MonkeyPatch, builder: Any, url: str, folder: Path) -> None:
    monkeypatch.setattr(builder, "URL", url)
    infos = {f"{url}{name}": info_of(folder / name) for name in IDX_FILES}
    monkeypatch.setattr(builder, "url_infos", infos)


def assert_small_kmnist(dataset: data.Dataset) -> None:
    assert (dataset.name, dataset.classes) == ("kmnist", 10)
    assert dataset.train_inputs.shape == (40, 784) and dataset.train_inputs.dtype == np.uint8
    assert dataset.train_targets.dtype == np.int32
    assert_holds(dataset.train_inputs, dataset.train_targets, *small_images(0, 40))
    assert_holds(dataset.test_inputs, dataset.test_targets, *small_images(1, 10))


def test_files_given_by_hand_need_no_network(
    kmnist_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setattr(tfds_files, "head", lambda url: pytest.fail(f"asked for {url}"))
    dataset = data.load("kmnist", manual_dir=kmnist_files, cache_dir=tmp_path / "cache")
    assert_small_kmnist(dataset)
    assert capfd.readouterr() == ("", "")  # TFDS would print, log and draw progress bars
    shutil.rmtree(kmnist_files)
    assert_same(data.load("kmnist", cache_dir=tmp_path / "cache"), dataset)


def test_a_given_file_with_the_wrong_contents_is_named(
    kmnist_files: Path, tmp_path: Path, offline: list[str]
) -> None:
    wrong = kmnist_files / "t10k-images-idx3-ubyte.gz"
    flip(wrong)
    with pytest.raises(DatasetError, match=f"{wrong} is not kmnist's") as e:
        data.load("kmnist", manual_dir=kmnist_files, cache_dir=tmp_path / "cache")
    assert "codh.rois.ac.jp/kmnist/dataset/kmnist/t10k-images-idx3-ubyte.gz" in str(e.value.hint)
    assert offline == []


def test_files_that_are_lacking_are_named(
    kmnist_files: Path, tmp_path: Path, offline: list[str]
) -> None:
    (kmnist_files / "train-images-idx3-ubyte.gz").unlink()
    (kmnist_files / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DatasetError) as e:
        data.load("kmnist", manual_dir=kmnist_files, cache_dir=tmp_path / "cache")
    lacks = e.value.message.partition(f"{kmnist_files} lacks ")[2]
    assert set(lacks.split(", ")) == {"train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"}
    assert "train-labels" not in str(e.value.hint)
    assert len(offline) == 1


def test_a_manual_dir_that_is_no_folder_is_bad_input(tmp_path: Path, offline: list[str]) -> None:
    with pytest.raises(InputError, match="manual-dir: got .*nowhere.*not a folder"):
        data.load("kmnist", manual_dir=tmp_path / "nowhere", cache_dir=tmp_path)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(
    kmnist_files: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[http.server.ThreadingHTTPServer]:
    """The small KMNIST on a server of this machine, in place of its true host."""
    from reluprobe.data import tfds_builders

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = functools.partial(_Quiet, directory=str(kmnist_files))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        register(monkeypatch, tfds_builders.KMNIST, url, kmnist_files)
        yield server
        server.shutdown()


def test_a_download_is_kept_for_a_later_preparation(
    served: http.server.ThreadingHTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = tmp_path / "cache"
    dataset = data.load("kmnist", cache_dir=root)
    assert_small_kmnist(dataset)
    monkeypatch.setattr(tfds_files, "head", lambda url: pytest.fail(f"asked for {url}"))
    shutil.rmtree(root / "arrays")
    assert_same(data.load("kmnist", cache_dir=root), dataset)  # from the prepared set
    shutil.rmtree(root / "arrays")
    [info] = root.glob("tfds/kmnist/*/dataset_info.json")
    truncate(info)
    assert_same(data.load("kmnist", cache_dir=root), dataset)  # from the downloads
    shutil.rmtree(root / "arrays")
    [shard] = root.glob("tfds/kmnist/*/kmnist-train.array_record*")
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    assert_same(data.load("kmnist", cache_dir=root), dataset)
    warnings = [r.message for r in caplog.records if r.levelno >= logging.WARNING]
    assert [w.partition(" is damaged")[0] for w in warnings] == [f"kmnist in {root / 'tfds'}"] * 2


@pytest.mark.parametrize(
    ("spoil", "message"), [(flip, "checksum"), (Path.unlink, "HTTP code: 404")]
)
def test_a_download_that_fails_names_both_ways_out(
    served: http.server.ThreadingHTTPServer,
    kmnist_files: Path,
    tmp_path: Path,
    spoil: Any,
    message: str,
) -> None:
    spoil(kmnist_files / "train-labels-idx1-ubyte.gz")
    with pytest.raises(DatasetError, match=message) as e:
        data.load("kmnist", cache_dir=tmp_path / "cache")
    assert "--manual-dir DIR" in str(e.value.hint)
    assert cache.read(tmp_path / "cache", "kmnist") is None


def test_images_and_labels_that_do_not_match_are_refused() -> None:
    from reluprobe.data import tfds_builders

    images, labels = small_images(0, 3)
    with pytest.raises(DatasetError, match="do not match"):
        list(tfds_builders._examples(idx_gz(images), idx_gz(labels[:2])))


@pytest.mark.parametrize(("config", "classes"), [("letters", 37), ("digits", 10), ("byclass", 62)])
def test_emnist_comes_out_of_its_zip_file_as_it_is(
    config: str, classes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reluprobe.data import tfds_builders

    monkeypatch.setattr(tfds_files, "head", lambda url: pytest.fail(f"asked for {url}"))
    kinds = ("images-idx3", "labels-idx1")
    with zipfile.ZipFile(tmp_path / "gzip.zip", "w") as archive:
        for seed, (split, n) in enumerate([("train", 12), ("test", 5)]):
            stem = f"gzip/emnist-{config}-{split}"
            for kind, array in zip(kinds, small_images(seed, n), strict=True):
                archive.writestr(f"{stem}-{kind}-ubyte.gz", idx_gz(array))
    emnist: Any = tfds_builders.EMNIST
    assert set(emnist.url_infos) == {emnist.URL}  # TFDS's own registration
    monkeypatch.setattr(emnist, "url_infos", {emnist.URL: info_of(tmp_path / "gzip.zip")})
    name = f"emnist/{config}"
    dataset = data.load(name, manual_dir=tmp_path, cache_dir=tmp_path / "cache")
    assert (dataset.name, dataset.classes) == (name, classes)
    assert_holds(dataset.train_inputs, dataset.train_targets, *small_images(0, 12))
    assert_holds(dataset.test_inputs, dataset.test_targets, *small_images(1, 5))


def test_emnist_takes_as_many_examples_as_tfds_does() -> None:
    from reluprobe.data import tfds_builders

    images, labels = small_images(0, 6)
    taken = list(tfds_builders._examples(idx_gz(images), idx_gz(labels), size=4))
    assert [example["label"] for _, example in taken] == labels[:4].tolist()


def test_our_builders_describe_what_tfds_describes(tmp_path: Path) -> None:
    import tensorflow_datasets as tfds

    for name in data.TFDS_WITHOUT_TENSORFLOW:
        with quiet():  # outside of it TFDS leaves temporary folders
            ours, theirs = (make(name, tmp_path) for make in (tfds_data._builder, _their_builder))
        assert type(ours) is not type(theirs)
        assert ours.info.full_name == theirs.info.full_name
        assert ours.url_infos == theirs.url_infos
        assert repr(ours.info.features) == repr(theirs.info.features)
        assert ours.info.features["label"].names == theirs.info.features["label"].names
    assert isinstance(tfds.builder_cls("kmnist"), type)  # theirs is still the registered one
    assert tfds.builder_cls("kmnist").__module__.startswith("tensorflow_datasets.")


def _their_builder(name: str, data_dir: Path) -> Any:
    import tensorflow_datasets as tfds

    return tfds.builder(name, data_dir=data_dir)


# --- the real Fashion-MNIST ----------------------------------------------------------------------


def shared_folder() -> Path:
    given = os.environ.get("RELUPROBE_SHARED")
    return Path(given) if given else Path(__file__).parents[3] / "shared"


@pytest.mark.slow
def test_the_real_fashion_mnist_from_files_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shared_folder() / "data" / "fashion_mnist"
    absent = [name for name in IDX_FILES if not (folder / name).exists()]
    if absent:
        pytest.skip(f"{folder} lacks {', '.join(absent)} (set RELUPROBE_SHARED)")
    monkeypatch.setattr(tfds_files, "head", lambda url: pytest.fail(f"asked for {url}"))
    dataset = data.load("fashion_mnist", manual_dir=folder, cache_dir=tmp_path)
    assert (dataset.name, dataset.classes) == ("fashion_mnist", 10)
    assert dataset.train_inputs.shape == (60000, 784)
    assert np.bincount(dataset.train_targets).tolist() == [6000] * 10
    for split, got in [
        ("train", (dataset.train_inputs, dataset.train_targets)),
        ("t10k", (dataset.test_inputs, dataset.test_targets)),
    ]:
        files = [folder / f"{split}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
        assert_holds(*got, *(idx.parse_idx_gz(f.read_bytes(), f.name) for f in files))
    monkeypatch.setattr(tfds_data, "load_tfds", lambda *a, **k: pytest.fail("not from the cache"))
    assert_same(data.load("fashion_mnist", cache_dir=tmp_path), dataset)
