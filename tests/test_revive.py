"""Reviving: what each kind does to weights and to the optimizer's state, and when it is done."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reluprobe import blueprint, data, grid, probe, records, revive, rhythm, state, sweep, updates
from reluprobe.config import make_run, names, phases

FEATURES, CLASSES, COUNT, DEPTH, WIDTH = 5, 3, 40, 2, 8
SMALL: dict[str, Any] = dict(depth=DEPTH, width=WIDTH, batch_size=16, probe_examples=20, seed=3)
Start = tuple[state.Lane, state.Numbers, blueprint.Blueprint]
redraw = jax.jit(revive.redraw_units, static_argnums=0)


def start(**settings: Any) -> Start:
    config = make_run(SMALL | {"revive": "redo"} | settings)
    lane, numbers, plan = blueprint.init_lane(config, FEATURES, CLASSES, COUNT)
    return lane, numbers, plan.fixed(config)


def network_of(plan: blueprint.Blueprint, weights: Any) -> Any:
    return nnx.merge(plan.graph, weights, copy=True)


def arrays_of(network: Any) -> dict[str, np.ndarray]:
    """Every array of a network by a plain name: ``hidden.0.kernel``."""
    flat = jax.tree_util.tree_leaves_with_path(nnx.state(network))
    named = {
        ".".join(str(n) for n in updates.names_of(path) if n is not None): x for path, x in flat
    }
    return {name.removesuffix(".value"): np.asarray(x) for name, x in named.items()}


def moved(lane: state.Lane, numbers: state.Numbers, plan: blueprint.Blueprint) -> state.Lane:
    """The lane after two steps down random gradients: every weight has moments."""
    params, rest = state.trained(lane.weights)
    optimizer, opt = plan.optimizer(numbers), lane.optimizer
    rng = np.random.default_rng(0)
    for _ in range(2):
        gradient = jax.tree.map(
            lambda p: jnp.asarray(rng.standard_normal(p.shape), jnp.float32), params
        )
        moves, opt = optimizer.update(gradient, opt, params)
        params = optax.apply_updates(params, moves)
    return lane._replace(weights=nnx.merge_state(params, rest), optimizer=opt)


def touched_by(chosen: np.ndarray, outputs: int = 1) -> dict[str, np.ndarray]:
    """Which weights a re-draw of these units touches; ``outputs`` values a unit."""
    found = {}
    for i in range(len(chosen) + 1):
        given_ = np.tile(chosen[i - 1], outputs) if i else np.zeros(FEATURES, bool)
        mine = chosen[i] if i < len(chosen) else np.zeros(CLASSES, bool)
        place = f"hidden.{i}" if i < len(chosen) else "output"
        found[f"{place}.kernel"] = given_[:, None] | mine[None]
        found[f"{place}.bias"] = mine
    return found


SOME = np.random.default_rng(4).random((DEPTH, WIDTH)) < 0.4


# --- redo: the network's outputs ---------------------------------------------------------------


@pytest.fixture(scope="module")
def killer() -> Callable[..., tuple[np.ndarray, ...]]:
    """A network whose chosen units are dead, its outputs before and after their re-draw."""
    lane, numbers, plan = start(init="he_normal")
    inputs = jax.random.normal(jax.random.key(1), (30, FEATURES))
    look = jax.jit(lambda weights: plan.run(inputs, weights, numbers))

    def kill(chosen: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        network = network_of(plan, lane.weights)
        for layer, unit in zip(network.hidden, chosen, strict=True):
            layer.bias[...] = jnp.where(unit, -1000.0, 0.3)
        killed = lane._replace(weights=nnx.state(network))
        after, count = redraw(plan, killed, jnp.asarray(chosen), jax.random.key(seed))
        outputs, z = look(killed.weights)
        again, moved_z = look(after.weights)
        return tuple(map(np.asarray, (outputs, again, z, moved_z, count)))

    return kill


@settings(max_examples=25)
@given(pattern=st.integers(0, 2 ** (DEPTH * WIDTH) - 1), seed=st.integers(0, 99))
def test_dead_units_drawn_anew_change_no_bit_of_the_outputs(killer: Any, pattern: int, seed: int):
    bits = [bool(pattern >> i & 1) for i in range(DEPTH * WIDTH)]
    chosen = np.array(bits).reshape(DEPTH, WIDTH)  # in layers side by side too
    before, after, z, moved_z, count = killer(chosen, seed)
    assert ((z <= 0).all(axis=1) >= chosen).all()
    assert before.tobytes() == after.tobytes()
    np.testing.assert_array_equal(count, chosen.sum(axis=1))
    alive = ~chosen
    for layer in range(DEPTH):
        np.testing.assert_array_equal(z[layer][:, alive[layer]], moved_z[layer][:, alive[layer]])
    assert (moved_z[0] > 0).any(axis=0)[chosen[0]].all()  # alive again


# --- redo: weights -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"activation": "crelu"},
        {"init": "rai", "activation": "prelu"},
        {"use_bias": False},
        {"init": "normal", "init_scale": 2.0, "weight_gain": 3.0, "bias_init": 0.7},
    ],
    ids=str,
)
def test_incoming_weights_are_drawn_outgoing_are_zero_and_all_else_stays(changed: Any):
    lane, numbers, plan = start(**changed)
    lane = moved(lane, numbers, plan)
    after, _ = redraw(plan, lane, jnp.asarray(SOME), jax.random.key(0))
    before, now = (arrays_of(network_of(plan, x.weights)) for x in (lane, after))
    outputs = 2 if changed.get("activation") == "crelu" else 1
    masks = touched_by(SOME, outputs)
    assert before.keys() == now.keys()
    for name, old in before.items():
        mask = masks.get(name, np.zeros(old.shape, bool))
        np.testing.assert_array_equal(now[name][~mask], old[~mask], name)
        if name.endswith("bias"):
            assert not now[name][mask].any()
            continue
        if not mask.any():
            continue
        layer = DEPTH if name.startswith("output") else int(name.split(".")[1])
        zero = np.zeros(old.shape, bool)
        zero[np.tile(SOME[layer - 1], outputs) if layer else slice(0)] = True
        assert not now[name][zero].any()
        fresh = mask & ~zero
        assert (now[name][fresh] != old[fresh]).all() and (now[name][fresh] != 0).all()


KS = {
    "glorot_uniform": lambda i, o: stats.uniform(-np.sqrt(6 / (i + o)), 2 * np.sqrt(6 / (i + o))),
    "he_uniform": lambda i, o: stats.uniform(-np.sqrt(6 / i), 2 * np.sqrt(6 / i)),
    "lecun_normal": lambda i, o: stats.truncnorm(-2, 2, 0, np.sqrt(1 / i) / 0.87962566103423978),
    "normal": lambda i, o: stats.norm(0, 0.3),
    "uniform": lambda i, o: stats.uniform(-0.3, 0.6),
}


@pytest.mark.parametrize("init", KS)
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_weights_are_drawn_from_the_distribution_of_the_init(init: str, gain: float):
    scale = {"init_scale": 0.3} if init in ("normal", "uniform") else {}
    config = make_run(
        dict(depth=1, width=600, init=init, weight_gain=gain, revive="redo", optimizer="sgd")
        | scale
    )
    lane, _, plan = blueprint.init_lane(config, 7, 2, 10)
    chosen = np.arange(600)[None] % 2 == 0
    after, _ = revive.redraw_units(plan, lane, jnp.asarray(chosen), jax.random.key(5))
    drawn = network_of(plan, after.weights).hidden[0].kernel[...][:, chosen[0]]
    assert stats.kstest(np.asarray(drawn).ravel() / gain, KS[init](7, 600).cdf).pvalue > 1e-4


def test_a_batch_norms_scale_shift_and_averages_start_again():
    lane, numbers, plan = start(norm="batch")
    lane = moved(lane, numbers, plan)
    network = network_of(plan, lane.weights)
    for norm in network.norms:
        norm.mean[...], norm.var[...] = jnp.full(WIDTH, 2.0), jnp.full(WIDTH, 5.0)
    lane = lane._replace(weights=nnx.state(network))
    after, _ = redraw(plan, lane, jnp.asarray(SOME), jax.random.key(0))
    again = network_of(plan, after.weights)
    for i, (old, new) in enumerate(zip(network.norms, again.norms, strict=True)):
        for name, first in (("scale", 1), ("bias", 0), ("mean", 0), ("var", 1)):
            was, found = (np.asarray(getattr(norm, name)[...]) for norm in (old, new))
            np.testing.assert_array_equal(found, np.where(SOME[i], first, was), name)


# --- redo: the optimizer -----------------------------------------------------------------------


def parts_like(opt: Any, params: Any) -> list[Any]:
    """Every tree like the weights within an optimizer's state."""
    like = jax.tree.structure(params)
    leaves = jax.tree.leaves(opt, is_leaf=lambda x: jax.tree.structure(x) == like)
    return [x for x in leaves if jax.tree.structure(x) == like]


