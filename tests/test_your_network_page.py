"""docs/your-network.md: every example is run, on a network of its framework."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen, nnx

import reluprobe as rp

PAGE = Path(__file__).parents[1] / "docs" / "your-network.md"
SECTION = re.compile(r"^##+ (.+)\n", re.M)
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(12, 784)).astype(np.float32)
LABELS = np.arange(12) % 10


def examples() -> dict[str, list[str]]:
    """The page's Python by the heading that it stands under."""
    _, *parts = SECTION.split(PAGE.read_text("utf-8"))
    fence = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
    return {title: fence.findall(text) for title, text in zip(parts[::2], parts[1::2], strict=True)}


def run(title: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run a section's examples; the record that a monitor of theirs keeps has two looks."""
    batches = [(IMAGES[:6], LABELS[:6])] * 101
    names = {"rp": rp, "jax": jax, "images": IMAGES, "batches": batches, **names}
    for block in examples()[title]:
        exec(compile(block, f"{PAGE.name}: {title}", "exec"), names)
    if "monitor" in names and "see" not in title:
        names["monitor"].close()
    return names


def looked_at(folder: str) -> list[str]:
    """Names of the layers in a folder's record, which a report reads."""
    (record,) = rp.load(folder)
    assert len(record.history) == 2 and record.history[1].step == 100
    return [layer.name for layer in record.layers]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class MLP(linen.Module):
    @linen.compact
    def __call__(self, x: Any) -> Any:
        x = linen.relu(linen.Dense(8)(x))
        return linen.Dense(10)(x)


def test_every_section_with_code_is_run_here():
    titles = {title for title, blocks in examples().items() if blocks}
    assert titles == {"One look", "Flax NNX", "Flax Linen", "Equinox", "PyTorch", "Keras"}


def test_one_look(capsys: pytest.CaptureFixture[str]):
    names = run(
        "One look",
        {
            "model": nnx.Sequential(
                nnx.Linear(784, 8, rngs=nnx.Rngs(0)), nnx.relu, nnx.Linear(8, 2, rngs=nnx.Rngs(1))
            )
        },
    )
    assert names["report"].layers[0].units == 8
    assert "of 8 units dead on 12 examples" in capsys.readouterr().out


def test_flax_nnx():
    class CNN(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.conv = nnx.Conv(1, 4, (3, 3), strides=7, rngs=rngs)
            self.fc = nnx.Linear(64, 8, rngs=rngs)
            self.out = nnx.Linear(8, 10, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            x = nnx.relu(self.conv(x.reshape(-1, 28, 28, 1)))
            return self.out(nnx.relu(self.fc(x.reshape(len(x), -1))))

    def loss(model: Any, x: Any, y: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    @nnx.jit
    def train_step(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
        value, slope = nnx.value_and_grad(loss)(model, x, y)
        optimizer.update(model, slope)
        return value

    run("Flax NNX", {"CNN": CNN, "train_step": train_step, "accuracy": lambda model: 0.5})
    assert looked_at("results/nnx") == ["conv", "fc"]


def test_flax_linen():
    def train_step(variables: Any, x: Any, y: Any) -> Any:
        return jax.tree.map(lambda leaf: 0.9 * leaf, variables)

    run("Flax Linen", {"MLP": MLP, "train_step": train_step})
    assert looked_at("results/linen") == ["Dense_0"]


def test_equinox():
    eqx = pytest.importorskip("equinox")

    def train_step(model: Any, x: Any, y: Any) -> Any:
        return jax.tree.map(lambda leaf: 0.9 * leaf if eqx.is_array(leaf) else leaf, model)

    run("Equinox", {"train_step": train_step})
    assert looked_at("results/equinox") == ["layers.0", "layers.1"]


def test_haiku():
    hk = pytest.importorskip("haiku")
    net = hk.without_apply_rng(hk.transform(lambda x: hk.nets.MLP([8, 4])(x)))
    params = net.init(jax.random.key(0), IMAGES)
    monitor = rp.Monitor("results/haiku", net.apply, probe=IMAGES, params=params)
    assert monitor(0, params).layers[0].units == 8


def test_pytorch():
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    layers = torch.nn.Linear(784, 8), torch.nn.ReLU(), torch.nn.Linear(8, 10)
    net, x = torch.nn.Sequential(*layers).eval(), torch.zeros(4, 784)
    z1, z2 = np.ones((6, 3), np.float32), np.ones((6, 4, 2, 2), np.float32)

    def train_step(net: Any, x: Any, y: Any) -> None:
        with torch.no_grad():
            net[0].bias[:2] = -1e4

    names = run("PyTorch", {"net": net, "x": x, "z1": z1, "z2": z2, "train_step": train_step})
    assert looked_at("results/torch") == ["0"]
    assert rp.load("results/torch").records[0].final.layers[0].dead == 2 / 8
    assert [layer.name for layer in names["monitor"].record.layers] == ["fc1", "conv2"]


def test_keras(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("Keras was imported on another backend")
    hidden = keras.layers.Dense(8, activation="relu", name="hidden")
    model = keras.Sequential([keras.Input((784,)), hidden, keras.layers.Dense(10)])
    hidden.bias.assign(jnp.array([-1e4] + 7 * [0.0]))
    with jax.numpy_rank_promotion("allow"):
        run("Keras", {"model": model})
    output = capsys.readouterr().out
    assert "12.5% of 8 units dead" in output and "hidden" in output
