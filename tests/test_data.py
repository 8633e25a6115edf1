"""Datasets: the bundled MNIST, the made-up sets, the cache, and the road through TFDS.

No test needs a network: the hosts that TFDS downloads from are played by a server on the loopback
address, or asked through a patched probe.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import logging
import os
import shutil
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reluprobe import data
from reluprobe.data import cache, idx, names, quiet, sources, tfds_road
from reluprobe.data.dataset import ARRAYS
from reluprobe.errors import DatasetError, InputError

IDX_FILES = tuple(idx.MNIST_SHA256)
TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def assert_same(got: data.Dataset, want: data.Dataset) -> None:
    assert (got.name, got.classes) == (want.name, want.classes)
    for array in ARRAYS:
        np.testing.assert_array_equal(getattr(got, array), getattr(want, array), strict=True)


def run_python(code: str, *args: object) -> subprocess.Popen[str]:
    """Another Python process; warnings are errors there too."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, args)]
    root = str(Path(data.__file__).parents[2])
    env = {**os.environ, "PYTHONPATH": root}
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


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


# --- IDX -----------------------------------------------------------------------------------------


def idx_gz(array: np.ndarray) -> bytes:
    """The IDX file of a uint8 array, written from the format's description."""
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    return gzip.compress(header + array.tobytes(), mtime=0)


def test_idx_files_keep_shape_and_order() -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(idx.parse_idx_gz(idx_gz(array), "x"), array, strict=True)


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (b"", "not an IDX file"),
        (b"plain", "x is not a whole gzip file"),
        (idx_gz(np.zeros((5, 5), np.uint8))[:-9], "x is not a whole gzip file"),
        (gzip.compress(b"\0\0\x0d\1\0\0\0\0"), "x is not an IDX file of unsigned bytes"),
        (gzip.compress(b"\0\0\x08\1\0\0\0\5abcd"), "x holds 12 bytes"),
        (gzip.compress(b"\0\0\x08\1\0\0\0\5abcdef"), "x holds 14 bytes"),
        (gzip.compress(b"\0\0\x08\3\0\0\0\5"), "x holds 8 bytes"),
    ],
)
def test_a_damaged_idx_file_is_refused(packed: bytes, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        idx.parse_idx_gz(packed, "x")


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


# --- the cache -----------------------------------------------------------------------------------


def small(name: str = "some/set", shift: int = 0) -> data.Dataset:
    rng = np.random.default_rng(1)
    inputs = rng.integers(0, 255, (30, 12), dtype=np.uint8) + np.uint8(shift)
    labels = rng.integers(0, 3, 30, dtype=np.int32)
    return data.Dataset(name, inputs[:20], labels[:20], inputs[20:], labels[20:], 3)


def no_build() -> data.Dataset:
    raise AssertionError("built although the cache holds it")


def test_what_was_cached_comes_back(tmp_path: Path) -> None:
    assert cache.read(tmp_path, "some/set") is None
    assert_same(cache.build(tmp_path, "some/set", small), small())
    got = cache.read(tmp_path, "some/set")
    assert got is not None
    assert_same(got, small())
    assert all(getattr(got, a).flags.c_contiguous for a in ARRAYS)
    assert not any(getattr(got, a).flags.writeable for a in ARRAYS)
    assert_same(cache.build(tmp_path, "some/set", no_build), small())


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 0x10
    path.write_bytes(raw)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def more_classes(path: Path) -> None:
    if path.suffix == ".json":
        path.write_text(path.read_text().replace('"classes": 3', '"classes": 4'))
    else:
        np.save(path, np.zeros((20, 12), np.uint8))


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [flip, truncate, more_classes, empty, Path.unlink])
@pytest.mark.parametrize("file", ["train_inputs.npy", "test_targets.npy", "manifest.json"])
def test_a_damaged_cache_is_built_again_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Any, file: str
) -> None:
    cache.build(tmp_path, "some/set", small)
    damage(tmp_path / "arrays" / "some--set" / file)
    assert cache.read(tmp_path, "some/set") is None
    [record] = caplog.records
    assert (record.name, record.levelno) == ("reluprobe", logging.WARNING)
    assert "some/set" in record.message and "building it again" in record.message
    other = small(shift=1)
    assert_same(cache.build(tmp_path, "some/set", lambda: other), other)
    assert_same(cache.build(tmp_path, "some/set", no_build), other)


