"""A small CNN trained on MNIST for an epoch, followed by a monitor: docs/walks.md reads its report.

Run: ``python docs/examples/mnist_cnn.py``. It took 12 minutes on two cores that did other work too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import optax
from flax import nnx

import reluprobe as rp
from reluprobe import data


class CNN(nnx.Module):
    """Two convolutions, the first with batch norm, and two dense layers."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 16, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(16, rngs=rngs)
        self.conv2 = nnx.Conv(16, 32, (3, 3), rngs=rngs)
        self.fc = nnx.Linear(32 * 7 * 7, 64, rngs=rngs)
        self.out = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        """Logits of images, ``(example, 28, 28, 1)``."""
        x = nnx.max_pool(nnx.relu(self.norm(self.conv1(x))), (2, 2), (2, 2))
        x = nnx.max_pool(nnx.relu(self.conv2(x)), (2, 2), (2, 2))
        return self.out(nnx.relu(self.fc(x.reshape(len(x), -1))))


@nnx.jit
def train_step(model: CNN, optimizer: nnx.Optimizer, x: Any, y: Any) -> Any:
    """One step; the batch's loss."""

    def loss(model: CNN) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    value, slope = nnx.value_and_grad(loss)(model)
    optimizer.update(model, slope)
    return value


@nnx.jit
def accuracy(model: CNN, x: Any, y: Any) -> Any:
    """Share of images whose digit is read."""
    return (model(x).argmax(-1) == y).mean()


def train(lr: float, seed: int, steps: int = 468) -> None:
    """Train one network, and look at it nine times."""
    mnist = data.load("mnist")
    images, test = (
        np.asarray(part, np.float32).reshape(-1, 28, 28, 1) / 255
        for part in (mnist.train_inputs, mnist.test_inputs)
    )
    model = CNN(nnx.Rngs(seed))
    optimizer = nnx.Optimizer(model, optax.adam(lr), wrt=nnx.Param)
    model.eval()
    monitor = rp.Monitor("results/mine", model, images[:1000], settings={"lr": lr}, seed=seed)
    order = np.random.default_rng(seed).permutation(len(images))
    loss = None
    for step in range(steps + 1):
        if step % (steps // 8) == 0:
            model.eval()
            right = accuracy(model, test, mnist.test_targets)
            monitor(step, nnx.state(model), loss=loss, accuracy=right)
            model.train()
        batch = order[128 * step : 128 * step + 128]
        loss = train_step(model, optimizer, images[batch], mnist.train_targets[batch])
    model.eval()
    monitor.split("train", nnx.state(model), images)
    monitor.close()


if __name__ == "__main__":
    for lr in (1e-3, 1e-2):
        for seed in (0, 1, 2):
            train(lr, seed)