@pytest.mark.parametrize(("optimizer", "parts"), [("adamw", 4), ("momentum", 1), ("rmsprop", 1)])
def test_what_the_optimizer_remembers_of_touched_weights_is_zero(optimizer: str, parts: int):
    lane, numbers, plan = start(optimizer=optimizer, warmup_steps=2)
    lane = moved(lane, numbers, plan)
    after, _ = redraw(plan, lane, jnp.asarray(SOME), jax.random.key(0))
    params, _ = state.trained(lane.weights)
    before, now = (parts_like(x.optimizer, params) for x in (lane, after))
    assert len(before) == len(now) == parts
    for was, found in zip(before, now, strict=True):
        old, new = (arrays_of(network_of(plan, x)) for x in (was, found))
        for name, mask in touched_by(SOME).items():
            assert (old[name] != 0).all()
            np.testing.assert_array_equal(new[name], np.where(mask, 0, old[name]), name)

    # The schedule's step is not a weight's, and stays.
    def others(opt: Any) -> list[Any]:
        return [int(x) for x in jax.tree.leaves(opt) if jnp.ndim(x) == 0]

    assert others(after.optimizer) == others(lane.optimizer) and 2 in others(lane.optimizer)


def numpy_adam(gradients: np.ndarray, b1: float, b2: float, eps: float) -> np.ndarray:
    m = v = np.zeros(gradients.shape[1:])
    found = []
    for t, g in enumerate(np.float64(gradients), start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        found.append(m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps))
    return np.stack(found)


