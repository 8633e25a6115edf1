"""What is one unit: by layer, channel, iteration, member and time; and which values of it count."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from foreign_networks import DEAD, apply, dead, dense, look, normal
from python_processes import run_python
from reluprobe.errors import InputError
from reluprobe.foreign.probe import Probe

X = np.asarray(normal(0, 24, 4))


def stacked(*layers: dict[str, Any]) -> dict[str, Any]:
    """Layers of one shape as one, with a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *layers)


def convolution(seed: int, inputs: int, outputs: int, *dying: int) -> dict[str, Any]:
    """A 3 × 3 kernel, with its bias."""
    bias = jnp.zeros(outputs).at[np.array(dying, int)].set(DEAD)
    return {"kernel": normal(seed, 3, 3, inputs, outputs), "bias": bias}


@pytest.mark.parametrize("layout", ["NHWC", "NCHW", "one by one"])
def test_a_convolutions_unit_is_a_channel(layout: str) -> None:
    params = {"conv": convolution(1, 2, 6, 3), "out": dense(2, 6 * 16, 2)}
    images = np.asarray(normal(3, 5, 4, 4, 2))

    def net(params: Any, x: Any) -> Any:
        axes = ("NCHW", "HWIO", "NCHW") if layout == "NCHW" else ("NHWC", "HWIO", "NHWC")
        x = x.transpose(0, 3, 1, 2) if layout == "NCHW" else x
        z = jax.lax.conv_general_dilated(
            x, params["conv"]["kernel"], (1, 1), "SAME", dimension_numbers=axes
        )
        shape = (1, -1, 1, 1) if layout == "NCHW" else (1, 1, 1, -1)
        z = (z + params["conv"]["bias"].reshape(shape)).reshape(len(x), -1)
        return apply(params["out"], jax.nn.relu(z))  # flattened before the activation

    def mapped(params: Any, x: Any) -> Any:
        return jax.vmap(lambda x: net(params, x[None])[0])(x)

    layers, _ = look(mapped if layout == "one by one" else net, params, images)
    conv = layers["conv"]
    assert (conv.units, conv.examples, conv.positions) == (6, 5, 16)
    assert dead(layers) == {"conv": [3]}


def test_layers_of_a_scan_have_units_of_their_own() -> None:
    params = {"blocks": stacked(dense(1, 4, 4, 0), dense(2, 4, 4), dense(3, 4, 4, 2, 3))}

    def net(params: Any, x: Any) -> Any:
        def block(x: Any, layer: Any) -> tuple[Any, Any]:
            return x + jax.nn.relu(apply(layer, x)), None

        return jax.lax.scan(block, x, params["blocks"])[0]

    layers, _ = look(net, params, X)
    assert dead(layers) == {"blocks[0]": [0], "blocks[1]": [], "blocks[2]": [2, 3]}


def test_layers_looked_up_by_a_loops_counter_have_units_of_their_own() -> None:
    params = stacked(dense(1, 4, 4, 0), dense(2, 4, 4, 1))

    def net(params: Any, x: Any) -> Any:
        def block(i: Any, x: Any) -> Any:
            layer = jax.tree.map(lambda leaf: leaf[i], params)
            return jnp.tanh(apply(layer, x))

        return jax.lax.fori_loop(0, 2, block, x)

    layers, _ = look(net, params, X)
    assert dead(layers) == {"kernel[0]": [0], "kernel[1]": [1]}


