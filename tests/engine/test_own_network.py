"""Somebody's own network under the engine: beside the MLP that it is, and what is refused."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import reluprobe as rp
from reluprobe import data
from reluprobe.config import make_run
from reluprobe.engine import program_spec, runner, state
from reluprobe.engine.events import RunDone
from reluprobe.errors import InputError
from reluprobe.foreign.trained import own_network
from reluprobe.measures import tallies
from reluprobe.plan.grouping import program_settings
from reluprobe.plan.runs import as_run
from reluprobe.records import RunRecord
from reluprobe.records.masks import unpack
from small_networks import convolved

NETS = """
    import jax
    import jax.numpy as jnp
    from flax import nnx

    class Mlp(nnx.Module):
        def __init__(self, settings, rngs):
            given, sizes = settings["input_shape"][-1], settings["width"]
            init, layers = nnx.initializers.glorot_uniform(), []
            for size in sizes:
                layers.append(nnx.Linear(given, size, kernel_init=init, rngs=rngs))
                given = size
            self.layers = nnx.List(layers)
            self.out = nnx.Linear(given, settings["outputs"], kernel_init=init, rngs=rngs)

        def __call__(self, x):
            for layer in self.layers:
                x = jax.nn.relu(layer(x))
            return self.out(x)

    class Remembering(nnx.Module):
        def __init__(self, settings, rngs):
            self.norm = nnx.BatchNorm(32, momentum=0.9, rngs=rngs)
            self.drop = nnx.Dropout(settings.get("drop", 0.5), rngs=rngs)
            self.up = nnx.Linear(32, settings["units"], rngs=rngs)
            self.out = nnx.Linear(settings["units"], settings["outputs"], rngs=rngs)

        def __call__(self, x):
            return self.out(self.drop(jnp.tanh(self.up(self.norm(x)))))

    class Images(nnx.Module):
        def __init__(self, settings, rngs):
            self.conv = nnx.Conv(settings["input_shape"][-1], 4, (3, 3), rngs=rngs)
            self.out = nnx.Linear(4, settings["outputs"], rngs=rngs)

        def __call__(self, x):
            return self.out(jax.nn.relu(self.conv(x)).mean((1, 2)))

    class Scaled(Remembering):
        def __init__(self, settings, rngs):
            super().__init__(settings, rngs)
            self.scale = nnx.Param(jnp.asarray(1.5))

        def __call__(self, x):
            return self.scale[...] * super().__call__(x)

    def mlp(settings, rngs): return Mlp(settings, rngs)
    def scaled(settings, rngs): return Scaled(settings, rngs)
    def takes_one(settings): return None
    def remembering(settings, rngs): return Remembering(settings, rngs)
    def images(settings, rngs): return Images(settings, rngs)
    def raises(settings, rngs): raise ValueError("no such luck")
    def returns_none(settings, rngs): return None
    def misspells(settings, rngs): return nnx.Linear(settings["unitz"], 10, rngs=rngs)
    def linear(settings, rngs): return nnx.Linear(32, settings["outputs"], rngs=rngs)
    def too_many(settings, rngs): return nnx.Linear(32, 11, rngs=rngs)
    def deaf(settings, rngs):
        return Mlp({"input_shape": (32,), "width": (4, 3), "outputs": 10}, rngs)

    class Nameless(nnx.Module):
        def __init__(self, rngs):
            self.w = nnx.Param(jax.random.normal(rngs.params(), (32, 8)))
            self.v = nnx.Param(jax.random.normal(rngs.params(), (8, 10)))

        def __call__(self, x):
            return jax.nn.relu(x @ self.w[...]) @ self.v[...]

    class Experts(Nameless):
        def __call__(self, x):
            sizes = jnp.array([len(x)], jnp.int32)
            return jax.lax.ragged_dot(super().__call__(x), jnp.eye(10)[None], sizes)

    def nameless(settings, rngs): return Nameless(rngs)
    def experts(settings, rngs): return Experts(rngs)
