"""Synthetic datasets, blobs and abs: the same numbers on every machine, nothing to download."""

from __future__ import annotations

import numpy as np

from reluprobe.data.dataset import Dataset, frozen

TRAIN_EXAMPLES = 4096
TEST_EXAMPLES = 1024
BLOB_CLASSES = 10
BLOB_FEATURES = 32
# Noise is 1 per feature. Centres drawn at half that lie about 4 apart in 32 dimensions, so that the
# classes overlap a little: a set that every network gets perfect would tell nothing.
BLOB_SPREAD = 0.5


def load_blobs() -> Dataset:
    """Gaussian blobs: x = c_y + e, with c_y ~ N(0, 1/4), e ~ N(0, 1) and y uniform on 10 classes.

    Returns:
        float32 inputs of shape ``(4096, 32)`` and ``(1024, 32)``, int32 labels, ten classes.
    """
    rng = np.random.default_rng(0)
    centres = BLOB_SPREAD * rng.standard_normal((BLOB_CLASSES, BLOB_FEATURES))
    labels = rng.integers(BLOB_CLASSES, size=TRAIN_EXAMPLES + TEST_EXAMPLES, dtype=np.int32)
    noise = rng.standard_normal((len(labels), BLOB_FEATURES))
    inputs = (centres[labels] + noise).astype(np.float32)
    return _split("blobs", inputs, labels, BLOB_CLASSES)


def load_abs() -> Dataset:
    """The target y = |x| for x uniform on [-√3, √3], so that E[x²] = 1.

    Returns:
        float32 inputs of shape ``(4096, 1)`` and ``(1024, 1)``, float32 targets, no classes.

    Source: Lu, Shin, Su and Karniadakis, "Dying ReLU and Initialization: Theory and Numerical
    Examples", 2019 (arXiv:1903.06733).
    """
    rng = np.random.default_rng(0)
    edge = np.sqrt(3.0)
    inputs = rng.uniform(-edge, edge, (TRAIN_EXAMPLES + TEST_EXAMPLES, 1)).astype(np.float32)
    return _split("abs", inputs, np.abs(inputs[:, 0]), None)


def _split(name: str, inputs: np.ndarray, targets: np.ndarray, classes: int | None) -> Dataset:
    n = TRAIN_EXAMPLES
    return frozen(Dataset(name, inputs[:n], targets[:n], inputs[n:], targets[n:], classes))
