"""Shapes on the way through a cnn: which images go in, and how much of them is left."""

from __future__ import annotations

import math

from reluprobe.config.run_config import RunConfig


def fault(config: RunConfig, shape: tuple[int, ...]) -> str | None:
    """Why examples of this shape do not go into the network; None where they do."""
    if len(shape) != 3:
        listed = " × ".join(map(str, shape))
        return f"network = cnn needs images of height × width × channels; an example has {listed}"
    if config.kernel > min(shape[:2]):
        size = f"{shape[0]} × {shape[1]}"
        return (
            f"kernel = {config.kernel}: allowed with images of {size} is at most {min(shape[:2])}"
        )
    if min(shape[:2]) // halved(config):
        return None
    most = int(math.log2(min(shape[:2])))
    return (
        f"channels = {config.channels}: so many poolings by 2 leave nothing of images of "
        f"{shape[0]} × {shape[1]}; allowed are at most {most}, or pooling = none"
    )


def halved(config: RunConfig) -> int:
    """By what height and width are divided in all, rounding down."""
    return 1 if config.pooling == "none" else 2 ** len(config.convolutions)


def flattened(config: RunConfig, shape: tuple[int, ...]) -> int:
    """How many units times positions the last convolution has, of images without a fault."""
    height, width, _ = shape
    by = halved(config)
    return (height // by) * (width // by) * config.convolutions[-1]
