"""Born dead: closed forms, simulation against them, RAI, the command."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from reluprobe.born import bounds, count, engine
from reluprobe.config import idle_settings, make_born_dead, make_run
from reluprobe.config.choices import INITS
from reluprobe.errors import InputError, ReluprobeError
from reluprobe.nn import initializers, mlp
from reluprobe.plan.runs import run_id


def vectors(n_in, n_out, seed=0):
    """RAI's vectors, a row a unit: n_in weights, then the bias."""
    weights, bias = initializers.rai(jax.random.key(seed), n_in, n_out)
    assert weights.shape == (n_in, n_out)
    assert bias.shape == (n_out,)
    return np.vstack([weights, bias]).T


def replaced(n_in, n_out, seed=0):
    """Which component of each unit is the Beta draw: the one that n_out alone does not move."""
    key = jax.random.key(seed)
    normal = jax.random.normal(jax.random.split(key, 3)[0], (n_in + 1, n_out))
    normal = np.asarray(normal) * np.float32(0.6007 / np.sqrt(n_in))
    return ~np.isclose(vectors(n_in, n_out, seed), normal.T, rtol=1e-5)


@pytest.mark.parametrize("n_in", [1, 7])
def test_rai_replaces_one_component_of_every_unit_each_as_often(n_in):
    chosen = replaced(n_in, 20_000)
    assert (chosen.sum(axis=1) == 1).all()
    share, expected = chosen.mean(axis=0), 1 / (n_in + 1)
    assert np.abs(share - expected).max() < 4 * np.sqrt(expected * (1 - expected) / 20_000)


def test_rai_draws_beta_and_normal_components():
    drawn, chosen = vectors(7, 20_000), replaced(7, 20_000)
    beta, normal = drawn[chosen], drawn[~chosen]
    assert beta.min() >= 0
    assert beta.max() <= 1
    assert beta.mean() == pytest.approx(2 / 3, abs=4 * np.sqrt(1 / 18 / beta.size))
    assert beta.var() == pytest.approx(1 / 18, rel=0.05)
    deviation = 0.6007 / np.sqrt(7)
    assert normal.mean() == pytest.approx(0, abs=4 * deviation / np.sqrt(normal.size))
    assert normal.std() == pytest.approx(deviation, rel=0.01)


def test_a_network_with_rai_has_drawn_biases_in_every_layer():
    config = make_run({"init": "rai", "depth": 2, "width": 16})
    network = mlp.make(config, 5, 3, nnx.Rngs(0))
    for layer in (*network.hidden, network.output):
        assert np.all(layer.bias[...] != 0)
    again = mlp.make(config, 5, 3, nnx.Rngs(0))
    assert np.array_equal(network.hidden[1].kernel[...], again.hidden[1].kernel[...])


def test_bias_init_has_no_effect_with_rai():
    plain, biased = make_run({"init": "rai"}), make_run({"init": "rai", "bias_init": 0.5})
    assert run_id(plain) == run_id(biased)
    (reason,) = idle_settings({"init": "rai", "bias_init": 0.5})
    assert reason == "bias_init has no effect with init = rai"
    assert make_run({"bias_init": 0.5}).bias_init == 0.5


def test_rai_changes_no_other_run():
    """The default run's id, and its weights as the library's initializer alone draws them."""
    config = make_run({})
    assert run_id(config) == "r44136fa355b3"
    network = mlp.make(config, 784, 10, nnx.Rngs(jax.random.key(42)))
    rngs = nnx.Rngs(jax.random.key(42))
    glorot = jax.nn.initializers.glorot_uniform()
    for layer in (*network.hidden, network.output):
        expected = glorot(rngs.params(), layer.kernel.shape, np.float32)
        rngs.params()  # the bias's key
        assert np.array_equal(layer.kernel[...], expected)
        assert not np.any(layer.bias[...])


@pytest.mark.parametrize("init", INITS)
def test_every_init_draws_a_layer(init):
    config = make_run({"init": init, **({} if init == "rai" else {"bias_init": 0.25})})
    weights, bias = initializers.layer_initializer(config)(jax.random.key(1), 6, 4)
    alone = initializers.initializer(config)(jax.random.key(1), (6, 4), np.float32)
    assert np.array_equal(weights, alone)
    assert weights.dtype == bias.dtype == np.float32
    assert init == "rai" or np.all(np.asarray(bias) == 0.25)


