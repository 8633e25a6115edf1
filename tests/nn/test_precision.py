"""What products are computed in: training as the run says, every look in full float32."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reluprobe.born import engine as born
from reluprobe.config import make_born_dead, make_run
from reluprobe.config.choices import PRECISIONS
from reluprobe.engine import checks, evaluate, runner, train_step
from reluprobe.errors import InputError
from reluprobe.nn import precision
from training_segments import CLASSES, COUNT, FEATURES, segment_of, start_of

HIGH, HIGHEST = (jax.lax.Precision(n) for n in ("high", "highest"))
#: What a setting asks of XLA.
ASKED = {"float32": HIGHEST, "tf32": HIGH, "bfloat16": HIGHEST}
DEPTH = 3


def products(jaxpr: Any) -> Iterator[Any]:
    """The precision of every product in a traced program, those within loops and branches too."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            yield equation.params["precision"]
        for part in jax.tree.leaves(list(equation.params.values()), is_leaf=_is_jaxpr):
            if _is_jaxpr(part):
                yield from products(getattr(part, "jaxpr", part))


def _is_jaxpr(part: Any) -> bool:
    return hasattr(part, "eqns") or hasattr(part, "jaxpr")


@pytest.fixture(params=[None, "bfloat16", "tensorfloat32"], autouse=True)
def shell(request: pytest.FixtureRequest) -> Iterator[None]:
    """As JAX_DEFAULT_MATMUL_PRECISION has it."""
    with jax.default_matmul_precision(request.param):
        yield


@pytest.mark.parametrize("more", [{}, {"norm": "batch"}, {"revive": "redo"}], ids=str)
@pytest.mark.parametrize("name", PRECISIONS)
def test_training_computes_as_it_is_set_and_looks_in_float32(name: str, more: Any, arrays: Any):
    config = make_run(dict(depth=DEPTH, width=8, batch_size=16, precision=name) | more)
    lane, hyper, spec = start_of(config, FEATURES, CLASSES, COUNT)
    traced = jax.make_jaxpr(train_step.run_segment, static_argnums=0)
    counts = Counter(products(traced(spec, arrays, segment_of(1), lane, hyper).jaxpr))
    # Forward, to the weights, and to the inputs, which the data need not have.
    trained = 3 * (DEPTH + 1) - 1
    # Statistics or causes beside the pass over a split, and certificates.
    assert counts.keys() <= {(HIGHEST, HIGHEST), (ASKED[name],) * 2}
    if name == "tf32":
        assert counts[HIGH, HIGH] == trained
    assert counts[HIGHEST, HIGHEST] >= DEPTH + 1


def test_saved_activations_and_networks_born_dead_are_computed_in_float32(arrays: Any):
    config = make_run(dict(depth=DEPTH, width=8, precision="tf32"))
    lane, hyper, spec = start_of(config, FEATURES, CLASSES, COUNT)
    traced = jax.make_jaxpr(evaluate.outputs, static_argnums=(0, 4))
    saved = list(products(traced(spec, arrays, lane.weights, hyper, 9).jaxpr))
    drawn = make_born_dead({"depth": [DEPTH], "width": [4]})
    program = born._program.__wrapped__(drawn.run, 4, DEPTH)
    key, examples = jax.random.key(0), jnp.ones((2, 1))
    made = list(products(program.trace(key, examples, np.arange(3)).jaxpr))
    assert saved and made and set(saved + made) == {(HIGHEST, HIGHEST)}


def test_every_precision_has_a_name_of_jaxs():
    assert tuple(precision.PRODUCTS) == PRECISIONS


def device(capability: str | None) -> Any:
    return SimpleNamespace(device_kind="made", compute_capability=capability)


@pytest.mark.parametrize("capability", ["8.0", "8.9", "9.0", "10.0"])
def test_tf32_is_there_from_ampere_on(capability: str, run_of: Any):
    checks.check_precision([run_of(precision="tf32")], [device(capability)])


@pytest.mark.parametrize("capability", [None, "", "7.5", "gfx90a"])
def test_tf32_is_refused_where_a_device_has_none(capability: str | None, run_of: Any):
    runs = [run_of(), run_of(precision="tf32")]
    checks.check_precision(runs[:1], [device(capability)])
    with pytest.raises(InputError, match="precision = tf32 needs .* here is a made"):
        checks.check_precision(runs, [device("8.0"), device(capability)])


def test_tf32_is_refused_on_a_cpu_before_anything_is_loaded(run_of: Any):
    with pytest.raises(InputError, match="here is a cpu"):
        next(runner.execute([run_of(precision="tf32")], lambda name: pytest.fail("loaded")))