def test_a_cache_of_another_dataset_is_not_taken_for_this_one(tmp_path: Path) -> None:
    cache.build(tmp_path, "one", lambda: small("one"))
    (tmp_path / "arrays" / "one").rename(tmp_path / "arrays" / "two")
    assert cache.read(tmp_path, "two") is None


def test_a_build_killed_half_way_leaves_nothing_that_is_believed(tmp_path: Path) -> None:
    code = """if 1:
        import os, sys
        from pathlib import Path
        import numpy as np
        from reluprobe.data import Dataset, cache
        a = np.zeros((4, 2), np.uint8)
        cache._seal = lambda manifest: os._exit(9)  # the arrays are written, the manifest is not
        cache.build(Path(sys.argv[1]), "half", lambda: Dataset("half", a, a, a, a, 2))"""
    process = run_python(code, tmp_path)
    assert process.communicate() == ("", "") and process.returncode == 9
    left = [p.name for p in (tmp_path / "arrays").iterdir() if p.is_dir()]
    assert len(left) == 1 and left[0].endswith(".part")
    assert cache.read(tmp_path, "half") is None
    half = small("half")
    assert_same(cache.build(tmp_path, "half", lambda: half), half)
    assert [p.name for p in (tmp_path / "arrays").iterdir() if p.is_dir()] == ["half"]


def test_processes_that_build_at_once_build_once(tmp_path: Path) -> None:
    code = """if 1:
        import sys, time
        from pathlib import Path
        import numpy as np
        from reluprobe.data import Dataset, cache
        root = Path(sys.argv[1])
        def make():
            with open(root / "log", "a") as log:
                log.write("built\\n")
            time.sleep(0.5)  # long enough for the others to arrive at the lock
            a = np.arange(8, dtype=np.uint8).reshape(4, 2)
            return Dataset("set", a, a, a, a, 2)
        print(cache.build(root, "set", make).train_inputs.sum())"""
    processes = [run_python(code, tmp_path) for _ in range(3)]
    assert [p.communicate() for p in processes] == [("28\n", "")] * 3
    assert (tmp_path / "log").read_text() == "built\n"


def test_a_cache_that_cannot_be_written_is_a_dataset_error(tmp_path: Path) -> None:
    (tmp_path / "arrays").write_text("a file where the folder should be")
    with pytest.raises(DatasetError, match="the cache folder .* failed") as e:
        cache.build(tmp_path, "some/set", small)
    assert "XDG_CACHE_HOME" in str(e.value.hint)


def test_the_cache_is_in_the_users_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert cache.root(None) == tmp_path / "reluprobe"
    assert cache.root(tmp_path / "mine") == tmp_path / "mine"