def dead_share(depth, width, networks=20_000, **settings):
    config = make_born_dead(
        {"depth": [depth], "width": [width], "networks": networks, "seed": 3} | settings
    )
    return float((engine.first_silent(config, width) <= depth).mean())


def error(probability, networks=20_000):
    """Four standard errors of a simulated probability, one network at least."""
    return 4 * np.sqrt(probability * (1 - probability) / networks) + 1 / networks


@pytest.mark.parametrize(
    ("depth", "width", "probability"),
    [(1, 1, 0), (1, 5, 0), (2, 1, 1 / 2), (2, 2, 5 / 32), (2, 3, 11 / 256), (6, 1, 31 / 32)],
)
def test_exact_values(depth, width, probability):
    assert bounds.exact(depth, width) == pytest.approx(probability, abs=1e-15)


def test_the_bounds_enclose_what_is_known_and_meet_where_the_chain_is_exact():
    for depth in (1, 2, 3, 5, 10, 50):
        for width in (1, 2, 3, 4, 8, 16):
            low, high = bounds.lower(depth, width), bounds.upper(depth, width)
            assert -1e-12 <= low <= high <= 1
            known = bounds.exact(depth, width)
            if known is not None:
                assert low == pytest.approx(known, abs=1e-12)


@pytest.mark.parametrize("width", [2, 3, 5])
def test_the_lower_bound_is_the_chain_that_it_is_derived_from(width):
    """Two rays: apart, alone, dead. Powers of the transition matrix against the closed form."""
    silent = 2.0**-width
    apart = 1 - 2 * silent + silent**2 - width * silent**2
    alone = 1 - apart - silent**2
    chain = np.array([[apart, alone, silent**2], [0, 1 - silent, silent], [0, 0, 1]])
    start = np.array([1 - 2 * silent, 2 * silent, 0])
    for depth in (1, 2, 3, 7, 30):
        dead = (start @ np.linalg.matrix_power(chain, depth - 1))[2]
        assert bounds.lower(depth, width) == pytest.approx(dead, abs=1e-12)


@pytest.mark.parametrize(("init", "width"), [("he_normal", 1), ("he_normal", 3), ("uniform", 2)])
def test_simulation_agrees_with_the_closed_forms(init, width):
    config = make_born_dead(
        {"depth": [1, 2, 4, 12], "width": width, "init": init, "networks": 20_000, "seed": 5}
    )
    silent = engine.first_silent(config, width)
    for depth in config.depth:
        share = (silent <= depth).mean()
        low, known, high = bounds.known(config, depth, width)
        assert low - error(low) <= share <= high + error(high)
        if known is not None:
            assert abs(share - known) <= error(known)


@pytest.mark.parametrize(("depth", "inputs", "init"), [(3, 1, "he_normal"), (4, 3, "orthogonal")])
def test_a_single_input_meets_the_upper_bound(depth, inputs, init):
    """Also with orthogonal weights, which turn one input into any direction alike."""
    share = dead_share(depth, 3, examples=1, inputs=inputs, init=init)
    expected = bounds.upper(depth, 3)
    assert abs(share - expected) <= error(expected)


def test_orthogonal_rays_never_die_together():
    """Why no bound is given for orthogonal weights: apart → dead has probability 0, not 4^−N."""
    share = dead_share(2, 2, init="orthogonal")
    assert abs(share - 1 / 8) <= error(1 / 8)


def test_more_dimensions_are_harder_to_kill():
    """So the lower bound, for one dimension, is given for one dimension only."""
    share = dead_share(2, 2, inputs=3, examples=200)
    assert share < bounds.lower(2, 2) - error(bounds.lower(2, 2))
    config = make_born_dead({"inputs": 3})
    assert bounds.known(config, 2, 2) == (None, None, bounds.upper(2, 2))