@pytest.mark.parametrize("unknown", [False, True])
def test_a_recurrent_unit_is_one_over_all_time(unknown: bool) -> None:
    params = {"in": dense(1, 4, 5, 2), "hidden": dense(2, 5, 5), "out": dense(3, 5, 2)}
    words = np.asarray(normal(4, 6, 7, 4))

    def step(params: Any, h: Any, x: Any) -> Any:
        return jax.nn.relu(apply(params["in"], x) + apply(params["hidden"], h) / 5)

    def net(params: Any, x: Any) -> Any:
        times = x.transpose(1, 0, 2)
        start = jnp.zeros((len(x), 5))
        if unknown:  # a while loop: its number of turns is not known beforehand
            last = jnp.minimum(7, jnp.int32(7 + 0 * x.sum()))
            _, h = jax.lax.while_loop(
                lambda state: state[0] < last,
                lambda state: (state[0] + 1, step(params, state[1], times[state[0]])),
                (0, start),
            )
        else:
            h, _ = jax.lax.scan(lambda h, x: (step(params, h, x),) * 2, start, times)
        return apply(params["out"], h)

    layers, _ = look(net, params, words)
    assert list(layers) == ["in+hidden"]
    layer = layers["in+hidden"]
    assert (layer.units, layer.examples) == (5, 6)
    assert layer.positions == (1 if unknown else 7)
    h, outputs = jnp.zeros((6, 5)), []
    for time in range(7):
        h = step(params, h, words[:, time])
        outputs.append(h)
    active = np.asarray(outputs) > 0
    np.testing.assert_array_equal(layer.dead, ~active.any((0, 1)))
    np.testing.assert_array_equal(layer.linear, active.all((0, 1)))
    assert layer.dead[2]


def test_members_of_an_ensemble_have_units_of_their_own() -> None:
    members = [{"up": dense(i, 4, 5, i), "down": dense(i + 3, 5, 2)} for i in range(3)]

    def member(params: Any, x: Any) -> Any:
        return apply(params["down"], jax.nn.relu(apply(params["up"], x)))

    layers, _ = look(jax.vmap(member, (0, None)), stacked(*members), X)
    assert layers["up"].units == 15
    assert np.argwhere(layers["up"].dead.reshape(3, 5)).tolist() == [[0, 0], [1, 1], [2, 2]]


def test_experts_have_units_of_their_own() -> None:
    params = {"router": normal(1, 4, 3), "up": normal(2, 3, 4, 5), "down": normal(3, 3, 5, 4)}
    params["bias"] = jnp.zeros((3, 5)).at[1, 2].set(DEAD)

    def net(params: Any, x: Any) -> Any:
        gates = jax.nn.softmax(x @ params["router"])
        h = jax.nn.relu(jnp.einsum("bd,edf->bef", x, params["up"]) + params["bias"][None])
        return jnp.einsum("bef,efd,be->bd", h, params["down"], gates)

    layers, _ = look(net, params, X)
    assert np.argwhere(layers["up"].dead.reshape(3, 5)).tolist() == [[1, 2]]


def test_tokens_are_positions_of_a_transformers_features() -> None:
    params = {"table": normal(1, 11, 4), "up": dense(2, 4, 6, 5), "down": dense(3, 6, 11)}
    tokens = np.arange(40).reshape(5, 8) % 11

    def net(params: Any, tokens: Any) -> Any:
        x = params["table"][tokens]
        return apply(params["down"], jax.nn.gelu(apply(params["up"], x)))

    layers, coverage = look(net, params, tokens)
    assert (layers["up"].units, layers["up"].examples, layers["up"].positions) == (6, 5, 8)
    assert 5 in dead(layers)["up"]
    assert [place.what for place in coverage.bare] == ["down"]


def test_a_branch_that_no_example_took_has_no_counts() -> None:
    params = {"a": dense(1, 4, 5, 1), "b": dense(2, 4, 5, 2), "down": dense(3, 5, 2)}

    def net(params: Any, x: Any) -> Any:
        def side(name: str) -> Any:
            return lambda x: jax.nn.relu(apply(params[name], x))

        return apply(params["down"], jax.lax.cond(x[0, 0] > 100, side("a"), side("b"), x))

    layers, coverage = look(net, params, X)
    assert (layers["a"].examples, layers["b"].examples) == (0, 24)
    assert not layers["a"].dead.any()
    assert dead(layers)["b"] == [2]
    assert [place.what for place in coverage.never_taken] == ["a"]
    layers, coverage = look(net, params, X, X + 1000)
    assert (layers["a"].examples, layers["b"].examples) == (24, 24)
    assert not coverage.never_taken


