"""Dataset: a training and a test split as arrays, and their classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Dataset:
    """A training and a test split as C-contiguous, read-only arrays.

    Attributes:
        name: the name it was loaded under, such as ``"mnist"`` or ``"emnist/letters"``.
        train_inputs: ``(example, feature)``; uint8 pixels in 0..255 (the model divides by 255), or
            float32 used as they are.
        train_targets: ``(example,)``; int32 class labels, or float32 values when ``classes`` is
            None.
        test_inputs: as ``train_inputs``, with the same features.
        test_targets: as ``train_targets``.
        classes: labels are below this, and a network has as many outputs; None means regression
            with squared loss, one output. Not every label need exist (:attr:`existing`).
        shape: of one example as the data has it, ``(28, 28, 1)`` for MNIST; inputs are it in C
            order. Where none is given, examples are vectors: ``(feature,)``.
        class_names: what the labels stand for, where a file of the user's says so.
    """

    name: str
    train_inputs: np.ndarray
    train_targets: np.ndarray
    test_inputs: np.ndarray
    test_targets: np.ndarray
    classes: int | None
    shape: tuple[int, ...] = ()
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Examples without a shape of their own are vectors."""
        if not self.shape:
            object.__setattr__(self, "shape", self.train_inputs.shape[1:])

    @cached_property
    def existing(self) -> np.ndarray | None:
        """The classes that training examples have, in order; None for a regression.

        ``emnist/letters`` declares 37 classes and has 26, from 1 to 26.
        """
        return None if self.classes is None else np.unique(self.train_targets)


ARRAYS = ("train_inputs", "train_targets", "test_inputs", "test_targets")


def frozen(dataset: Dataset) -> Dataset:
    """The same dataset with every array C-contiguous and read-only."""
    arrays = {name: np.ascontiguousarray(getattr(dataset, name)) for name in ARRAYS}
    for array in arrays.values():
        array.flags.writeable = False
    return replace(dataset, **arrays)