@pytest.mark.parametrize(
    "settings",
    [
        {"init": "rai"},
        {"init": "orthogonal"},
        {"bias_init": 0.1},
        {"bias_init": -1e-9},
        {"init": "normal", "init_scale": 0.0},
    ],
)
def test_what_the_theorem_does_not_cover_has_no_bound(settings):
    assert bounds.known(make_born_dead(settings), 3, 2) == (None, None, None)


def test_rai_is_born_dead_far_less_often():
    share = dead_share(4, 2, networks=400, init="rai", examples=50)
    assert share < bounds.lower(4, 2) / 4


def outputs(config, width, number):
    """The reference: one network's last hidden activations, layer by layer in NumPy."""
    key = jax.random.fold_in(jax.random.key(config.seed), width)
    own = jax.random.fold_in(key, number)
    draw = initializers.layer_initializer(config.run)
    hidden = np.asarray(engine.inputs(config), np.float64)
    for layer in range(config.depth[0]):
        n_in = hidden.shape[1]
        weights, bias = draw(jax.random.fold_in(own, layer), n_in, width)
        hidden = np.maximum(hidden @ np.asarray(weights) + np.asarray(bias), 0)
    return hidden


@pytest.mark.parametrize(
    "settings",
    [{"inputs": 2}, {"bias_init": -0.05}, {"init": "rai"}],
)
def test_a_silent_layer_and_a_constant_output_are_the_same_networks(settings):
    config = make_born_dead({"depth": [4], "width": 2, "networks": 400, "examples": 50} | settings)
    silent = engine.first_silent(config, 2)[:40] <= 4
    last = [outputs(config, 2, number) for number in range(40)]
    constant = np.array([np.ptp(hidden, axis=0).max() <= 1e-12 for hidden in last])
    assert np.array_equal(silent, constant)


def test_a_positive_bias_alone_never_dies_and_a_large_negative_one_always():
    for bias, dead in ((3.0, 0), (-3.0, 1)):
        settings = {"init": "normal", "bias_init": bias, "examples": 20}
        assert dead_share(1, 2, networks=500, **settings) == dead


def test_a_cell_is_the_same_alone_in_any_grid_and_in_any_batch():
    base = {"networks": 501, "seed": 9}
    config = make_born_dead(base | {"depth": [2, 4], "width": [2, 3]})
    alone = make_born_dead(base | {"depth": [2], "width": [3]})
    among = [c for c in count.measure(config).cells if (c.depth, c.width) == (2, 3)]
    assert tuple(among) == count.measure(alone).cells
    whole = engine.first_silent(config, 3)
    assert np.array_equal(whole, engine.first_silent(config, 3, batch=64))
    other = engine.first_silent(make_born_dead(base | {"seed": 10, "depth": [2, 4]}), 3)
    assert not np.array_equal(whole, other)


def test_on_a_line_with_zero_bias_two_examples_are_as_good_as_a_thousand(monkeypatch):
    config = make_born_dead({"depth": [6], "width": 2, "networks": 1000})
    assert len(engine.directions(engine.inputs(config), config)) == 2
    short = engine.first_silent(config, 2)
    monkeypatch.setattr(engine, "directions", lambda examples, _: examples)
    assert np.array_equal(short, engine.first_silent(config, 2))


def test_small_weights_do_not_underflow_into_death():
    """0.001 per layer leaves float32 after a dozen layers; the sign of a network stays."""
    settings = {"depth": [40], "width": 6, "init": "normal", "networks": 2000}
    small = engine.first_silent(make_born_dead(settings | {"init_scale": 0.001}), 6)
    plain = engine.first_silent(make_born_dead(settings | {"init_scale": 1.0}), 6)
    assert (small != plain).mean() < 0.005  # rounding may turn a sum that is almost 0
    assert 0.1 < (small <= 40).mean() < 0.9


def test_weights_too_large_are_refused():
    config = make_born_dead({"init": "normal", "init_scale": 1e38, "networks": 50, "width": 8})
    with pytest.raises(ReluprobeError, match="too large"):
        engine.first_silent(config, 8)