"""


@pytest.fixture(autouse=True, scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("nets")
    (folder / "nets_of_a_test.py").write_text(textwrap.dedent(NETS))
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


def run_with(name: str, **settings: Any) -> Any:
    small = dict(dataset="blobs", epochs=2, batch_size=100, probe_examples=200, learning_rate=0.05)
    return as_run(make_run({**small, "network": f"nets_of_a_test:{name}", **settings}))


@pytest.fixture(scope="module")
def trained() -> Callable[..., RunRecord]:
    blobs = data.load("blobs")

    def train(run: Any) -> RunRecord:
        events = runner.execute([run], lambda _: blobs)
        return next(event.record for event in events if isinstance(event, RunDone))

    return train


def test_a_network_that_is_the_mlp_trains_as_the_mlp(trained: Any):
    run = run_with("mlp", width="12-6", learning_rate=0.2)
    own = trained(run)
    ours = trained(as_run(make_run({**vars(run.config), "network": "mlp"})))
    assert [layer.name for layer in own.layers] == ["layers.0", "layers.1"]
    assert [layer.activation for layer in own.layers] == ["relu", "relu"]
    assert own.layer_names == ours.layer_names == ("L1", "L2") and own.units == ours.units == 18
    assert any(layer.dead for layer in own.final.layers), "a comparison of nothing"
    for one, other in zip(own.history, ours.history, strict=True):
        assert one.test_loss == pytest.approx(other.test_loss, rel=1e-3)
        for layer, its in zip(one.layers, other.layers, strict=True):
            assert (layer.units, layer.dead_units) == (its.units, its.dead_units)
            assert (layer.silent, layer.dormant, layer.constant, layer.deaths) == (
                its.silent,
                its.dormant,
                its.constant,
                its.deaths,
            )
    for split, its in zip(own.samples, ours.samples, strict=True):
        assert [layer.dead for layer in split.layers] == [layer.dead for layer in its.layers]


def test_what_a_network_remembers_and_draws_is_kept_from_step_to_step(trained: Any):
    record = trained(run_with("remembering", network_settings="units=16"))
    assert record.status == "ok" and record.final.test_accuracy > 0.5
    (layer,) = record.layers
    assert (layer.name, layer.activation, layer.units, layer.positions) == ("up", "tanh", 16, 1)
    assert record.final.layers[0].saturated is not None, "tanh is bounded"
    again = trained(run_with("remembering", network_settings="units=16"))
    assert again.history == record.history
    dropped = trained(run_with("remembering", network_settings="units=16,drop=0.0"))
    assert dropped.history[0] == record.history[0], "nothing is dropped in a look"
    assert dropped.final.train_loss < record.final.train_loss


def test_counts_inside_the_program_are_numpys():
    config = run_with("images").config
    shape, examples = (6, 5, 2), 20
    network = own_network(program_settings(config), shape, 10, examples)
    assert network.sizes == (4,) and network.layers[0].positions == 30
    assert network.structure.shape == shape
    state = network.start(shape, nnx.Rngs(3))
    images = np.random.default_rng(0).standard_normal((examples, 60)).astype(np.float32)
    bias = jnp.asarray([-50.0, 0.0, 0.0, 50.0])
    leaves, tree = jax.tree.flatten(state)
    at = next(n for n, leaf in enumerate(leaves) if leaf.shape == (4,))
    state = jax.tree.unflatten(tree, [*leaves[:at], bias, *leaves[at + 1 :]])
    counts = jnp.asarray(np.arange(examples) < 15, jnp.float32)
    tally = network.tallied(tallies.empty(network.sizes), state, jnp.asarray(images), counts)
    answers = tallies.answer(tally)
    assert np.asarray(answers.dead)[0].tolist() == [True, False, False, False]
    assert np.asarray(answers.silent)[0].tolist() == [True, False, False, False]
    kernel = np.asarray(next(leaf for leaf in leaves if leaf.ndim == 4))
    z = convolved(images.reshape(-1, *shape)[:15], kernel, np.asarray(bias))
    a = np.maximum(z, 0)
    np.testing.assert_allclose(tally.highest[0], a.max(axis=(0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(tally.total[0], a.sum(axis=(0, 1, 2)), rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("raises", {}, ["ValueError: no such luck", "nets_of_a_test.py:"]),
        ("takes_one", {}, ["takes 1 positional argument but 2 were given"]),
        ("returns_none", {}, ["it returned None", "a Flax NNX module"]),
        ("misspells", {"network_settings": "units=4"}, ["no setting 'unitz'", "'units'"]),
        ("linear", {}, ["no activation is found"]),
        ("too_many", {}, ["11)", "10 numbers an example are due"]),
        ("deaf", {"network_settings": "units=4"}, ['never reads settings["units"]']),
        ("deaf", {"dropout": 0.5}, ['never reads settings["dropout"]']),
        ("nameless", {"l2": 0.1}, ["has none"]),
        ("nosuch", {}, ["nosuch in nets_of_a_test: is not there"]),
    ],
)
def test_what_cannot_be_trained_is_told_before_anything_is(
    name: str, settings: dict[str, Any], said: list[str], trained: Any
):
    with pytest.raises(InputError) as refused:
        trained(run_with(name, **settings))
    text = str(refused.value)
    assert all(part in text for part in said), text
    assert "built.py" not in text, "a place in our code helps nobody"


def test_its_units_are_dormant_by_the_threshold_of_the_run(trained: Any):
    run = run_with("mlp", width="12-6", epochs=0, dormant_threshold=0.9)
    own, ours = trained(run), trained(as_run(make_run({**vars(run.config), "network": "mlp"})))
    shares = [[layer.dormant for layer in record.final.layers] for record in (own, ours)]
    assert shares[0] == shares[1]
    assert all(0 < share < 1 for share in shares[0])


@pytest.mark.parametrize(
    ("name", "settings"), [("nameless", ""), ("scaled", "units=16"), ("remembering", "units=16")]
)
def test_its_parameters_are_pulled_to_their_start_whatever_they_are_called(
    name: str, settings: str
):
    given = dict(network_settings=settings, optimizer="sgd", l2_init=20.0)  # η·λ is 1
    config = run_with(name, **given).config
    spec = program_spec.spec_of(config, (32,), 10, 200)
    lane, hyper = program_spec.init_lane(config, spec)
    start, _ = state.trained(lane.weights)
    away = jax.tree.map(lambda x: x + 1, start)
    nothing = jax.tree.map(jnp.zeros_like, start)
    moves, _ = spec.optimizer(hyper).update(nothing, lane.optimizer, away)
    assert len(jax.tree.leaves(moves)) >= 2
    for move in jax.tree.leaves(moves):
        np.testing.assert_allclose(move, -1.0, rtol=1e-5)


def test_no_module_is_told_with_where_it_was_looked_for(trained: Any):
    run = as_run(make_run({"network": "no_such_module_here:build", "dataset": "blobs"}))
    with pytest.raises(InputError, match="no module 'no_such_module_here'"):
        trained(run)


def test_units_that_died_are_those_that_the_masks_say(trained: Any):
    record = trained(run_with("mlp", width="12-6", learning_rate=0.3))
    for before, after in zip(record.history, record.history[1:], strict=False):
        for old, new in zip(before.layers, after.layers, strict=True):
            was, now = (unpack(layer.dead_units, layer.units) for layer in (old, new))
            assert new.deaths == int((now & ~was).sum())


def test_saved_weights_are_the_network_that_the_record_is_of(reluprobe: Any, tmp_path: Path):
    named = ["--network", "nets_of_a_test:remembering", "--network-settings", "units=16"]
    given = ["--dataset", "blobs", "--epochs", "1", *named, "--save-weights"]
    assert reluprobe("train", *given, "--out", str(tmp_path)).code == 0
    (file,) = tmp_path.rglob("*.json")
    record, network = rp.load(file.parents[1]).records[0], rp.load_network(file)
    blobs = data.load("blobs")
    right = network(blobs.test_inputs).argmax(axis=1) == blobs.test_targets
    assert right.mean() == pytest.approx(record.final.test_accuracy, abs=1e-6)
    seen = rp.inspect(network.module, blobs.train_inputs[:1000])
    for definition in ("dead", "dormant", "constant", "saturated"):
        shares = [layer.share(definition) for layer in seen.layers]
        assert shares == [getattr(layer, definition) for layer in record.final.layers]


def test_saved_weights_with_scalars_and_random_numbers_are_the_network_of_the_record(tmp_path):
    settings = vars(run_with("scaled", network_settings="units=16", epochs=1).config)
    wanted = ("network", "network_settings", "dataset", "epochs", "learning_rate")
    own = {name: settings[name] for name in wanted}
    record = rp.train(**own, out=tmp_path, name="s", save_weights="end")
    network = rp.load_network(tmp_path / "s" / "runs" / f"{record.id}.json")
    blobs = data.load("blobs")
    outputs = network(blobs.test_inputs)
    right = float((outputs.argmax(axis=1) == blobs.test_targets).mean())
    assert right == pytest.approx(record.final.test_accuracy)
    w = {name: np.asarray(array, np.float64) for name, array in network.weights.items()}
    assert w["scale"].shape == () and w["scale"] != 1.5
    deviation = np.sqrt(w["norm.var"] + 1e-5)
    x = (np.asarray(blobs.test_inputs) - w["norm.mean"]) / deviation
    hidden = np.tanh((x * w["norm.scale"] + w["norm.bias"]) @ w["up.kernel"] + w["up.bias"])
    by_hand = w["scale"] * (hidden @ w["out.kernel"] + w["out.bias"])
    np.testing.assert_allclose(outputs, by_hand, rtol=1e-3, atol=1e-4)
    # The module by itself drops nothing and takes the averages that it kept.
    alone = network.module(jnp.asarray(blobs.test_inputs))
    np.testing.assert_allclose(alone, outputs, rtol=1e-3, atol=1e-4)


def test_bfloat16_rounds_an_own_networks_products_or_is_refused(trained: Any):
    run = run_with("remembering", network_settings="units=8", precision="bfloat16")
    full, rounded = trained(run_with("remembering", network_settings="units=8")), trained(run)
    assert full.history[0].test_loss == rounded.history[0].test_loss
    assert full.final.test_loss != rounded.final.test_loss
    assert full.final.test_loss == pytest.approx(rounded.final.test_loss, rel=0.05)
    with pytest.raises(InputError, match="experts computes with ragged_dot_general"):
        program_spec.spec_of(run_with("experts", precision="bfloat16").config, (32,), 10, 99)
    program_spec.spec_of(run_with("experts").config, (32,), 10, 99)