@settings(max_examples=10)
@given(seed=st.integers(0, 999), reset=st.integers(1, 9))
def test_an_aged_adam_is_adam_and_starts_again_where_it_is_reset(seed: int, reset: int):
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal((12, 6)).astype(np.float32)
    mask = rng.random(6) < 0.5
    aged, plain = updates.scale_by_aged_adam(0.9, 0.999, 1e-7), optax.scale_by_adam(eps=1e-7)
    params = {"kernel": jnp.zeros(6)}
    own, untouched, theirs = aged.init(params), aged.init(params), plain.init(params)
    found, kept, expected = [], [], []
    for t, g in enumerate(gradients):
        if t == reset:
            own = updates.reset(own, params, {"kernel": jnp.asarray(mask)})
        for opt, into in ((aged, found), (plain, expected)):
            move, new = opt.update({"kernel": jnp.asarray(g)}, own if opt is aged else theirs)
            own, theirs = (new, theirs) if opt is aged else (own, new)
            into.append(move["kernel"])
        move, untouched = aged.update({"kernel": jnp.asarray(g)}, untouched)
        kept.append(move["kernel"])
    np.testing.assert_allclose(np.stack(kept), np.stack(expected), rtol=1e-4, atol=1e-6)
    whole = numpy_adam(gradients, 0.9, 0.999, 1e-7)
    fresh = numpy_adam(gradients[reset:], 0.9, 0.999, 1e-7)
    right = np.concatenate([whole[:reset], np.where(mask, fresh, whole[reset:])])
    np.testing.assert_allclose(np.stack(found), right, rtol=2e-3, atol=1e-5)


# --- which units -------------------------------------------------------------------------------


def tally_of(mean: np.ndarray) -> probe.Tally:
    examples = 50
    whole = probe.empty(*mean.shape)
    return whole._replace(total=jnp.asarray(mean * examples), examples=jnp.float32(examples))