# --- no network ----------------------------------------------------------------------------------


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No host answers, and TFDS must not be let near its downloads. Gives the URLs asked."""
    asked: list[str] = []

    def silent(url: str) -> bool:
        asked.append(url)
        return False

    def reached(*args: object, **kwargs: object) -> None:
        raise AssertionError("TFDS was let near its downloads")

    monkeypatch.setattr(sources, "head", silent)
    monkeypatch.setattr(
        "tensorflow_datasets.core.dataset_builder.DatasetBuilder.download_and_prepare", reached
    )
    return asked


def test_without_a_network_both_ways_out_are_named(offline: list[str], tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="kmnist .* no answer from codh.rois.ac.jp") as e:
        data.load("kmnist", cache_dir=tmp_path)
    assert len(offline) == 1  # each host is asked once, whatever the number of its files
    hint = str(e.value.hint)
    assert "connect to the network once" in hint and "--manual-dir DIR" in hint
    assert all(f"http://codh.rois.ac.jp/kmnist/dataset/kmnist/{f}" in hint for f in IDX_FILES)


def test_a_name_server_that_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = threading.Event()
    monkeypatch.setattr(sources, "_SECONDS", 0.01)
    monkeypatch.setattr(sources, "head", lambda url: never.wait())
    assert not sources.answers(["http://a.test/x"])
    never.set()


def test_one_host_that_answers_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "head", lambda url: "b.test" in url)
    assert sources.answers(["http://a.test/x", "https://b.test/y"])
    assert not sources.answers(["http://a.test/x", "https://c.test/y"])


@pytest.mark.parametrize(
    ("status", "answer"), [(200, True), (403, True), (404, True), (503, False)]
)
def test_any_answer_but_a_server_error_counts(
    monkeypatch: pytest.MonkeyPatch, status: int, answer: bool
) -> None:
    import requests

    def head(url: str, timeout: float) -> requests.Response:
        assert 0 < timeout < 10
        response = requests.Response()
        response.status_code = status
        return response

    monkeypatch.setattr(requests, "head", head)
    assert sources.head("http://a.test/x") is answer


def test_a_refused_connection_is_no_answer() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.server_close()  # nobody listens on its port any more
    assert not sources.head(f"http://127.0.0.1:{server.server_port}/x")


# --- files given by hand, and TFDS's download, on small hand-made sets ---------------------------


def small_images(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n, np.uint8)


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


def assert_holds(inputs: np.ndarray, labels: np.ndarray, images: Any, targets: Any) -> None:
    """The same examples; TFDS has an order of its own."""
    got = sorted(zip(map(bytes, inputs), labels.tolist(), strict=True))
    assert got == sorted(zip(map(bytes, images), targets.tolist(), strict=True))


def assert_small_kmnist(dataset: data.Dataset) -> None:
    assert (dataset.name, dataset.classes) == ("kmnist", 10)
    assert dataset.train_inputs.shape == (40, 784) and dataset.train_inputs.dtype == np.uint8
    assert dataset.train_targets.dtype == np.int32
    assert_holds(dataset.train_inputs, dataset.train_targets, *small_images(0, 40))
    assert_holds(dataset.test_inputs, dataset.test_targets, *small_images(1, 10))


def test_files_given_by_hand_need_no_network(
    kmnist_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setattr(sources, "head", lambda url: pytest.fail(f"asked for {url}"))
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
    monkeypatch.setattr(sources, "head", lambda url: pytest.fail(f"asked for {url}"))
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

    monkeypatch.setattr(sources, "head", lambda url: pytest.fail(f"asked for {url}"))
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
        ours, theirs = (make(name, tmp_path) for make in (tfds_road._builder, _their_builder))
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
    return Path(given) if given else Path(__file__).parents[2] / "shared"


def test_the_real_fashion_mnist_from_files_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shared_folder() / "data" / "fashion_mnist"
    absent = [name for name in IDX_FILES if not (folder / name).exists()]
    if absent:
        pytest.skip(f"{folder} lacks {', '.join(absent)} (set RELUPROBE_SHARED)")
    monkeypatch.setattr(sources, "head", lambda url: pytest.fail(f"asked for {url}"))
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
    monkeypatch.setattr(tfds_road, "load_tfds", lambda *a, **k: pytest.fail("not from the cache"))
    assert_same(data.load("fashion_mnist", cache_dir=tmp_path), dataset)


# --- any other dataset of TFDS -------------------------------------------------------------------


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes TFDS hold a dataset ``shapes`` with the features and splits asked for.

    A real builder, which TFDS prepares and reads; it gives Pillow images, so that it can be
    prepared where TensorFlow is not installed.
    """
    import tensorflow_datasets as tfds
    from PIL import Image

    def hold(features: dict[str, Any], splits: tuple[str, ...] = ("train", "test")) -> None:
        class Shapes(tfds.core.GeneratorBasedBuilder, skip_registration=True):
            VERSION = tfds.core.Version("1.0.0")

            def _info(self) -> Any:
                spec = tfds.features.FeaturesDict(features)
                return tfds.core.DatasetInfo(builder=self, features=spec)

            def _split_generators(self, dl_manager: Any) -> Any:
                return {split: self._generate_examples() for split in splits}

            def _generate_examples(self) -> Any:
                for i in range(6):
                    pixels = np.full((4, 5, 3), i, np.uint8)
                    yield i, {"image": Image.fromarray(pixels), "label": i % 3}

        monkeypatch.setattr(tfds, "builder", lambda name, data_dir: Shapes(data_dir=data_dir))
        monkeypatch.setattr(tfds, "builder_cls", lambda name: Shapes)
        monkeypatch.setattr(tfds, "list_builders", lambda with_community_datasets: ["shapes"])
        monkeypatch.setattr(tfds_road, "import_tensorflow", lambda name: None)

    return hold


