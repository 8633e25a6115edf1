"""Networks of every framework become functions of their parameters, which others can replace."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

from reluprobe.errors import InputError
from reluprobe.foreign.models import opening, parameters
from reluprobe.foreign.models.network import Keywords, guarded

BATCH = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)


def check_runs(network, batch):
    """Trace the network, which computes nothing; what it raises is an InputError."""
    jax.eval_shape(guarded(network), network.params, batch)


class Nnx(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(3, 4, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.drop(nnx.relu(self.first(x)))


class Linen(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dense(2)(linen.relu(linen.Dense(4)(x)))


@pytest.fixture(scope="module")
def weights():
    return {"w": jnp.ones((3, 4)), "b": jnp.arange(4.0)}


def dense(params, x):
    return jax.nn.relu(x @ params["w"] + params["b"][None])


def nothing(params):
    return jax.tree.map(jnp.zeros_like, params)


def closures(weights):
    """Functions of a batch alone over the same parameters."""
    bound = functools.partial(dense, weights)

    def over(x):
        return dense(weights, x)

    def example(x):
        return jax.nn.relu(x @ weights["w"] + weights["b"])

    yield from (bound, over, lambda x: over(x), jax.vmap(example), jax.jit(over))


def test_arrays_that_a_function_closes_over_are_its_parameters(weights):
    for function in closures(weights):
        network = opening.as_network(function)
        assert sorted(parameters.by_path(network.params)) == ["b", "w"]
        check_runs(network, BATCH)
        expected = dense(weights, BATCH)
        np.testing.assert_array_equal(network.function(network.params, BATCH), expected)
        other = network.read(nothing(weights))
        assert not np.any(network.function(other, BATCH))


def test_parameters_out_of_reach_are_never_kept_in_silence(weights):
    inner = jax.jit(lambda x: dense(weights, x))
    network = opening.as_network(lambda x: inner(x) + 1)
    check_runs(network, BATCH)
    network.read(weights)
    with pytest.raises(InputError, match="cannot put other parameters"):
        network.read(nothing(weights))


def test_an_nnx_module_takes_its_state_in_every_form():
    model = Nnx(nnx.Rngs(0))
    model.eval()
    network = opening.as_network(model)
    check_runs(network, BATCH)
    state = jax.tree.map(lambda x: x * 0, nnx.state(model, nnx.Param))
    flat = parameters.by_path(state)
    for given in (state, nnx.to_pure_dict(state), flat):
        assert not np.any(network.function(network.read(given), BATCH))
    same = network.function(network.read(model), BATCH)
    np.testing.assert_array_equal(same, model(BATCH))


def test_dropout_that_is_on_is_said():
    model = Nnx(nnx.Rngs(0))
    assert "dropout is on in drop" in opening.as_network(model).notes[0]
    model.eval()
    assert not opening.as_network(model).notes


def test_a_linen_module_takes_its_variables():
    variables = Linen().init(jax.random.key(0), BATCH)
    network = opening.as_network(Linen(), variables)
    np.testing.assert_array_equal(
        network.function(network.params, BATCH), Linen().apply(variables, BATCH)
    )
    with pytest.raises(InputError, match="no parameters of its own"):
        opening.as_network(Linen())


def test_an_equinox_module_is_mapped_over_examples():
    eqx = pytest.importorskip("equinox")
    model = eqx.nn.MLP(3, 2, 8, 2, key=jax.random.key(0))
    for given in (model, jax.vmap(model), eqx.filter_vmap(model)):
        network = opening.as_network(given)
        check_runs(network, BATCH)
        assert "layers.0.weight" in parameters.by_path(network.params)
        zero = jax.tree.map(lambda leaf: leaf * 0 if eqx.is_array(leaf) else leaf, model)
        assert not np.any(network.function(network.read(zero), BATCH))


def test_inputs_that_have_names_are_arguments(weights):
    def function(params, x, scale):
        return dense(params, x * scale)

    network = opening.as_network(function, weights)
    batch = Keywords(x=BATCH, scale=np.zeros((5, 1), np.float32))
    result = jax.jit(network.function)(weights, batch)
    np.testing.assert_array_equal(result, np.tile(np.arange(4.0), (5, 1)))


@pytest.mark.parametrize(
    "given, words",
    [
        ({"w": np.ones((3, 4))}, "b: missing"),
        ({"w": np.ones((3, 5)), "b": np.ones(4)}, "w: got shape (3, 5), expected (3, 4)"),
        ({"w": np.ones((3, 4)), "bias": np.ones(4)}, "bias: the network has none"),
        ({"w": np.ones((3, 4)), "b": np.array(["a"] * 4)}, "got values of"),
        (None, "missing"),
    ],
)
def test_other_parameters_are_refused(weights, given, words):
    network = opening.as_network(dense, weights)
    with pytest.raises(InputError) as refused:
        network.read(given)
    assert words in str(refused.value)


def test_what_a_network_raises_is_said_in_lines(weights):
    network = opening.as_network(dense, weights)
    with pytest.raises(InputError) as refused:
        check_runs(network, np.ones((5, 7), np.float32))
    assert "test_opening.py:" in str(refused.value)
    assert "float32 (5, 7)" in str(refused.value)
    assert len(str(refused.value).splitlines()) <= 5


@pytest.mark.parametrize("given", [3, {"a": 1}, object()])
def test_what_is_no_network_is_refused(given):
    with pytest.raises(InputError, match="cannot look into this"):
        opening.as_network(given)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A module of somebody's, in the working directory."""
    (tmp_path / "somebodys_net.py").write_text(
        "import jax, jax.numpy as jnp\n"
        "from flax import nnx\n"
        "def build():\n    return nnx.Linear(3, 4, rngs=nnx.Rngs(0))\n"
        "def pair():\n    return (lambda p, x: jax.nn.relu(x @ p['w'])), {'w': jnp.ones((3, 4))}\n"
        "def broken():\n    raise RuntimeError('no GPU')\n"
        "def number():\n    return 3\n"
    )
    (tmp_path / "somebodys_broken.py").write_text("import no_such_library\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("package")
def test_a_function_builds_a_network():
    for name in ("build", "pair"):
        network = opening.built(f"somebodys_net:{name}")
        assert network.called == "somebodys_net"
        check_runs(network, BATCH)


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    "reference, words",
    [
        ("no_such_module:build", "no module 'no_such_module'"),
        ("somebodys_net:biuld", "did you mean 'build'"),
        ("somebodys_net:broken", "RuntimeError: no GPU"),
        ("somebodys_net:number", "cannot look into this"),
        ("somebodys_broken:build", "No module named 'no_such_library'"),
    ],
)
def test_what_cannot_be_built_is_said(reference, words):
    with pytest.raises(InputError) as refused:
        opening.built(reference)
    assert words in str(refused.value)
