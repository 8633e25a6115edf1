"""Images in folders by class, as TFDS's ``ImageFolder`` has them, read with Pillow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reluprobe.data.own.digest import visible
from reluprobe.data.own.raw import Raw, check_memory, log, refused
from reluprobe.data.own.source import OwnData

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff")
LAYOUT = "FOLDER/CLASS/*.png, or FOLDER/train/CLASS/*.png and FOLDER/test/CLASS/*.png"
_GREY, _COLOUR = ("1", "L"), ("RGB", "P", "CMYK", "YCbCr", "HSV", "LAB")
#: Of many sizes or names, so many are named.
MOST_NAMED = 6


@dataclass(frozen=True)
class _Split:
    """Image files of one split, class by class, and each one's label."""

    files: tuple[Path, ...]
    labels: np.ndarray


def read(source: OwnData, folder: Path) -> Raw:
    """All images of a folder as uint8 pixels, (height, width, channel).

    One channel where all of them are grey, else three.

    Raises:
        InputError: the folders are no classes, or an image is damaged, has 16 bits or
            transparency, or another size than the rest.
    """
    subfolders = _folders(folder)
    has_splits = {"train", "test"} <= {place.name for place in subfolders}
    places = [folder / "train", folder / "test"] if has_splits else [folder]
    _note_splits(source, subfolders, has_splits)
    classes = sorted({place.name for split in places for place in _folders(split)})
    if not classes:
        seen = ", ".join(sorted(p.name for p in folder.iterdir() if visible(p))[:MOST_NAMED])
        seen = seen or "nothing"
        raise refused(source.path, f"it holds {seen}; allowed is {LAYOUT}, or .npy files")
    splits = [_split(source, place, classes) for place in places]
    if absent := [name for n, name in enumerate(classes) if n not in splits[0].labels]:
        raise refused(source.path, f"no image to train on in {', '.join(absent[:MOST_NAMED])}")
    shape = _shape(source, [file for split in splits for file in split.files], folder)
    check_memory(source.path, 2 * sum(len(s.files) for s in splits) * int(np.prod(shape)))
    pixels = [_pixels(source, split, shape, folder) for split in splits]
    parts = [part for pair in zip(pixels, (s.labels for s in splits), strict=True) for part in pair]
    names = ("the images", "the classes") * 2
    return Raw(*parts, shuffled=True, class_names=tuple(classes), called=names)  # type: ignore[arg-type]


def _folders(place: Path) -> list[Path]:
    return sorted(entry for entry in place.iterdir() if entry.is_dir() and visible(entry))


def _note_splits(source: OwnData, subfolders: list[Path], has_splits: bool) -> None:
    names = [place.name for place in subfolders]
    other = [name for name in names if name not in ("train", "test")]
    if has_splits and other:
        log.warning("%s: not read beside train and test: %s", source.path, ", ".join(other))
    if not has_splits and "train" in names:
        raise refused(
            source.path,
            f"it has a folder train and none called test, but {', '.join(other) or 'no other'}",
            hint="call the other one test; or give the folder train itself, for a share of it",
        )


def _split(source: OwnData, place: Path, classes: list[str]) -> _Split:
    files, labels, others = [], [], []
    for label, name in enumerate(classes):
        folder = place / name
        entries = sorted(e for e in folder.iterdir() if visible(e)) if folder.is_dir() else []
        own = [e for e in entries if e.suffix.lower() in SUFFIXES and e.is_file()]
        others += [e for e in entries if e not in set(own)]
        files += own
        labels += [label] * len(own)
    if others:
        first = others[0].relative_to(place)
        log.warning("%s: %d entries are no images, %s first", source.path, len(others), first)
    return _Split(tuple(files), np.array(labels, np.int64))


def _shape(source: OwnData, files: list[Path], folder: Path) -> tuple[int, int, int]:
    """Height, width and channels of all these files, known from their first bytes."""
    from PIL import Image

    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    first: dict[object, Path] = {}
    for file in files:
        try:
            with Image.open(file) as image:
                size, mode, frames = image.size, image.mode, getattr(image, "n_frames", 1)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise refused(source.path, f"{file.relative_to(folder)}: {error}") from None
        mode = mode if frames == 1 else f"{frames} frames"
        if mode == "P" and "transparency" in image.info:
            mode = "PA"
        sizes[size] += 1
        modes[mode] += 1
        for key in (size, mode):
            first.setdefault(key, file.relative_to(folder))
    if faults := [*_size_faults(sizes, first), *_mode_faults(modes, first)]:
        raise refused(source.path, *faults)
    ((width, height),) = sizes
    return height, width, 1 if modes.keys() <= {*_GREY} else 3


def _size_faults(sizes: Counter[tuple[int, int]], first: dict[object, Path]) -> list[str]:
    if len(sizes) < 2:
        return []
    seen = [
        f"{n:,} of {width} × {height} ({first[width, height]})"
        for (width, height), n in sizes.most_common(MOST_NAMED)
    ]
    more = f", and {len(sizes) - MOST_NAMED:,} more sizes" if len(sizes) > MOST_NAMED else ""
    return [f"images of different sizes: {', '.join(seen)}{more}; allowed is one: resize them"]


def _mode_faults(modes: Counter[str], first: dict[object, Path]) -> list[str]:
    reasons = {"RGBA": "have transparency", "LA": "have transparency", "PA": "have transparency"}
    return [
        f"{n:,} images {_why(mode, reasons)}, {first[mode]} first; allowed are 8 bits a channel, "
        "grey or colour: save them so"
        for mode, n in modes.items()
        if mode not in (*_GREY, *_COLOUR)
    ]


def _why(mode: str, reasons: dict[str, str]) -> str:
    if mode in reasons:
        return reasons[mode]
    return f"have {mode}" if "frames" in mode else f"have more than 8 bits (mode {mode})"


def _pixels(
    source: OwnData, split: _Split, shape: tuple[int, int, int], folder: Path
) -> np.ndarray:
    from PIL import Image

    pixels = np.empty((len(split.files), *shape), np.uint8)
    mode = "L" if shape[2] == 1 else "RGB"
    for index, file in enumerate(split.files):
        try:
            with Image.open(file) as image:
                pixels[index] = np.asarray(image.convert(mode)).reshape(shape)
        except (OSError, ValueError, SyntaxError) as error:
            raise refused(source.path, f"{file.relative_to(folder)}: {error}") from None
    return pixels