def test_another_dataset_of_tfds_is_flattened(made_up: Any, tmp_path: Path) -> None:
    import tensorflow_datasets as tfds

    image = tfds.features.Image(shape=(4, 5, 3))
    made_up({"image": image, "label": tfds.features.ClassLabel(num_classes=3)})
    dataset = data.load("shapes", cache_dir=tmp_path)
    assert (dataset.name, dataset.classes) == ("shapes", 3)
    assert dataset.train_inputs.shape == dataset.test_inputs.shape == (6, 4 * 5 * 3)
    assert sorted(dataset.train_inputs[:, 0]) == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(dataset.train_inputs[:, 0] % 3, dataset.train_targets)


def test_a_dataset_that_is_not_of_labelled_fixed_size_images_is_refused(
    made_up: Any, tmp_path: Path
) -> None:
    import tensorflow_datasets as tfds

    label = tfds.features.ClassLabel(num_classes=3)
    image = tfds.features.Image(shape=(4, 5, 3))
    tensor = tfds.features.Tensor(shape=(4, 5, 3), dtype=np.uint8)
    for features, message in [
        ({"image": image}, "has no 'label'"),
        ({"text": tfds.features.Text()}, "has no 'image' and no 'label'"),
        ({"image": tfds.features.Image(shape=(None, None, 3)), "label": label}, "no fixed size"),
        ({"image": image, "label": tfds.features.Text()}, "uint8 with None classes"),
        (
            {"image": tfds.features.Image(shape=(4, 5, 1), dtype=np.float32), "label": label},
            "float",
        ),
        ({"image": tensor, "label": label}, "not one image"),
    ]:
        made_up(features)
        with pytest.raises(InputError, match=f"got 'shapes'.*{message}.*allowed: uint8 images"):
            data.load("shapes", cache_dir=tmp_path)


def test_a_dataset_without_a_test_split_is_refused(made_up: Any, tmp_path: Path) -> None:
    import tensorflow_datasets as tfds

    label = tfds.features.ClassLabel(num_classes=3)
    made_up({"image": tfds.features.Image(shape=(4, 5, 3)), "label": label}, splits=("train",))
    with pytest.raises(InputError, match="has no split 'test'"):
        data.load("shapes", cache_dir=tmp_path)


def test_preparing_any_other_dataset_without_tensorflow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as if it were not installed
    with pytest.raises(DatasetError, match="cifar10 needs TensorFlow") as e:
        data.load("cifar10", cache_dir=tmp_path)
    assert e.value.hint == 'pip install "reluprobe[tensorflow]"'
    with pytest.raises(DatasetError, match="titanic needs TensorFlow") as e:  # to be described
        data.load("titanic", cache_dir=tmp_path)
    assert e.value.hint == 'pip install "reluprobe[tensorflow]"'


def test_any_other_dataset_is_not_waited_for_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: list[str]
) -> None:
    monkeypatch.setattr(tfds_road, "import_tensorflow", lambda name: None)
    with pytest.raises(DatasetError, match="cifar10 .* no answer from www.cs.toronto.edu"):
        data.load("cifar10", cache_dir=tmp_path)


def test_quiet_puts_everything_back(capfd: Any) -> None:
    logger = logging.getLogger("absl")
    before = logger.level
    with pytest.raises(KeyError), quiet.quiet():
        print("chatter")
        assert not logger.isEnabledFor(logging.WARNING)
        raise KeyError
    assert logger.level == before
    print("heard")
    assert capfd.readouterr().out == "heard\n"
