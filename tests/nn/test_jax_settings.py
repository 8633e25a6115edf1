"""JAX's settings in somebody's shell or notebook: results do not depend on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax
import numpy as np
import pytest

from reluprobe import data
from reluprobe.born import count, engine
from reluprobe.config import make_born_dead
from reluprobe.engine import compiler, devices, runner
from reluprobe.errors import ReluprobeError
from reluprobe.measures import tallies
from reluprobe.measures.unit_definitions import probe
from reluprobe.nn import jax_settings
from sweep_events import records_in

#: What shells hold, each with the value that breaks a run or changes its result.
HOSTILE = {
    "jax_enable_x64": True,
    "jax_numpy_dtype_promotion": "strict",
    "jax_default_prng_impl": "rbg",
    "jax_threefry_partitionable": False,
    "jax_softmax_custom_jvp": True,
    "jax_debug_nans": True,
    "jax_debug_infs": True,
    "jax_disable_jit": True,
    "jax_no_tracing": True,
    "jax_transfer_guard_host_to_device": "disallow",
}


@pytest.fixture
def hostile() -> Iterator[None]:
    """All of them at once, and no program left from before."""
    before = {name: jax.config.values[name] for name in HOSTILE}
    for name, value in HOSTILE.items():
        jax.config.update(name, value)
    with mock.patch.dict(compiler.PROGRAMS, clear=True):
        yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.fixture(scope="module")
def runs(run_of: Any) -> list[Any]:
    """One that ends well and one that diverges, of one program."""
    small = dict(depth=1, width=4, epochs=1, batch_size=128)
    return [run_of(learning_rate=rate, **small) for rate in (0.1, 1e30)]


@pytest.fixture(scope="module")
def expected(runs: list[Any]) -> Any:
    return records_in(list(runner.execute(runs, data.load)))


def test_training_gives_the_same_under_all_of_them(runs, expected, hostile):
    for id_, record in records_in(list(runner.execute(runs, data.load))).items():
        assert (record.status, record.error) == (expected[id_].status, None)
        assert record.history == expected[id_].history
    assert [expected[run.id].status for run in runs] == ["ok", "diverged"]


def test_born_dead_and_probe_compute_without_them(monkeypatch, hostile):
    def look(*_: Any) -> Any:
        seen.append({name: getattr(jax.config, name) for name in HOSTILE})
        return np.ones((6, 1), bool)

    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(engine, "first_silent", look)
    tallied = tallies.tallied
    monkeypatch.setattr(tallies, "tallied", lambda *z: (look(), tallied(*z))[1])
    count.measure(make_born_dead({"depth": 2, "width": 3, "networks": 6}))
    probe([[1.0]])
    for settings in seen:
        assert all(settings[name] != HOSTILE[name] for name in HOSTILE)
    assert len(seen) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_ours_within_and_the_callers_own_outside(name: str):
    before, hostile = jax.config.values[name], HOSTILE[name]
    jax.config.update(name, hostile)
    try:
        outside = getattr(jax.config, name)
        with jax_settings.ours():
            assert getattr(jax.config, name) != outside
        assert getattr(jax.config, name) == outside
    finally:
        jax.config.update(name, before)


def test_whoever_takes_an_item_has_the_settings_that_were_set_there():
    closed = []

    def computed() -> Any:
        try:
            for _ in range(2):
                yield jax.config.jax_enable_x64
        finally:
            closed.append(True)

    with jax.enable_x64(True):
        items = jax_settings.ours_while_stepping(computed())
        for within in items:
            assert not within and jax.config.jax_enable_x64
            break
        items.close()  # type: ignore[attr-defined]
    assert closed == [True]


def test_what_cannot_be_put_in_place_is_refused_by_name(runs):
    jax.config.update("jax_random_seed_offset", 5)
    try:
        with pytest.raises(ReluprobeError, match="jax_random_seed_offset is 5") as caught:
            next(runner.execute(runs, lambda name: pytest.fail("loaded")))
    finally:
        jax.config.update("jax_random_seed_offset", 0)
    assert "unset JAX_RANDOM_SEED_OFFSET" in (caught.value.hint or "")


@pytest.mark.parametrize("error", [RuntimeError("Unable to initialize\nmore"), AssertionError()])
def test_a_platform_that_is_not_here_is_one_sentence(monkeypatch, error: Exception):
    def raises() -> Any:
        raise error

    monkeypatch.setattr(jax, "local_devices", raises)
    for ask in (devices.local_devices, lambda: probe([[1.0]])):
        with pytest.raises(ReluprobeError, match="has no device to compute on") as caught:
            ask()
        assert "\n" not in caught.value.message
        assert "JAX_PLATFORMS=cpu" in (caught.value.hint or "")
