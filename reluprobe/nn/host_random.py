"""Host random: JAX's keys and uniform draws in NumPy, to the bit, with nothing to be compiled.

A process's first network would wait for XLA to compile each little program that draws it, for
longer than it takes to import JAX.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Float, UInt32

Words = UInt32[np.ndarray, " two"]

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = np.uint32(0x1BD11BDA)
#: Counters that are hashed at a time: what is at work stays in a core's own memory.
BLOCK = 1 << 14


def threefry(
    key: Words, high: UInt32[np.ndarray, " n"], low: UInt32[np.ndarray, " n"]
) -> tuple[UInt32[np.ndarray, " n"], UInt32[np.ndarray, " n"]]:
    """Threefry-2×32 with 20 rounds: 64 random bits for each 64-bit counter.

    References:
        Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3".
    """
    keys = key[0], key[1], key[0] ^ key[1] ^ PARITY
    with np.errstate(over="ignore"):  # sums are modulo 2³²
        x, y = high + keys[0], low + keys[1]
        for i in range(5):
            for rotation in ROTATIONS[i % 2]:
                x += y
                y = (y << np.uint32(rotation)) | (y >> np.uint32(32 - rotation))
                y ^= x
            x += keys[(i + 1) % 3]
            y += keys[(i + 2) % 3] + np.uint32(i + 1)
    return x, y


def fold_in(key: Words, number: int) -> Words:
    """``jax.random.fold_in``; the same as key ``number`` of ``jax.random.split``.

    Args:
        key: two words.
        number: from 0 to 2³² − 1.
    """
    zero = np.zeros(1, np.uint32)
    return np.concatenate(threefry(key, zero, np.array([number], np.uint32)))


def uniform(key: Words, shape: Sequence[int]) -> Float[np.ndarray, ...]:
    """``jax.random.uniform`` on [−1, 1), float32, where Threefry is partitionable.

    Value i takes the words that are drawn for counter i: 23 of their bits are f in [0, 1), and
    2·f − 1 is exact.
    """
    size = int(np.prod(shape))
    values = np.empty(size, np.float32)
    for start in range(0, size, BLOCK):
        counters = np.arange(start, min(start + BLOCK, size), dtype=np.uint64)
        high, low = (counters >> np.uint64(32)).astype(np.uint32), counters.astype(np.uint32)
        x, y = threefry(key, high, low)
        mantissa = ((x ^ y) >> np.uint32(9)) | np.uint32(0x3F800000)
        values[start : start + BLOCK] = (mantissa.view(np.float32) - np.float32(1)) * np.float32(2)
    values -= np.float32(1)
    return values.reshape(shape)


def typed(words: Words) -> jax.Array:
    """A key as ``jax.random`` takes it."""
    return jax.random.wrap_key_data(words)  # type: ignore[arg-type]


class Keys:
    """The keys that an ``nnx.Rngs`` gives for parameters, in its order.

    Args:
        words: its key.
    """

    def __init__(self, words: Words) -> None:
        self.words, self.count = words, 0

    def params(self) -> jax.Array:
        """The next key."""
        key = typed(fold_in(self.words, self.count))
        self.count += 1
        return key