def test_a_loop_in_a_loop_and_a_branch_in_a_loop_are_measured() -> None:
    inner = [stacked(dense(i, 4, 4, i), dense(i + 5, 4, 4)) for i in range(2)]
    params = {"w": stacked(*inner)}

    def net(params: Any, x: Any) -> Any:
        def layer(x: Any, w: Any) -> tuple[Any, Any]:
            bent = jax.lax.cond(x.sum() < 1e9, jnp.tanh, lambda z: z * 2, apply(w, x))
            return x + jax.nn.relu(apply(w, x)) + 0 * bent, None

        def group(x: Any, w: Any) -> tuple[Any, Any]:
            return jax.lax.scan(layer, x, w)[0], None

        return jax.lax.scan(group, x, params["w"])[0]

    layers, _ = look(net, params, X)
    assert {n: d for n, d in dead(layers).items() if "#" not in n} == {
        "w[0][0]": [0],
        "w[0][1]": [],
        "w[1][0]": [1],
        "w[1][1]": [],
    }


def transformer(params: Any, batch: Any) -> Any:
    x = batch["x"].reshape(-1, 4)  # examples and positions are one axis, as often for speed
    h = jax.nn.relu(apply(params["up"], x))
    h = h.reshape(*batch["x"].shape[:2], -1)[:, ::-1]
    return apply(params["down"], jax.nn.relu(apply(params["mid"], h)).mean(1))


def test_padded_positions_do_not_count() -> None:
    params = {"up": dense(1, 4, 5), "mid": dense(2, 5, 6), "down": dense(3, 6, 2)}
    x = np.asarray(normal(4, 6, 7, 4)).copy()
    lengths = np.array([7, 3, 5, 1, 0, 2])
    weights = (np.arange(7) < lengths[:, None]).astype(np.float32)
    x[weights == 0] = 50  # fires whatever it may, and would make units look alive
    params["mid"]["bias"] = params["mid"]["bias"] - 3
    layers, _ = look(transformer, params, {"x": x}, weights=[weights])
    kept = x[weights > 0]
    z = np.asarray(apply(params["up"], kept))
    np.testing.assert_array_equal(layers["up"].dead, (z <= 0).all(0))
    np.testing.assert_array_equal(layers["up"].linear, (z > 0).all(0))
    z = np.asarray(apply(params["mid"], np.maximum(z, 0)))
    np.testing.assert_array_equal(layers["mid"].dead, (z <= 0).all(0))
    rare = ((z > 0).sum(0) > 0) & ((z > 0).mean(0) <= 0.01)
    np.testing.assert_array_equal(layers["mid"].rare, rare)
    assert {layer.examples for layer in layers.values()} == {5}


def test_weights_follow_a_loop_over_time() -> None:
    params = {"in": dense(1, 4, 5), "hidden": dense(2, 5, 5), "out": dense(3, 5, 2)}
    x = np.asarray(normal(4, 6, 7, 4))
    weights = (np.arange(7) < np.array([7, 3, 5, 1, 4, 2])[:, None]).astype(np.float32)

    def step(params: Any, h: Any, x: Any) -> Any:
        return jnp.tanh(apply(params["in"], x) + apply(params["hidden"], h))

    def net(params: Any, x: Any) -> Any:
        start = jnp.zeros((len(x), 5))
        times = x.transpose(1, 0, 2)
        h, _ = jax.lax.scan(lambda h, x: (step(params, h, x),) * 2, start, times)
        return apply(params["out"], h)

    layers, _ = look(net, params, x, weights=[weights])
    h, outputs = jnp.zeros((6, 5)), []
    for time in range(7):
        h = step(params, h, x[:, time])
        outputs.append(h)
    z = np.stack(outputs, 1)[weights > 0]
    np.testing.assert_array_equal(layers["in+hidden"].fired, (z > 0).sum(0))
    np.testing.assert_array_equal(layers["in+hidden"].never_positive, (z <= 0).all(0))
    assert (layers["in+hidden"].linear, layers["in+hidden"].values) == (None, 22)


