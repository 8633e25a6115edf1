"""Shared by the tests: two CPU devices, strict ranks, and formulas that owe nothing to JAX.

Strict dtype promotion is asked for in ``test_train_step`` alone: Optax's Adam raises a Python float
to an int32 step count, which strictness forbids.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import hypothesis
import jax
import numpy as np
import pytest
from flax import nnx
from scipy import special

import training_segments
from reluprobe import cli, data
from reluprobe.cli import console, signals
from reluprobe.config import make_run
from reluprobe.data import tfds_files
from reluprobe.engine import compiler, state
from reluprobe.plan.runs import Run, as_run

jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_numpy_rank_promotion", "raise")
# Compiling is most of the suite's time; ``as_for_users`` is for what is promised of bits.
jax.config.update("jax_disable_most_optimizations", True)
# The user's own are left alone, also by the processes that tests start.
os.environ.setdefault("RELUPROBE_COMPILE_CACHE", "0")
# So programs are kept: for the other process of the suite, those that tests start, the next time.
PROGRAMS = Path(__file__).parents[1] / ".pytest_cache" / "programs"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(PROGRAMS))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
# New examples are for whoever develops; what lands is judged on the same ones every time.
hypothesis.settings.register_profile("reluprobe", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("reluprobe")

Array = np.ndarray
Elementwise = Callable[[str, Array, float], Array]
Layers = Sequence[Any]  # of (kernel, bias)

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _value(name: str, z: Array, p: float) -> Array:
    z = np.asarray(z, np.float64)
    below = np.minimum(z, 0)
    return {
        "relu": lambda: np.maximum(z, 0),
        "leaky_relu": lambda: np.where(z >= 0, z, p * z),
        "elu": lambda: np.where(z > 0, z, p * np.expm1(below)),
        "selu": lambda: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(below)),
        "gelu": lambda: z * special.ndtr(z),
        "silu": lambda: z * special.expit(z),
        "softplus": lambda: np.logaddexp(0, z),
        "relu6": lambda: np.clip(z, 0, 6),
        "tanh": lambda: np.tanh(z),
        "sigmoid": lambda: special.expit(z),
        "identity": lambda: z,
        "prelu": lambda: np.where(z >= 0, z, p * z),
        "rrelu": lambda: np.where(z >= 0, z, p * z),
        "crelu": lambda: np.abs(z),
        "celu": lambda: np.maximum(z, 0) + np.minimum(0, p * np.expm1(below / p)),
        "mish": lambda: z * np.tanh(np.logaddexp(0, z)),
        "hard_tanh": lambda: np.clip(z, -1, 1),
    }[name]()


def _slope(name: str, z: Array, p: float) -> Array:
    z = np.asarray(z, np.float64)
    below, sigmoid = np.exp(np.minimum(z, 0)), special.expit(z)
    tanh = np.tanh(np.logaddexp(0, z))
    return {
        "relu": lambda: np.where(z > 0, 1.0, 0.0),
        "leaky_relu": lambda: np.where(z >= 0, 1.0, p),
        "elu": lambda: np.where(z > 0, 1.0, p * below),
        "selu": lambda: SELU_SCALE * np.where(z > 0, 1.0, SELU_ALPHA * below),
        "gelu": lambda: special.ndtr(z) + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi),
        "silu": lambda: sigmoid * (1 + z * special.expit(-z)),
        "softplus": lambda: sigmoid,
        "relu6": lambda: np.where((z > 0) & (z < 6), 1.0, 0.0),
        "tanh": lambda: np.cosh(np.clip(z, -350, 350)) ** -2.0,
        "sigmoid": lambda: sigmoid * special.expit(-z),
        "identity": lambda: np.ones_like(z),
        "prelu": lambda: np.where(z >= 0, 1.0, p),
        "rrelu": lambda: np.where(z >= 0, 1.0, p),
        "crelu": lambda: np.sign(z),
        "celu": lambda: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0) / p)),
        "mish": lambda: tanh + z * sigmoid * (1 - tanh) * (1 + tanh),
        "hard_tanh": lambda: np.where(np.abs(z) <= 1, 1.0, 0.0),
    }[name]()


@pytest.fixture(scope="session")
def value() -> Elementwise:
    """f(z) by name and parameter, in float64 NumPy and SciPy."""
    return _value


@pytest.fixture(scope="session")
def slope() -> Elementwise:
    """f′(z) by name and parameter, in float64 NumPy and SciPy.

    At the kinks as JAX's autodiff has it: 0 for ReLU, ReLU6 and CReLU, 1 for leaky ones and the
    hard tanh.
    """
    return _slope


@pytest.fixture(scope="session")
def run_of() -> Callable[..., Run]:
    """A small run on blobs with the given settings."""
    small = dict(dataset="blobs", optimizer="sgd", depth=2, width=11, epochs=2)
    small |= dict(learning_rate=0.1, batch_size=100, probe_examples=200, seed=7)
    return lambda **settings: as_run(make_run({**small, **settings}))


@pytest.fixture(scope="session")
def layers_of() -> Callable[[Any], Layers]:
    """A network's kernels and biases in order, the output's last, as float64."""

    def layers(network: Any) -> Layers:
        every = [*network.hidden, network.output]
        arrays = [tuple(np.asarray(w[...], np.float64) for w in (m.kernel, m.bias)) for m in every]
        if network.stacked:
            arrays[1:2] = zip(*arrays[1], strict=True)
        return arrays

    return layers


@pytest.fixture(scope="session")
def forward() -> Callable[[Sequence[Any], Array, Any], Any]:
    """Outputs and pre-activations of a perceptron, by NumPy; f is one function or one a layer."""

    def run(layers: Layers, inputs: Array, f: Any) -> tuple[Array, Array]:
        hidden, preactivations = np.asarray(inputs, np.float64), []
        of_layers = [f] * (len(layers) - 1) if callable(f) else f
        for (kernel, bias), f_of_layer in zip(layers[:-1], of_layers, strict=True):
            preactivations.append(hidden @ kernel + bias)
            hidden = f_of_layer(preactivations[-1])
        return hidden @ layers[-1][0] + layers[-1][1], np.stack(preactivations)

    return run


@pytest.fixture(scope="session")
def blobs() -> data.Dataset:
    return data.load("blobs")


@pytest.fixture(scope="session")
def inputs() -> Array:
    """Twelve examples of five features."""
    return np.random.default_rng(1).standard_normal((12, 5)).astype(np.float32)


@pytest.fixture(scope="session")
def arrays() -> state.Arrays:
    return training_segments.examples()


@pytest.fixture(scope="module")
def as_for_users() -> Iterator[None]:
    """As in a new process of a user: programs optimized, and none left over from another file."""
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()
    with mock.patch.dict(compiler.PROGRAMS, clear=True):
        yield
    jax.config.update("jax_disable_most_optimizations", True)


@pytest.fixture(scope="session")
def with_layers() -> Callable[[Any, Layers], Any]:
    """The state of a network (given as graph and state) with other kernels and biases."""

    def replaced(split: tuple[Any, Any], layers: Layers) -> Any:
        network = nnx.merge(*split, copy=True)  # uncopied, it would write into the state given
        for module, (kernel, bias) in zip([*network.hidden, network.output], layers, strict=True):
            module.kernel[...] = np.float32(kernel)
            module.bias[...] = np.float32(bias)
        return nnx.split(network)[1]

    return replaced


class Result(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def reluprobe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Result]:
    """Run the command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    # Where COLUMNS was set when it was made, a console would keep that width.
    for one in (console.out, console.err):
        monkeypatch.setattr(one, "_width", None)

    def run(*args: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["reluprobe", *args])
        with pytest.raises(SystemExit) as left:
            cli.main()
            sys.exit(0)
        text = capsys.readouterr()
        return Result(int(left.value.code or 0), text.out, text.err)

    return run