@settings(max_examples=20)
@given(seed=st.integers(0, 999), threshold=st.sampled_from([None, 0.0, 0.1, 0.5, 1.0]))
def test_dormant_is_a_score_over_the_layers_mean_at_or_below_tau(seed: int, threshold: Any):
    rng = np.random.default_rng(seed)
    mean = np.float32(rng.exponential(size=(2, WIDTH)) ** 3)  # its median is far below its mean
    mean[:, 0] = 0
    dial = {} if threshold is None else {"revive_threshold": threshold}
    _, numbers, plan = start(depth=2, revive_definition="dormant", **dial)
    scores = mean / mean.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(scores.mean(axis=1), 1, rtol=1e-6)
    tau = 0.025 if threshold is None else threshold
    clear = np.abs(scores - tau) > 1e-5  # neither side of a rounding error
    got = np.asarray(revive.marks(plan, numbers, tally_of(mean)))
    np.testing.assert_array_equal(got[clear], (scores <= tau)[clear])
    assert got[:, 0].all()


@pytest.mark.parametrize("definition", names.DEFINITIONS)
def test_the_units_marked_are_those_of_the_chosen_definition(definition: str):
    _, numbers, plan = start(revive_definition=definition, depth=1, activation="relu6")
    _, kinds = probe.UnitStatistics, 6
    own = np.zeros(kinds, bool)
    own[names.DEFINITIONS.index(definition)] = True
    flat = probe.empty(1, kinds)
    named = {n: own[None] & (n == definition) for n in ("dead", "silent", "never_positive")}
    named |= {"saturated": own[None] & (definition == "saturated")}
    same = own[None] & (definition == "constant")
    mean = np.where(own & (definition == "dormant"), 0.0, 1.0)[None]
    tally = flat._replace(
        **{n: jnp.asarray(x) for n, x in named.items()},
        highest=jnp.where(jnp.asarray(same), 2.0, 3.0),
        lowest=jnp.full((1, kinds), 2.0),
        total=jnp.asarray(mean, jnp.float32),
        examples=jnp.float32(1),
    )
    np.testing.assert_array_equal(revive.marks(plan, numbers, tally), own[None])


def test_where_no_unit_is_picked_out_none_is_marked():
    for how in ("none", "redraw", "shrink_perturb"):
        lane, numbers, plan = start(revive=how)
        assert lane.marks is None
        assert revive.marks(plan, numbers, tally_of(np.ones((DEPTH, WIDTH)))) is None


def test_random_takes_as_many_of_each_layer_and_any_of_them():
    marks = jnp.arange(WIDTH)[None] < jnp.array([0, 1, 3, WIDTH])[:, None]
    keys = jax.random.split(jax.random.key(0), 4000)
    drawn = np.asarray(jax.jit(jax.vmap(lambda key: revive.as_many(marks, key)))(keys))
    np.testing.assert_array_equal(drawn.sum(axis=2), np.tile([0, 1, 3, WIDTH], (4000, 1)))
    shares = drawn.mean(axis=0)
    for layer, count in ((1, 1), (2, 3)):
        chance = count / WIDTH
        assert np.abs(shares[layer] - chance).max() < 5 * np.sqrt(chance * (1 - chance) / 4000)
    # Two places of one layer are drawn without replacement: both with chance 3/8 · 2/7.
    assert abs(drawn[:, 2, :2].all(axis=1).mean() - 6 / 56) < 0.025


# --- redraw, shrink_perturb --------------------------------------------------------------------


def section_at(epoch: int, revives: bool = True) -> state.Section:
    place = jnp.int32(epoch), jnp.int32(0), jnp.int32(3)
    flags, sizes = (jnp.bool_(True), jnp.bool_(False)), (jnp.int32(20), jnp.int32(0))
    return state.Section(*place, *flags, *sizes, jnp.bool_(revives))


at_start = jax.jit(revive.at_start, static_argnums=0)


@pytest.fixture(scope="module")
def redrawn() -> Callable[..., Any]:
    lane, numbers, plan = start(
        revive="redraw", redraw_scale=0.4, width=80, freeze_layers=1, freeze_after=2, init="normal"
    )
    lane = moved(lane, numbers, plan)
    network = network_of(plan, lane.weights)
    network.hidden[1].kernel[...] = network.hidden[1].kernel[...].at[:5].set(0.0)
    lane = lane._replace(weights=nnx.state(network))

    def go(epoch: int, revives: bool = True) -> Any:
        after, count = at_start(plan, section_at(epoch, revives), lane, numbers)
        return lane, after, arrays_of(network), arrays_of(network_of(plan, after.weights)), count

    return go