def test_a_layer_that_is_minus_infinity_is_not_silent_but_not_finite():
    weights = jnp.full((4, 2), -3e38), jnp.zeros(2)
    _, top = engine._layer(weights, jnp.ones((3, 4)), jnp.ones(3))
    assert np.isnan(top)


def test_inputs_come_in_mirror_images():
    config = make_born_dead({"inputs": 3, "examples": 2001})
    inputs = engine.inputs(config)
    assert inputs.shape == (2001, 3)
    assert np.array_equal(inputs[0:2000:2], -inputs[1:2000:2])
    assert (inputs**2).mean() == pytest.approx(1, abs=0.05)
    assert np.abs(inputs).max() <= np.sqrt(3)


def test_every_fault_is_found_at_once():
    with pytest.raises(InputError) as caught:
        make_born_dead({"depth": [0, "x"], "width": [2000], "init": "he_norml", "networks": 0})
    text = "\n".join(caught.value.faults)
    for part in ("depth = 0", "depth = 'x'", "width = 2000", "<= 1024", "networks = 0"):
        assert part in text
    assert "did you mean 'he_normal'?" in text
    with pytest.raises(InputError) as caught:
        make_born_dead({"init": "rai", "bias_init": 0.5, "init_scale": 2.0})
    assert len(caught.value.faults) == 2


SMALL = ["--depth", "2,3", "--width", "3,2", "--networks", "400"]


def test_the_command_shows_a_table_what_was_drawn_and_the_next_command(reluprobe, tmp_path):
    code, out, err = reluprobe("born-dead", *SMALL)
    assert code == 0, err
    rows = [line.split() for line in out.splitlines() if line[:6].strip().isdigit()]
    assert [row[:2] for row in rows] == [["2", "2"], ["2", "3"], ["3", "2"], ["3", "3"]]
    (file,) = (tmp_path / "results" / "born-dead").iterdir()
    cells = json.loads(file.read_text())["cells"]
    assert [row[2] for row in rows] == [f"{100 * c['probability']:.2f}" for c in cells]
    assert rows[0][4:] == ["15.62", "15.62", "43.75"]
    assert rows[2][5] == "n/a"
    text = " ".join(out.split())
    assert "400 networks a width, he_normal, bias 0, 1,000 examples of 1 input, seed 42" in text
    assert f"wrote results/born-dead/{file.name}" in text
    assert "next: reluprobe born-dead --depth 2,3 --width 2,3 --init rai" in text
    assert max(map(len, out.splitlines())) <= 80


def test_json_is_what_is_written_and_standard(reluprobe, tmp_path):
    args = ["--depth", "3,4", "--width", "2", "--networks", "400", "--examples", "50"]
    code, out, err = reluprobe("born-dead", *args, "--json", "--init", "rai", "--out", "o")
    assert code == 0, err
    printed = json.loads(out)
    (file,) = (tmp_path / "o" / "born-dead").iterdir()
    assert json.loads(file.read_text()) == printed
    assert file.stem == printed["id"]
    assert printed["schema"] == "reluprobe/born-dead/1"
    assert printed["config"]["depth"] == [3, 4]
    assert printed["config"]["init"] == "rai"
    for cell in printed["cells"]:
        assert cell["low"] <= cell["probability"] == cell["dead"] / 400 <= cell["high"]
        assert cell["lower"] is cell["exact"] is cell["upper"] is None


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["--init", "he_norml"], ["init = 'he_norml'", "mean 'he_normal'?"]),
        (["--depth", "2,three", "--width", "0"], ["depth = 'three'", "width = 0", ">= 1"]),
        (["--depth", ","], ["depth = []", "at least one value"]),
        (["--networks", "many"], ["networks = 'many'", "an integer >= 1"]),
        (["--init", "rai", "--bias-init", "1"], ["bias_init has no effect with init = rai"]),
        (["--init-scale", "2"], ["only with init = normal or uniform"]),
    ],
)
def test_bad_input_leaves_with_two_and_writes_nothing(reluprobe, tmp_path, args, parts):
    code, out, err = reluprobe("born-dead", *args)
    assert code == 2
    assert out == ""
    for part in parts:
        assert part in " ".join(err.split())
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
