"""What the engine survives: runs that raise, too little memory, programs that do not compile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import pytest
from flax import nnx

from reluprobe import data
from reluprobe.engine import compiler, evaluate, retry, runner
from reluprobe.engine.events import MemoryShort
from reluprobe.nn import mlp
from reluprobe.plan.runs import Run
from sweep_events import SideBySide, records_in

# --- dividing a chunk that raises --------------------------------------------------------------


class Ended(NamedTuple):
    run: Run
    error: str | None = None


class Stage:
    """Chunks that raise for bad runs, or for want of memory above so many lanes."""

    def __init__(self, bad: Sequence[int] = (), most: int = 99, late: bool = False) -> None:
        self.bad, self.most, self.late = bad, most, late
        self.sizes: list[tuple[int, int]] = []

    def attempt(self, chunk: Sequence[Run], size: int) -> Iterator[Any]:
        self.sizes.append((len(chunk), size))
        if size > self.most:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
        for run in chunk:
            if run.config.seed in self.bad:
                raise ValueError(f"no good: {run.config.seed}\nsecond line")
            if self.late:
                yield Ended(run)
        if not self.late:
            yield from map(Ended, chunk)

    def go(self, runs: Sequence[Run], lanes: int, stop: Callable[[], bool] = bool) -> list[Any]:
        def ends(event: Any) -> Run | None:
            return event.run

        return list(retry.divided(runs, lanes, 2, self.attempt, ends, Ended, stop))


@pytest.fixture(scope="module")
def nine(run_of: Any) -> list[Run]:
    return [run_of(seed=seed) for seed in range(9)]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("lanes", [1, 2, 3, 8])
@pytest.mark.parametrize("bad", [(), (0,), (8,), (3, 4), (0, 5, 6), tuple(range(9))])
def test_every_run_ends_once_and_only_the_bad_ones_as_failed(nine, bad, lanes, late):
    stage = Stage(bad, late=late)
    ended = stage.go(nine, lanes)
    assert sorted(e.run.config.seed for e in ended) == list(range(9))
    assert {e.run.config.seed for e in ended if e.error} == set(bad)
    for event in ended:
        if event.error:
            assert event.error.startswith(f"ValueError: no good: {event.run.config.seed}\nsecond")
    # Whatever is tried is tried at the size of a full chunk: with the program that is there.
    assert {size for _, size in stage.sizes} == {2 * lanes}


def test_the_one_at_fault_among_n_is_found_in_about_2_log_n_attempts(run_of):
    runs = [run_of(seed=seed) for seed in range(64)]
    stage = Stage((37,))
    stage.go(runs, 32)
    assert len(stage.sizes) == 1 + 2 * 6


def test_too_little_memory_halves_the_lanes_and_a_run_too_big_alone_fails(nine):
    stage = Stage(most=4)
    events = list(retry.divided(nine, 8, 2, stage.attempt, lambda e: e.run, Ended, bool))
    short = [e for e in events if isinstance(e, MemoryShort)]
    assert [e.lanes for e in short] == [4, 2]
    assert stage.sizes == [(9, 16), (8, 8), (4, 4), (4, 4), (1, 4)]
    done = [e for e in events if isinstance(e, Ended)]
    assert [e.run for e in done] == nine and not any(e.error for e in done)
    nothing = Stage(most=0).go(nine[:2], 1)
    assert [e.run for e in nothing] == nine[:2]
    assert all("RESOURCE_EXHAUSTED" in e.error for e in nothing)


def test_asked_to_stop_it_begins_no_other_chunk(nine):
    asked = iter([False, False, True])
    stage = Stage()
    assert len(stage.go(nine, 1, lambda: next(asked))) == 4
    assert len(stage.sizes) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_error_passes(nine, error):
    def attempt(chunk: Sequence[Run], size: int) -> Iterator[Any]:
        raise error

    with pytest.raises(error):
        list(retry.divided(nine, 1, 2, attempt, lambda e: None, Ended, bool))


def test_a_program_that_does_not_compile_is_not_compiled_again():
    broken, tried = retry.Broken(), []
    for _ in range(3):
        with pytest.raises(Exception) as caught, broken.watching("key"):
            tried.append(1)
            raise ValueError("no such instruction")
        assert "ValueError: no such instruction" in retry.describe(caught.value)
    assert len(tried) == 1
    with pytest.raises(RuntimeError), broken.watching("other"):
        raise RuntimeError("RESOURCE_EXHAUSTED")
    with broken.watching("other"):  # memory comes and goes
        pass


# --- the engine --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(run_of: Any) -> Callable[..., Run]:
    """Runs of one program, which the tests of the command line share too."""
    return lambda **settings: run_of(**{"depth": 1, "width": 8, "batch_size": 128} | settings)


def test_a_run_that_raises_midway_has_its_history_until_then(tiny, monkeypatch):
    runs = [tiny(seed=seed, epochs=3) for seed in (1, 2, 3)]
    healthy = records_in(list(runner.execute(runs, data.load)))
    real = runner.recorder.Watch.see

    def see(self: Any, now: Any, report: Any) -> Any:
        if int(now.epoch) == 2 and runs[1] in self.runs:
            raise ArithmeticError("epoch 2 is not for this one")
        yield from real(self, now, report)

    monkeypatch.setattr(runner.recorder.Watch, "see", see)
    found = records_in(list(runner.execute(runs, data.load)))
    failed = found[runs[1].id]
    assert (failed.status, failed.history) == ("failed", healthy[runs[1].id].history[:2])
    assert failed.error is not None and "ArithmeticError: epoch 2" in failed.error
    assert failed.samples == () and failed.seconds > 0
    for run in (runs[0], runs[2]):
        assert found[run.id].history == healthy[run.id].history
        assert found[run.id].status == "ok"


def test_lanes_are_halved_until_they_fit_and_the_results_are_the_same(tiny, monkeypatch):
    real = compiler.Compiler._make

    def make(self: Any, wanted: compiler.Order) -> Any:
        if wanted.shapes[2].live.shape[0] > 2:
            text = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes."
            raise jax.errors.JaxRuntimeError(text)
        return real(self, wanted)

    runs = [tiny(seed=seed) for seed in range(5)]
    alone = records_in(list(runner.execute(runs, data.load)))
    monkeypatch.setattr(runner, "_Engine", SideBySide)
    monkeypatch.setattr(compiler.Compiler, "_make", make)
    events = list(runner.execute(runs, data.load))
    # Five runs on two devices: three lanes each, and one each is what fits.
    short = [e for e in events if isinstance(e, MemoryShort)]
    assert [e.lanes for e in short] == [1]
    assert "RESOURCE_EXHAUSTED" in short[0].error
    found = records_in(events)
    assert found.keys() == alone.keys()
    for id_, record in found.items():
        assert record.status == "ok"
        for one, other in zip(record.history, alone[id_].history, strict=True):
            assert one.test_loss == pytest.approx(other.test_loss, rel=1e-4)
            assert [x.dead_units for x in one.layers] == [x.dead_units for x in other.layers]


def test_a_program_that_breaks_the_compiler_fails_its_group_alone_after_one_try(tiny, monkeypatch):
    tried = []
    real = jax.stages.Lowered.compile

    def compile_(self: Any, *given: Any, **more: Any) -> Any:
        if "x29xf32>" in self.as_text():
            tried.append(1)
            raise jax.errors.JaxRuntimeError("INTERNAL: the compiler has met its match")
        return real(self, *given, **more)

    monkeypatch.setattr(jax.stages.Lowered, "compile", compile_)
    good, bad = ([tiny(width=w, seed=s) for s in range(3)] for w in (8, 29))
    found = records_in(list(runner.execute([*bad, *good], data.load)))
    assert [found[run.id].status for run in good] == ["ok"] * 3
    for run in bad:
        assert found[run.id].status == "failed"
        assert "the compiler has met its match" in (found[run.id].error or "")
        assert found[run.id].history == ()
    assert len(tried) == 1


def test_asked_to_stop_the_engine_ends_at_the_next_section(tiny):
    asked = iter([False] * 3)
    runs = [tiny(seed=seed) for seed in range(4)]
    events = list(runner.execute(runs, data.load, lambda: next(asked, True)))
    assert records_in(events) == {}
    # Asked before the chunk and before its epochs 0, 1 and 2: what has ended then is kept.
    asked = iter([False] * 4)
    events = list(runner.execute(runs, data.load, lambda: next(asked, True)))
    assert set(records_in(events)) == {run.id for run in runs[:2]}


@pytest.mark.parametrize("activation", ["relu", "crelu"])
def test_the_weights_and_activations_of_as_many_lanes_fit(run_of, blobs, activation):
    runs = [run_of(activation=activation, depth=3, width=1024)] * 9999
    lanes = runner._Engine({"blobs": blobs}, bool, jax.local_devices())._lanes_that_fit(runs)
    network = nnx.eval_shape(lambda: mlp.make(runs[0].config, 32, 10, nnx.Rngs(0)))
    weights = sum(x.size for x in jax.tree.leaves(nnx.state(network)))
    layers = evaluate.BATCH * 3 * 1024 * (2 if activation == "crelu" else 1)
    # Of the 8 GiB that a device is taken to have where it does not say: room is left, not wasted.
    share = lanes * 4 * (6 * weights + 4 * layers) / (8 << 30)
    assert 0.5 < share < 0.82