@pytest.mark.parametrize("epoch", [2, 3])
def test_redraw_changes_the_weights_not_above_zero_of_layers_that_train(redrawn: Any, epoch: int):
    lane, after, before, now, count = redrawn(epoch)
    assert not np.asarray(count).any()
    jax.tree.map(np.testing.assert_array_equal, lane.optimizer, after.optimizer)
    drawn = []
    for name, old in before.items():
        there = name.startswith("hidden") and name.endswith("kernel")
        still = epoch > 2 and name.startswith("hidden.0")
        mask = old <= 0 if there and not still else np.zeros(old.shape, bool)
        np.testing.assert_array_equal(now[name] != old, mask, name)
        drawn.append(now[name][mask])
    whole = np.concatenate(drawn)
    assert len(whole) > 2000
    assert stats.kstest(whole, stats.norm(0, 0.4).cdf).pvalue > 1e-4


def test_nothing_is_done_where_the_section_does_not_say_so(redrawn: Any):
    lane, after, *_ = redrawn(2, revives=False)
    jax.tree.map(np.testing.assert_array_equal, lane, after)


@pytest.mark.parametrize("dials", [{}, {"shrink": 0.8, "perturb": 0.0}, {"perturb": 0.3}], ids=str)
def test_shrink_perturb_is_a_factor_and_noise_on_every_weight_and_bias(dials: Any):
    lane, numbers, plan = start(revive="shrink_perturb", width=40, bias_init=0.2, **dials)
    after, count = at_start(plan, section_at(2), lane, numbers)
    before, now = (arrays_of(network_of(plan, x.weights)) for x in (lane, after))
    shrink, perturb = dials.get("shrink", 0.5), dials.get("perturb", 0.01)
    noise = {n: now[n] - np.float32(shrink) * old for n, old in before.items()}
    assert len(noise) == 2 * (DEPTH + 1) and not np.asarray(count).any()
    if perturb == 0:
        assert not any(x.any() for x in noise.values())
        return
    assert all((x != 0).all() for x in noise.values())
    whole = np.concatenate([x.ravel() for x in noise.values()])
    assert stats.kstest(whole, stats.norm(0, perturb).cdf).pvalue > 1e-4
    jax.tree.map(np.testing.assert_array_equal, lane.optimizer, after.optimizer)


def test_epochs_and_seeds_draw_anew():
    found = []
    for seed, epoch in ((3, 2), (3, 3), (4, 2)):
        lane, numbers, plan = start(revive="shrink_perturb", seed=seed, shrink=0.0)
        after, _ = at_start(plan, section_at(epoch), lane, numbers)
        found.append(arrays_of(network_of(plan, after.weights))["hidden.1.kernel"])
    pairs = ((0, 1), (0, 2), (1, 2))
    assert all(abs(np.corrcoef(found[i].ravel(), found[j].ravel())[0, 1]) < 0.5 for i, j in pairs)


# --- when --------------------------------------------------------------------------------------


def revived_before(**changed: Any) -> list[int]:
    """Before which steps of the run, counted from 0, units are revived."""
    config = make_run(dict(batch_size=10, epochs=4, revive="redo", probe_examples=1) | changed)
    found = list(rhythm.sections(config, 95))  # ten steps an epoch
    return [int(s.epoch - 1) * 10 + int(s.first) for s in found if s.revives]


@pytest.mark.parametrize(
    ("at", "changed", "steps"),
    [
        ("epochs", {}, [10, 20, 30]),
        ("1,3", {}, [10, 30]),
        ("3,1", {}, [10, 30]),
        ("2", {}, [20]),
        ("25 steps", {}, [25]),
        ("1 step", {"epochs": 1}, list(range(1, 10))),
        ("10 steps", {}, [10, 20, 30]),
        ("13 steps", {"probe_every": 7}, [13, 26, 39]),
        ("1,3", {"probe_every": 3}, [10, 30]),
        ("phases", {"phases": "same@2,permuted_pixels"}, [40, 60]),
        ("epochs", {"phases": "same", "epochs": 2}, [10, 20, 30]),
        ("2,3", {"phases": "same", "epochs": 2}, [20, 30]),
        ("15 steps", {"phases": "same", "epochs": 2}, [15, 30]),
        ("epochs", {"epochs": 1}, []),
        ("epochs", {"epochs": 0}, []),
        ("epochs", {"revive": "none"}, []),
    ],
)
def test_units_are_revived_at_these_steps_and_no_others(at: str, changed: Any, steps: list[int]):
    changed = changed if changed.get("revive") == "none" else {"revive_at": at} | changed
    assert revived_before(**changed) == steps


