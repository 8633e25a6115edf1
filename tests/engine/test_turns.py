"""The order of runs in the engine: same bits, nothing compiled twice, no chunk smaller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import mock

import pytest

from reluprobe import data
from reluprobe.config import parse_sweep
from reluprobe.config.choices import ORDERS
from reluprobe.engine import compiler, program_spec, runner
from reluprobe.engine.events import Compiled, EpochDone, RunDone
from reluprobe.plan import order
from reluprobe.plan.order import arranged
from reluprobe.plan.runs import Run, expand
from sweep_events import records_in

#: Two programs of 2 × 3 runs and one, of crelu, of 3: with two lanes every second chunk of a seed
#: is not full with runs of that seed alone.
SWEEP = {
    "seeds": 3,
    "base": {"dataset": "blobs", "width": 8, "epochs": 1, "probe_examples": 100},
    "grid": {"depth": [1, 2], "activation": ["relu", "elu"]},
    "include": [{"activation": "crelu", "depth": 1}],
}


@pytest.fixture(autouse=True)
def no_programs_yet() -> Iterator[None]:
    with mock.patch.dict(compiler.PROGRAMS, clear=True):
        yield


@pytest.fixture(scope="module")
def plan() -> tuple[Run, ...]:
    return expand(parse_sweep(SWEEP)).runs


def chunks_in(events: Sequence[Any]) -> list[list[str]]:
    """The runs of every chunk, in order: they end together."""
    chunks: list[list[str]] = [[]]
    for event in events:
        if isinstance(event, RunDone):
            chunks[-1].append(event.run.id)
        elif isinstance(event, EpochDone) and chunks[-1]:
            chunks.append([])
    return chunks


def executed(runs: Sequence[Run]) -> list[Any]:
    return list(runner.execute(runs, data.load))


def test_every_order_gives_the_same_bits_compiles_each_program_once_and_fills_its_chunks(plan):
    made: list[Any] = []
    real = compiler.Compiler._make

    def make(self: Any, request: Any) -> Any:
        made.append(request.key)
        return real(self, request)

    histories, sizes = [], []
    for asked in ORDERS:
        made.clear()
        compiler.PROGRAMS.clear()
        with mock.patch.object(compiler.Compiler, "_make", make):
            events = executed(arranged(plan, asked, 3))
        assert len(made) == len({*made}) == 3
        assert sum(isinstance(event, Compiled) for event in events) == 3
        by_id = records_in(events)
        histories.append([by_id[run.id].history for run in plan])
        sizes.append(Counter(map(len, chunks_in(events))))
    assert histories[0] == histories[1] == histories[2]
    assert sizes == [Counter({2: 7, 1: 1})] * 3


def test_seed_by_seed_the_whole_grid_is_there_after_a_third(plan):
    executed(arranged(plan, "seeds"))  # its programs are there from now on: none is waited for
    ended = [e.run for e in executed(arranged(plan, "seeds")) if isinstance(e, RunDone)]
    third = [run.config for run in ended[: len(ended) // 3 + 1]]
    assert len({(c.depth, c.activation) for c in third}) == 5
    # A chunk that a seed does not fill takes the next seed's: never more than that.
    done = Counter[Any]()
    for run in ended:
        done[run.config.depth, run.config.activation] += 1
        assert max(done.values()) - min(done[c.depth, c.activation] for c in third) <= 2


def test_while_a_program_is_compiled_runs_go_on_whose_program_is_there(plan, monkeypatch):
    deep = {run.id for run in plan if run.config.depth == 2}
    monkeypatch.setattr(
        compiler.Compiler,
        "is_ready",
        lambda self, request: request.specs[0].config.depth == 1,
    )
    events = executed(arranged(plan, "seeds"))
    ended = [event.run.id for event in events if isinstance(event, RunDone)]
    assert {*ended[-len(deep) :]} == deep and len({*ended}) == len(plan)


def test_programs_are_kept_while_runs_need_them_and_no_more_than_so_many(plan, monkeypatch):
    for module in (order, compiler):
        monkeypatch.setattr(module, "MOST_PROGRAMS", 1)
    # One at a time: a program goes as soon as the next is there.
    kept = []
    for event in runner.execute(arranged(plan, "seeds"), data.load):
        if isinstance(event, Compiled):
            kept.append(len(compiler.PROGRAMS))
    assert kept == [1, 1, 1]
    compiler.PROGRAMS.clear()
    # In an order that needs all of them to the end, none goes.
    monkeypatch.setattr(order, "MOST_PROGRAMS", 3)
    events = executed(arranged(plan, "seeds"))
    assert sum(isinstance(event, Compiled) for event in events) == 3


def test_a_first_run_that_raises_takes_nothing_of_its_program_with_it(plan, monkeypatch):
    cursed = next(run for run in plan if run.config.depth == 2)
    real = program_spec.init_lane

    def init_lane(config: Any, *rest: Any, **more: Any) -> Any:
        if config == cursed.config:
            raise FloatingPointError("this one is cursed")
        return real(config, *rest, **more)

    monkeypatch.setattr(program_spec, "init_lane", init_lane)
    by_id = records_in(executed(arranged(plan, "seeds")))
    failed = {id_ for id_, record in by_id.items() if record.status == "failed"}
    assert failed == {cursed.id} and by_id.keys() == {run.id for run in plan}
