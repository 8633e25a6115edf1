"""What the engine survives: runs that raise, too little memory, programs that do not compile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from flax import nnx

from reluprobe import data
from reluprobe.engine import compiler, placement, recorder, retry, runner
from reluprobe.engine.events import MemoryShort, RunDone
from reluprobe.engine.program_spec import BATCH
from reluprobe.errors import ReluprobeError
from reluprobe.nn import mlp
from reluprobe.plan.runs import Run
from sweep_events import records_in

# --- dividing a chunk that raises --------------------------------------------------------------


class Record(NamedTuple):
    """All of a record that matters here."""

    error: str | None = None


def end_of(run: Run, error: str | None = None) -> RunDone:
    return RunDone(run, Record(error))  # type: ignore[arg-type]


class Stage:
    """Makes chunks that raise for bad runs, or for want of memory above so many lanes."""

    def __init__(
        self, bad: Sequence[int] = (), most: int = 99, late: bool = False, fits: bool = False
    ) -> None:
        self.bad, self.most, self.late, self.fits = bad, most, late, fits
        self.sizes: list[tuple[int, int]] = []

    def go(self, runs: Sequence[Run], lanes: int, stop: Callable[[], bool] = bool) -> list[Any]:
        return list(attempted(retry.Division(runs, lanes, 2, partial(StagedChunk, self)), stop))


def attempted(division: retry.Division, stop: Callable[[], bool] = bool) -> Iterator[Any]:
    """All that happens until no run is left."""
    while division.left and not stop():
        yield from division.attempt()


class StagedChunk:
    def __init__(self, stage: Stage, runs: Sequence[Run], size: int) -> None:
        self.stage, self.runs, self.size = stage, runs, size

    def events(self) -> Iterator[RunDone]:
        self.stage.sizes.append((len(self.runs), self.size))
        if self.size > self.stage.most:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
        for run in self.runs:
            if run.config.seed in self.stage.bad:
                raise ValueError(f"no good: {run.config.seed}\nsecond line")
            if self.stage.late:
                yield end_of(run)
        if not self.stage.late:
            yield from map(end_of, self.runs)

    def failure(self, run: Run, error: str) -> RunDone:
        return end_of(run, error)

    def fits_an_idle_device(self) -> bool:
        return self.stage.fits


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
    assert {e.run.config.seed for e in ended if e.record.error} == set(bad)
    for event in ended:
        if event.record.error:
            assert event.record.error.startswith(
                f"ValueError: no good: {event.run.config.seed}\nsecond"
            )
    # Whatever is tried is tried at the size of a full chunk: with the program that is there.
    assert {size for _, size in stage.sizes} == {2 * lanes}


def test_the_one_at_fault_among_n_is_found_in_about_2_log_n_attempts(run_of):
    runs = [run_of(seed=seed) for seed in range(64)]
    stage = Stage((37,))
    stage.go(runs, 32)
    assert len(stage.sizes) == 1 + 2 * 6


def test_too_little_memory_halves_the_lanes_and_a_run_too_big_alone_fails(nine):
    stage = Stage(most=4)
    events = stage.go(nine, 8)
    short = [e for e in events if isinstance(e, MemoryShort)]
    assert [e.lanes for e in short] == [4, 2]
    assert stage.sizes == [(9, 16), (8, 8), (4, 4), (4, 4), (1, 4)]
    done = [e for e in events if isinstance(e, RunDone)]
    assert [e.run for e in done] == nine and not any(e.record.error for e in done)
    failed = Stage(most=0).go(nine[:2], 1)
    assert [e.run for e in failed] == nine[:2]
    for event in failed:
        assert event.record.error.startswith("too little memory for this run alone: RuntimeError")


def test_where_one_run_does_not_fit_that_would_fit_an_idle_device_no_run_is_failed(nine):
    stage, events = Stage(most=1, fits=True), []
    with pytest.raises(ReluprobeError, match="held by other processes.*RESOURCE_EXH") as caught:
        for event in attempted(retry.Division(nine, 8, 2, partial(StagedChunk, stage))):
            events.append(event)
    assert [event.lanes for event in events] == [4, 2, 1]
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION" in (caught.value.hint or "")


def test_asked_to_stop_it_begins_no_other_chunk(nine):
    asked = iter([False, False, True])
    stage = Stage()
    assert len(stage.go(nine, 1, lambda: next(asked))) == 4
    assert len(stage.sizes) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_error_passes(nine, error):
    class Interrupted(StagedChunk):
        def events(self) -> Iterator[RunDone]:
            raise error

    with pytest.raises(error):
        list(attempted(retry.Division(nine, 1, 2, partial(Interrupted, Stage()))))


def test_a_program_that_does_not_compile_is_not_compiled_again():
    broken, tried = retry.BrokenPrograms(), []
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
    real = recorder.Recorder.add_segment

    def see(self: Any, segment: Any, report: Any) -> Any:
        if int(segment.epoch) == 2 and runs[1] in self.runs:
            raise ArithmeticError("epoch 2 is not for this one")
        yield from real(self, segment, report)

    monkeypatch.setattr(recorder.Recorder, "add_segment", see)
    by_id = records_in(list(runner.execute(runs, data.load)))
    failed = by_id[runs[1].id]
    assert (failed.status, failed.history) == ("failed", healthy[runs[1].id].history[:2])
    assert failed.error is not None and "ArithmeticError: epoch 2" in failed.error
    assert failed.samples == () and failed.seconds > 0
    for run in (runs[0], runs[2]):
        assert by_id[run.id].history == healthy[run.id].history
        assert by_id[run.id].status == "ok"


def test_lanes_are_halved_until_they_fit_and_the_results_are_the_same(tiny, monkeypatch):
    real = compiler.Compiler._make

    def make(self: Any, request: compiler.ProgramRequest) -> Any:
        if request.shapes[2].live.shape[0] > 2:
            text = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes."
            raise jax.errors.JaxRuntimeError(text)
        return real(self, request)

    runs = [tiny(seed=seed) for seed in range(5)]
    alone = records_in(list(runner.execute(runs, data.load)))
    monkeypatch.setattr(compiler.Compiler, "_make", make)
    events = list(runner.execute(runs, data.load, lanes="vmap"))
    # Five runs on two devices: three lanes each, and one each is what fits.
    short = [e for e in events if isinstance(e, MemoryShort)]
    assert [e.lanes for e in short] == [1]
    assert "RESOURCE_EXHAUSTED" in short[0].error
    by_id = records_in(events)
    assert by_id.keys() == alone.keys()
    for id_, record in by_id.items():
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
    by_id = records_in(list(runner.execute([*bad, *good], data.load)))
    assert [by_id[run.id].status for run in good] == ["ok"] * 3
    for run in bad:
        assert by_id[run.id].status == "failed"
        assert "the compiler has met its match" in (by_id[run.id].error or "")
        assert by_id[run.id].history == ()
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
    mesh = placement.mesh_of(jax.local_devices())
    lanes = placement.lanes_that_fit(runs[0].config, 9999, blobs.shape, mesh)
    network = nnx.eval_shape(lambda: mlp.make(runs[0].config, 32, 10, nnx.Rngs(0)))
    weights = sum(x.size for x in jax.tree.leaves(nnx.state(network)))
    layers = BATCH * 3 * 1024 * (2 if activation == "crelu" else 1)
    # Of the 8 GiB that a device is taken to have where it does not say: room is left, not wasted.
    share = lanes * 4 * (6 * weights + 4 * layers) / (8 << 30)
    assert 0.5 < share < 0.82


class Gpu:
    """A device that says how much memory JAX may take on it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def memory_stats(self) -> dict[str, int]:
        return {"bytes_limit": self.limit}


@pytest.mark.parametrize(("width", "gibibytes", "fits"), [(256, 8, True), (4096, 1, False)])
def test_a_run_fits_an_idle_gpu_by_the_memory_that_the_gpu_says(
    run_of, blobs, width: int, gibibytes: int, fits: bool
):
    mesh = SimpleNamespace(devices=np.array([Gpu(gibibytes << 30)], object), size=1)
    config = run_of(depth=5, width=width).config
    assert placement.fits_an_idle_device(config, blobs, mesh) is fits  # type: ignore[arg-type]
    # A CPU does not say how much it has: nobody can be blamed there.
    assert not placement.fits_an_idle_device(config, blobs, placement.mesh_of(jax.local_devices()))
