"""Targets: classes from 0 up, or numbers of a regression, by their type or as the user says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reluprobe.data.own.raw import Raw, refused
from reluprobe.data.own.source import OwnData
from reluprobe.errors import InputError

#: Of many values, so many are named.
MOST_NAMED = 6
_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Targets:
    """Targets of all examples, the training set's first, or of the whole file.

    Attributes:
        values: int32 labels, or float64 numbers.
        class_names: what the labels 0, 1, … stand for; None in a regression.
        chosen: how it came to be the one or the other, in words.
    """

    values: np.ndarray
    class_names: tuple[str, ...] | None
    chosen: str


def read(raw: Raw, source: OwnData) -> Targets:
    """The targets of a file.

    Raises:
        InputError: they are neither, or not what ``task`` says.
    """
    parts = [raw.targets] if raw.test_targets is None else [raw.targets, raw.test_targets]
    columns = [
        _column(source, part, name) for part, name in zip(parts, raw.called[1::2], strict=False)
    ]
    kinds = {column.dtype.kind in "US" for column in columns}
    if len(kinds) > 1:
        raise refused(source.path, f"{raw.called[1]} and {raw.called[3]} are of different types")
    values, name = np.concatenate(columns), raw.called[1]
    if raw.class_names is not None:
        if source.task == "regression":
            raise refused(source.path, "task = regression: folders by class are classes")
        return Targets(values.astype(np.int32), raw.class_names, "folders by class")
    kind = "text" if values.dtype.kind in "US" else "float" if values.dtype.kind == "f" else "int"
    _check_finite(source, columns, raw)
    if source.task == "regression" or (source.task == "auto" and kind == "float"):
        return _numbers(source, values, kind, name)
    return _labels(source, values, kind, name)


def _column(source: OwnData, targets: np.ndarray, name: str) -> np.ndarray:
    """One target an example."""
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.ndim != 1:
        one_hot = f"; if they are one-hot: {name}.argmax(1)" if targets.ndim == 2 else ""
        shape = "×".join(map(str, targets.shape)) or "one number"
        raise refused(source.path, f"{name} is {shape}: allowed is one target an example{one_hot}")
    if targets.dtype.kind not in "buifUS":
        raise refused(source.path, f"{name} is {targets.dtype}; allowed are numbers or texts")
    return targets


def _check_finite(source: OwnData, columns: list[np.ndarray], raw: Raw) -> None:
    for column, name in zip(columns, raw.called[1::2], strict=False):
        if column.dtype.kind == "f" and len(bad := np.flatnonzero(~np.isfinite(column))):
            where = f"{name}, example {bad[0] + 1:,}, is {column[bad[0]]}"
            more = f"; so are {len(bad):,} of {len(column):,}" if len(bad) > 1 else ""
            raise refused(source.path, where + more)


def _numbers(source: OwnData, values: np.ndarray, kind: str, name: str) -> Targets:
    if kind == "text":
        raise refused(source.path, f"task = regression needs numbers, and {name} has texts")
    numbers = values.astype(np.float64)
    if (most := np.abs(numbers).max(initial=0)) > _FLOAT32_MAX:
        raise refused(source.path, f"{name} has {most:g}, which is beyond float32; scale it")
    said = "as asked for"
    if source.task == "auto":
        whole = bool(np.all(numbers == np.round(numbers)))
        other = " if they are classes: task = classification" if whole else ""
        said = f"{name} is of type {values.dtype}" + (f", all whole;{other}" if whole else "")
    return Targets(numbers, None, f"regression ({said})")


def _labels(source: OwnData, values: np.ndarray, kind: str, name: str) -> Targets:
    if kind == "float":
        if len(broken := np.flatnonzero(values != np.round(values))):
            seen = f"{name} has {values[broken[0]]:g} at example {broken[0] + 1:,}"
            raise refused(
                source.path, f"task = classification needs whole numbers or texts, and {seen}"
            )
        values = values.astype(np.int64)
    classes, labels = np.unique(values, return_inverse=True)
    names = tuple(_as_text(value) for value in classes)
    if 2 * len(classes) > len(values):
        raise _too_many(source, names, kind, name, len(values))
    said = "as asked for" if source.task != "auto" else f"{name} has {_words(kind, values)}"
    if source.task == "auto" and kind == "int" and len(classes) > 20:
        said += "; if they are quantities: task = regression"
    return Targets(labels.astype(np.int32), names, f"{len(names):,} classes ({said})")


def _too_many(
    source: OwnData, names: tuple[str, ...], kind: str, name: str, examples: int
) -> InputError:
    shown = ", ".join(names[:MOST_NAMED])
    fault = (
        f"{name} has {len(names):,} classes ({shown}, …) for {examples:,} examples, training and "
        "test set together: allowed are two examples a class on average"
    )
    hint = "task = regression, if they are quantities" if kind != "text" else None
    return refused(source.path, fault, hint=hint)


def _words(kind: str, values: np.ndarray) -> str:
    return {"text": "texts", "int": "whole numbers"}[kind] if values.dtype != bool else "yes and no"


def _as_text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