@settings(max_examples=40)
@given(
    at=st.sampled_from(["epochs", "phases", "1,3", "2", "7 steps", "25 steps"]),
    epochs=st.integers(0, 4),
    further=st.sampled_from(["none", "same", "same@2*2", "permuted_pixels@1*3"]),
    every=st.integers(0, 12),
)
def test_never_before_the_first_step_nor_after_the_last(
    at: str, epochs: int, further: str, every: int
):
    if epochs == 0:
        further = "none"
    more = dict(revive_at=at, epochs=epochs, phases=further, probe_every=every)
    found = revived_before(**more)
    config = make_run(more)
    last = phases.stretches(config.phases, config.epochs)[-1].last * 10
    assert all(0 < step < last for step in found) and found == sorted(set(found))


# --- end to end --------------------------------------------------------------------------------

HARSH: dict[str, Any] = dict(optimizer="adam", learning_rate=0.05, bias_init=-3.0, init="he_normal")
STEPS = 41


def records_of(runs: Sequence[grid.Run]) -> dict[str, records.RunRecord]:
    events = sweep.execute(runs, data.load)
    return {e.run.id: e.record for e in events if isinstance(e, sweep.RunDone)}


@pytest.fixture(scope="module", autouse=True)
def no_programs_yet() -> Iterator[None]:
    with mock.patch.dict(sweep.PROGRAMS, clear=True):
        yield


@pytest.fixture(scope="module")
def redone(run_of: Any) -> Any:
    """Three seeds in two chunks, then the first seed alone."""
    common = HARSH | dict(revive="redo", revive_at="25 steps", epochs=3)
    runs = [run_of(**common, seed=seed) for seed in (7, 8, 9)]
    return runs, records_of(runs), records_of(runs[2:])


@pytest.fixture(scope="module")
def chosen_at_random(run_of: Any) -> Any:
    how = dict(revive="random", revive_at="1,3", revive_definition="dormant", revive_threshold=1.0)
    run = run_of(**HARSH, **how, activation="crelu", epochs=4)
    return records_of([run])[run.id]


def counts(layers: Any, definition: str) -> list[int]:
    return [round(getattr(layer, definition) * layer.units) for layer in layers]


def looks(record: records.RunRecord) -> list[tuple[int, Any]]:
    return [(round(at * STEPS), layers) for at, layers in record.timeline()]


def drawn_after(record: records.RunRecord, marked: Callable[[Any], list[int]]) -> dict[int, int]:
    """Steps after which units were drawn anew: always as many as the look there had marked."""
    seen = looks(record)
    assert all(layer.revived == 0 for layer in seen[0][1])
    found = {}
    for (step, before), (_, after) in itertools.pairwise(seen):
        drawn = [layer.revived for layer in after]
        if any(drawn):
            assert drawn == marked(before)
            found[step] = sum(drawn)
    return found


def test_every_25_steps_the_dead_of_that_look_are_drawn_anew(redone: Any):
    runs, found, _ = redone
    for run in runs:
        record = found[run.id]
        assert record.status == "ok"
        marked = {step: counts(layers, "dead") for step, layers in looks(record)}
        expected = {s: sum(n) for s, n in marked.items() if s % 25 == 0 and s and sum(n)}
        assert drawn_after(record, lambda layers: counts(layers, "dead")) == expected
    assert expected


def test_after_epochs_1_and_3_units_are_drawn_anew_and_at_no_other_time(chosen_at_random: Any):
    pairs = itertools.pairwise(looks(chosen_at_random))
    when = {step for (step, _), (_, after) in pairs if any(layer.revived for layer in after)}
    assert when == {STEPS, 3 * STEPS}
    text = records.to_json(chosen_at_random)
    assert records.ADAPTER.validate_json(text) == chosen_at_random


def test_a_revived_run_is_the_same_alone_and_in_a_sweep(redone: Any):
    runs, found, alone = redone
    one, other = found[runs[2].id], alone[runs[2].id]
    assert (one.history, one.steps, one.samples) == (other.history, other.steps, other.samples)
    assert found[runs[0].id].history != found[runs[1].id].history
