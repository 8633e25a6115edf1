"""Folders of images by class: pixels as Pillow has them, and what is refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reluprobe import data
from reluprobe.data.own import raw
from reluprobe.errors import InputError

RNG = np.random.default_rng(2)


def load(path: Path, **settings: Any) -> data.Dataset:
    return data.load(data.OwnData(str(path), **settings))


def draw(file: Path, *, mode: str = "RGB", size: tuple[int, int] = (4, 3)) -> np.ndarray:
    """An image of noise, 4 wide and 3 high, and its pixels."""
    channels = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    pixels = RNG.integers(0, 256, (size[1], size[0], *channels), np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)
    return pixels


def folder_of(place: Path, mode: str = "RGB", splits: tuple[str, ...] = ("",)) -> dict[bytes, str]:
    """Ten images of each of two classes in each split; which pixels are whose."""
    classes = {}
    for split in splits:
        for name in ("cat", "dog"):
            for i in range(10):
                pixels = draw(place / split / name / f"{i}.png", mode=mode)
                classes[pixels.tobytes()] = f"{split}{name}"
    return classes


def refusal(path: Path, **settings: Any) -> str:
    with pytest.raises(InputError) as caught:
        load(path, **settings)
    return str(caught.value)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])
def test_every_image_is_there_once_with_its_class(tmp_path: Path, mode: str, channels: int) -> None:
    classes = folder_of(tmp_path, mode)
    got = load(tmp_path)
    assert (got.shape, got.classes, got.class_names) == ((3, 4, channels), 2, ("cat", "dog"))
    inputs = np.concatenate([got.train_inputs, got.test_inputs])
    targets = np.concatenate([got.train_targets, got.test_targets])
    assert inputs.dtype == np.uint8 and len(got.test_inputs) == 4
    names = ("cat", "dog")
    assert {x.tobytes(): names[y] for x, y in zip(inputs, targets, strict=True)} == classes


def test_train_and_test_folders_are_the_splits_and_training_is_shuffled(tmp_path: Path) -> None:
    classes = folder_of(tmp_path, splits=("train", "test"))
    got, again, other = load(tmp_path), load(tmp_path), load(tmp_path, split_seed=1)
    for split in ("train", "test"):
        inputs, targets = getattr(got, f"{split}_inputs"), getattr(got, f"{split}_targets")
        for x, y in zip(inputs, targets, strict=True):
            assert classes[x.tobytes()] == split + ("cat", "dog")[y]
    # Class by class the first examples, on which units are probed, would all be cats.
    assert 0 < got.train_targets[:10].sum() < 10
    np.testing.assert_array_equal(got.train_inputs, again.train_inputs)
    assert (got.train_inputs != other.train_inputs).any()
    np.testing.assert_array_equal(got.test_inputs, other.test_inputs)
    assert "test_share has no effect" in refusal(tmp_path, test_share=0.5)
    assert "folders by class are classes" in refusal(tmp_path, task="regression")


def test_grey_among_colour_becomes_colour(tmp_path: Path) -> None:
    folder_of(tmp_path)
    grey = draw(tmp_path / "cat" / "grey.png", mode="L")
    got = load(tmp_path)
    assert got.shape == (3, 4, 3)
    inputs = np.concatenate([got.train_inputs, got.test_inputs])
    assert np.repeat(grey.ravel(), 3).tobytes() in {x.tobytes() for x in inputs}


def test_images_of_different_sizes_are_refused_with_the_sizes_seen(tmp_path: Path) -> None:
    folder_of(tmp_path)
    draw(tmp_path / "dog" / "large.png", size=(8, 8))
    text = refusal(tmp_path)
    assert "20 of 4 × 3 (cat/0.png), 1 of 8 × 8 (dog/large.png); allowed is one" in text


def test_sixteen_bits_transparency_and_films_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path)
    Image.fromarray(np.full((3, 4), 5000, np.uint16)).save(tmp_path / "cat" / "deep.png")
    draw(tmp_path / "cat" / "ghost.png", mode="RGBA")
    frames = [Image.fromarray(np.full((3, 4), i * 90, np.uint8)) for i in range(3)]
    frames[0].save(tmp_path / "dog" / "film.tif", save_all=True, append_images=frames[1:])
    text = refusal(tmp_path)
    assert "1 images have more than 8 bits (mode I;16), cat/deep.png first" in text
    assert "1 images have transparency, cat/ghost.png first" in text
    assert "1 images have 3 frames, dog/film.tif first" in text


@pytest.mark.parametrize("keep", [0, 60])
def test_damaged_images_are_named(tmp_path: Path, keep: int) -> None:
    folder_of(tmp_path)
    file = tmp_path / "dog" / "3.png"
    file.write_bytes(file.read_bytes()[:keep])
    assert "dog/3.png: " in refusal(tmp_path)


def test_folders_that_are_no_classes_are_refused(tmp_path: Path) -> None:
    assert "it holds nothing; allowed is FOLDER/CLASS/*.png" in refusal(tmp_path)
    draw(tmp_path / "a.png")
    assert "it holds a.png; allowed is" in refusal(tmp_path)
    folder_of(tmp_path / "halves", splits=("train", "valid"))
    text = refusal(tmp_path / "halves")
    assert "a folder train and none called test, but valid" in text
    folder_of(tmp_path / "single")
    for file in (tmp_path / "single" / "dog").iterdir():
        file.unlink()
    assert "no image to train on in dog" in refusal(tmp_path / "single")


def test_what_is_no_image_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder_of(tmp_path, splits=("train", "test", "extra"))
    (tmp_path / "train" / "cat" / "Thumbs.db").write_text("")
    (tmp_path / "train" / "cat" / ".DS_Store").write_text("")
    caplog.set_level(logging.WARNING, "reluprobe.data.own")
    assert len(load(tmp_path).train_inputs) == 20
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "not read beside train and test: extra",
        "1 entries are no images, cat/Thumbs.db first",
    ]


def test_what_does_not_fit_into_memory_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path)
    monkeypatch.setattr(raw, "available_memory", lambda: 1000)  # 2 × 20 × 36 bytes are needed
    assert "of memory, and" in refusal(tmp_path)