@pytest.fixture
def stopped_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have a SIGTERM come once the engine has asked so often; never for a negative number."""

    class Stopping(signals.Stopping):
        def __init__(self, times: int) -> None:
            self.left = times

        def __call__(self) -> bool:
            self.left -= 1
            self.signal = signal.SIGTERM if self.left == -1 else self.signal
            return self.signal is not None

    def stop(times: int) -> None:
        monkeypatch.setattr(signals, "watched", lambda: nullcontext(Stopping(times)))

    return stop


@pytest.fixture(scope="module")
def swept_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("swept") / "results"


@pytest.fixture
def sweep_once(
    reluprobe: Callable[..., Result], tmp_path: Path, swept_results: Path
) -> Callable[[str], Path]:
    """Run a sweep file, ``grid.toml``, once for all tests of a file; each has its own copy."""

    def run(text: str) -> Path:
        (tmp_path / "grid.toml").write_text(text)
        if not swept_results.exists():
            result = reluprobe("sweep", "grid.toml", "--out", str(swept_results))
            assert result.code == 0, result.err
        shutil.copytree(swept_results, tmp_path / "results")
        return tmp_path / "results" / "grid"

    return run


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No host answers, and TFDS must not be let near its downloads. Gives the URLs asked."""
    asked: list[str] = []

    def silent(url: str) -> bool:
        asked.append(url)
        return False

    def reached(*args: object, **kwargs: object) -> None:
        raise AssertionError("TFDS was let near its downloads")

    monkeypatch.setattr(tfds_files, "head", silent)
    monkeypatch.setattr(
        "tensorflow_datasets.core.dataset_builder.DatasetBuilder.download_and_prepare", reached
    )
    return asked