def test_weights_that_cannot_be_followed_are_refused_with_the_layer() -> None:
    params = {"up": dense(1, 4, 5), "down": dense(2, 5, 3)}

    def shuffled(params: Any, x: Any) -> Any:
        return apply(params["down"], jax.nn.relu(apply(params["up"], jnp.sort(x, axis=1))))

    x = np.asarray(normal(4, 6, 7, 4))
    probe = Probe(shuffled, params)
    with pytest.raises(InputError, match=r"up \(test_units\.py:\d+\): axis 1 of the weights"):
        probe.add(None, params, x, np.ones((6, 7)))
    assert probe.add(None, params, x, np.ones(6)).examples == 6


def test_bad_input_is_refused_with_what_is_allowed() -> None:
    params = {"up": dense(1, 4, 5)}
    probe = Probe(lambda params, x: apply(params["up"], x), params)
    with pytest.raises(InputError, match=r"up\.kernel: float32\[4, 6\], before float32\[4, 5\]"):
        probe.add(None, {"up": {**params["up"], "kernel": jnp.zeros((4, 6))}}, X)
    with pytest.raises(InputError, match="without an example"):
        probe.add(None, params, X[:0])
    with pytest.raises(InputError, match=r"weights of shape \[3\]"):
        probe.add(None, params, X, np.ones(3))
    with pytest.raises(InputError, match="unlike numbers of examples"):
        probe.add(None, params, {"a": X, "b": X[:3]})


SHARDED = """if 1:
    import jax, jax.numpy as jnp, numpy as np
    jax.config.update("jax_num_cpu_devices", 4)
    from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
    from reluprobe.foreign.probe import Probe
    mesh = jax.make_mesh((2, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    def put(array, *spec):
        return jax.device_put(array, NamedSharding(mesh, P(*spec)))
    keys = jax.random.split(jax.random.key(0), 3)
    params = {"up": jax.random.normal(keys[0], (4, 8)), "bias": jnp.zeros(8).at[5].set(-1e3)}
    params["down"] = jax.random.normal(keys[1], (8, 2))
    x = jax.random.normal(keys[2], (64, 4))
    def net(p, x):
        return jax.nn.relu(x @ p["up"] + p["bias"]) @ p["down"]
    sharded = {"up": put(params["up"], None, "model"), "bias": put(params["bias"], "model"),
               "down": put(params["down"], "model", None)}
    dead = []
    for p, batch in ((params, x), (sharded, put(x, "data"))):
        probe = Probe(net, p)
        (layer,), _ = probe.answer(probe.add(None, p, batch), p)
        dead.append(layer.dead.tolist())
    z = np.asarray(x @ params["up"] + params["bias"])
    assert dead == [(z <= 0).all(0).tolist()] * 2 and dead[0][5], dead"""


def test_parameters_sharded_over_devices_are_looked_at_as_they_are() -> None:
    with run_python(SHARDED) as process:
        _, err = process.communicate()
    assert process.returncode == 0, err


def test_positions_are_followed_past_attention() -> None:
    def attending(params: Any, x: Any) -> Any:
        scores = jax.nn.softmax(jnp.einsum("btf,bsf->bts", x, x @ params["key"]))
        x = x + jnp.einsum("bts,bsf->btf", scores, x)
        return jax.nn.relu(x @ params["up"] - 1) @ params["out"]

    rng = np.random.default_rng(3)
    x = rng.normal(size=(3, 5, 4)).astype(np.float32)
    params = {"key": np.eye(4), "up": rng.normal(size=(4, 40)) / 2, "out": np.ones((40, 2))}
    params = {name: array.astype(np.float32) for name, array in params.items()}
    counted = (np.arange(5)[None] < np.array([[2], [3], [1]])).astype(np.float32)
    probe = Probe(attending, params)
    (layer,), _ = probe.answer(probe.add(None, params, x, counted), params)
    scores = np.exp(np.einsum("btf,bsf->bts", x, x))
    scores /= scores.sum(-1, keepdims=True)
    z = (x + np.einsum("bts,bsf->btf", scores, x)) @ params["up"] - 1
    np.testing.assert_array_equal(layer.dead, (z[counted > 0] <= 0).all(0))
    assert 0 < layer.dead.sum() < 40
    assert (layer.dead != (z <= 0).all((0, 1))).any()
