"""What looking into somebody else's network costs, beside the network's own forward pass.

Run: ``python benchmarks/inspect_cost.py``. Prints a Markdown table.

One process; the jitted forward pass and the look run in turn on the same batch, and the ratio is
taken within a round. Before the looks, units are killed in every hidden layer of a second copy of
each network: there, the flat parts of an activation have to be looked for. Analysis is the time
from a traced program to the sites in it, for a network with as many equations as a ResNet-50.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from reluprobe.foreign import axes, facts, jaxpr, network
from reluprobe.foreign.probe import Probe

ROUNDS = 15
#: A bias that no example overcomes.
DEAD = -1e3

Function = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Subject:
    """A network, its parameters by layer, a batch, and the ratio it is allowed."""

    name: str
    function: Function
    params: dict[str, Any]
    batch: Any
    allowed: float


def normal(seed: int, *shape: int) -> Any:
    return jax.random.normal(jax.random.key(seed), shape)


def dense(seed: int, inputs: int, outputs: int) -> dict[str, Any]:
    return {"w": normal(seed, inputs, outputs) * (2 / inputs) ** 0.5, "b": jnp.zeros(outputs)}


def kernel(seed: int, size: int, inputs: int, outputs: int) -> dict[str, Any]:
    scale = (2 / (size * size * inputs)) ** 0.5
    return {"w": normal(seed, size, size, inputs, outputs) * scale, "b": jnp.zeros(outputs)}


def linear(layer: Any, x: Any) -> Any:
    return x @ layer["w"] + layer["b"]


def convolve(layer: Any, x: Any, stride: int = 1) -> Any:
    dimensions = ("NHWC", "HWIO", "NHWC")
    y = jax.lax.conv_general_dilated(
        x, layer["w"], (stride, stride), "SAME", dimension_numbers=dimensions
    )
    return y + layer["b"]


def mlp(width: int = 512, depth: int = 5, examples: int = 1000) -> Subject:
    sizes = [784, *[width] * depth, 10]
    params = {f"fc{i}": dense(i, a, b) for i, (a, b) in enumerate(itertools.pairwise(sizes))}

    def function(params: Any, x: Any) -> Any:
        for i in range(depth):
            x = jax.nn.relu(linear(params[f"fc{i}"], x))
        return linear(params[f"fc{depth}"], x)

    return Subject(f"MLP {depth} × {width}", function, params, normal(99, examples, 784), 1.3)


def resnet(
    blocks: tuple[int, ...] = (2, 2, 2), width: int = 32, size: int = 32, examples: int = 32
) -> Subject:
    params: dict[str, Any] = {"stem": kernel(0, 3, 3, width)}
    channels, names = width, []
    for stage, count in enumerate(blocks):
        for block in range(count):
            name, out = f"s{stage}b{block}", width * 2**stage
            seed = 10 * len(names)
            params[f"{name}.conv1"] = kernel(seed + 1, 3, channels, out)
            params[f"{name}.conv2"] = kernel(seed + 2, 3, out, out)
            if channels != out:
                params[f"{name}.short"] = kernel(seed + 3, 1, channels, out)
            names.append((name, 2 if stage and not block else 1))
            channels = out
    params["head"] = dense(7, channels, 10)

    def function(params: Any, x: Any) -> Any:
        x = jax.nn.relu(convolve(params["stem"], x))
        for name, stride in names:
            y = jax.nn.relu(convolve(params[f"{name}.conv1"], x, stride))
            y = convolve(params[f"{name}.conv2"], y)
            short = params.get(f"{name}.short")
            x = jax.nn.relu(y + (x if short is None else convolve(short, x, stride)))
        return linear(params["head"], x.mean((1, 2)))

    return Subject("ResNet-like CNN", function, params, normal(99, examples, size, size, 3), 1.3)


def transformer(
    layers: int = 4, width: int = 256, tokens: int = 128, heads: int = 4, examples: int = 8
) -> Subject:
    params: dict[str, Any] = {}
    for i in range(layers):
        for j, name in enumerate(("q", "k", "v", "o")):
            params[f"{i}.{name}"] = dense(20 * i + j, width, width)
        params[f"{i}.up"] = dense(20 * i + 5, width, 4 * width)
        params[f"{i}.down"] = dense(20 * i + 6, 4 * width, width)

    def norm(x: Any) -> Any:
        return (x - x.mean(-1, keepdims=True)) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)

    def function(params: Any, x: Any) -> Any:
        for i in range(layers):
            h = norm(x)
            q, k, v = (
                linear(params[f"{i}.{n}"], h).reshape(*x.shape[:2], heads, -1) for n in "qkv"
            )
            scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) * (width // heads) ** -0.5
            mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v)
            x = x + linear(params[f"{i}.o"], mixed.reshape(x.shape))
            x = x + linear(params[f"{i}.down"], jax.nn.gelu(linear(params[f"{i}.up"], norm(x))))
        return x

    return Subject("GELU transformer", function, params, normal(99, examples, tokens, width), 2.0)


def killed(params: dict[str, Any]) -> dict[str, Any]:
    """The same, with every eighth unit of each layer dead."""
    return {n: {**p, "b": p["b"].at[::8].set(DEAD)} for n, p in params.items()}


def ratio(subject: Subject, params: Any) -> tuple[float, float, float]:
    """Milliseconds of the forward pass and of the look, and the median ratio of the rounds."""
    forward = jax.jit(subject.function)
    probe = Probe(subject.function, params)

    def timed(call: Callable[[], Any]) -> float:
        start = time.perf_counter()
        jax.block_until_ready(call())
        return 1e3 * (time.perf_counter() - start)

    sides = (
        lambda: forward(params, subject.batch),
        lambda: probe.add(None, params, subject.batch).examples,
    )
    for side in sides:
        timed(side)
    rounds = [tuple(timed(side) for side in sides) for _ in range(ROUNDS)]
    plain, looked = (statistics.median(times) for times in zip(*rounds, strict=True))
    return plain, looked, statistics.median(look / alone for alone, look in rounds)


def analysis() -> tuple[int, float]:
    """Equations of a network of a ResNet-50's size, and seconds until its sites are known."""
    subject = resnet(blocks=(6, 8, 10), width=8, size=8, examples=2)
    leaves = jax.tree.leaves(subject.params)
    closed = jax.make_jaxpr(subject.function)(subject.params, subject.batch)
    inputs = [facts.parameter(leaf.shape, str(n)) for n, leaf in enumerate(leaves)]
    inputs.append(facts.Facts(data=True, axes=axes.batch(subject.batch.shape, 1)))
    network.look(jaxpr.flatten(closed), inputs, [])  # compiles the sampling of ReLU
    start = time.perf_counter()
    network.look(jaxpr.flatten(closed), inputs, [])
    return len(closed.jaxpr.eqns), time.perf_counter() - start


def main() -> None:
    print(f"{jax.devices()[0].device_kind}, {jax.local_device_count()} device(s)\n")
    print("| network | units | forward, ms | look, ms | ratio | allowed |")
    print("|---|---|---|---|---|---|")
    for subject in (mlp(), resnet(), transformer()):
        for units, params in (("alive", subject.params), ("1/8 dead", killed(subject.params))):
            plain, looked, times = ratio(subject, params)
            print(
                f"| {subject.name} | {units} | {plain:.1f} | {looked:.1f} | {times:.2f} × "
                f"| {subject.allowed} × |"
            )

    equations, seconds = analysis()
    print(f"\nAnalysis of {equations} equations: {seconds:.3f} s (allowed 0.1 s)")


if __name__ == "__main__":
    main()
