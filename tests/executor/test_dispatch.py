"""A plan on many machines: nothing lost, nothing ended twice, whatever dies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plain_records import record_of
from reluprobe import data, records
from reluprobe.engine.events import BegunAgain, RunDone, Saved
from reluprobe.errors import DatasetError, InputError, ReluprobeError
from reluprobe.executor import chunks, dispatch, local
from reluprobe.executor.interface import Written
from reluprobe.executor.worker import work
from reluprobe.plan.grouping import group_runs
from reluprobe.plan.order import arranged
from reluprobe.plan.runs import Run
from reluprobe.records import resume
from simulated_machines import Engine, Machine, runs_of


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine().put(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "results" / "s"


def driven(
    machine: Machine, folder: Path, runs: Sequence[Run], **errand: Any
) -> tuple[list[Any], list[RunDone]]:
    """What happened, and the ends in it."""
    events = [event for event, _ in dispatch.start(machine, dispatch.Job(folder, **errand), runs)]
    return events, [event for event in events if isinstance(event, RunDone)]


def ids(runs_or_events: Collection[Any]) -> list[str]:
    return sorted(getattr(one, "run", one).id for one in runs_or_events)


@pytest.mark.parametrize("when", [None, "end", "every"])
def test_machines_are_asked_for_weights_and_no_run_is_done_without(
    engine: Engine, folder: Path, when: Any
):
    runs = runs_of(1)
    # This engine writes none: a machine that says it has run is asked for what is not there.
    if when is None:
        assert len(driven(Machine(), folder, runs)[1]) == 1
    else:
        with pytest.raises(ReluprobeError, match="its record is not in"):
            driven(Machine(), folder, runs, save_weights=when)
    assert engine.asked == [when]


# --- cutting -----------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.integers(1, 12), st.integers(1, 3), st.integers(1, 5))
def test_a_plan_is_cut_evenly_and_programs_are_kept_together(seeds: int, depths: int, slots: int):
    runs = runs_of(seeds, depth=range(1, depths + 1))
    cut = chunks.cut(runs, slots)
    assert ids([run for chunk in cut for run in chunk]) == ids(runs)
    assert len(cut) == min(len(runs), chunks.PER_SLOT * slots)
    assert max(map(len, cut)) - min(map(len, cut)) <= 1
    # A boundary between programs falls into one chunk at most.
    assert sum(len(group_runs(chunk)) for chunk in cut) <= len(cut) + depths - 1


@settings(max_examples=30)
@given(st.integers(1, 9), st.integers(1, 3), st.integers(1, 5))
def test_chunks_come_in_the_order_of_their_first_runs_and_hold_them_in_order(
    seeds: int, depths: int, slots: int
):
    runs = arranged(runs_of(seeds, depth=range(1, depths + 1)), "seeds")
    place = {run.id: n for n, run in enumerate(runs)}
    cut = [[place[run.id] for run in chunk] for chunk in chunks.cut(runs, slots)]
    assert [min(chunk) for chunk in cut] == sorted(min(chunk) for chunk in cut)
    for chunk in chunks.cut(runs, slots):
        for depth in {run.config.depth for run in chunk}:
            own = [run.config.seed for run in chunk if run.config.depth == depth]
            assert own == sorted(own)


def test_a_chunk_on_disk_says_all_and_the_same_runs_have_the_same_file(folder: Path):
    chunk = chunks.Chunk(
        chunks.__version__, True, False, None, (), "/data", "/home/me", tuple(runs_of(3))
    )
    file = chunks.write(chunk, folder, (2, 3))
    assert chunks.read(file) == chunk
    assert file == chunks.write(replace(chunk, retry=False), folder, (2, 3))
    others = chunks.write(replace(chunk, runs=chunk.runs[:2]), folder, (3, 3))
    chunks.clear(folder, (2, 3))
    assert list((folder / "chunks").iterdir()) == [others]
    chunks.clear(folder, (1, 1))
    assert not (folder / "chunks").exists()


def test_a_machine_that_does_not_see_the_folder_or_has_another_reluprobe_says_so(
    folder: Path, engine: Engine
):
    with pytest.raises(ReluprobeError) as caught:
        work(folder / "chunks" / "1-of-1-abc.json", print)
    assert caught.value.message.startswith(f"on {os.uname().nodename}: no such file here: {folder}")
    assert "every machine sees" in (caught.value.hint or "")
    chunk = chunks.Chunk("0.0.7", False, False, None, (), None, "/", tuple(runs_of(1)))
    file = chunks.write(chunk, folder, (1, 1))
    with pytest.raises(ReluprobeError, match="is of reluprobe 0.0.7, and here is"):
        work(file, print)
    file.write_text(file.read_text().replace("0.0.7", chunks.__version__).replace("depth", "dep"))
    with pytest.raises(ReluprobeError, match="cannot be read"):
        work(file, print)


# --- driving -----------------------------------------------------------------------------------


@pytest.mark.parametrize("deaf", [False, True])
def test_every_run_ends_once_whatever_is_heard_meanwhile(folder: Path, engine: Engine, deaf: bool):
    runs = runs_of(9, activation=["relu", "tanh"])
    engine.failing = (4,)
    machine = Machine(deaf)
    events, ended = driven(machine, folder, runs)
    assert ids(ended) == ids(runs) and sorted(engine.ran) == ids(runs)
    assert {e.run.config.seed for e in ended if e.record.status == "failed"} == {4}
    assert len(events) - len(ended) == (0 if deaf else len(runs))
    assert len(machine.tried) == 8 and [p.name for p in folder.iterdir()] == ["runs"]


def test_a_chunk_that_is_done_again_runs_only_what_it_lacks(folder: Path, engine: Engine):
    runs = runs_of(5)
    for run in runs[1:4]:
        failed = run is runs[2]
        records.write(record_of(run, **({"status": "failed"} if failed else {})), folder)
    for retry, expected in ((False, [runs[0], runs[4]]), (True, [runs[2]])):
        engine.ran.clear()
        chunk = chunks.Chunk(chunks.__version__, retry, False, None, (), None, "/", tuple(runs))
        messages: list[Any] = []
        work(chunks.write(chunk, folder, (1, 1)), messages.append)
        assert engine.ran == [run.id for run in expected]
        assert [t for t in messages if isinstance(t, Written)] == [Written(r.id) for r in expected]


def test_a_run_that_no_process_survives_is_found_by_halves_and_recorded(
    folder: Path, engine: Engine
):
    runs = runs_of(64)
    engine.deadly = {37: 99}
    machine = Machine()
    _, ended = driven(machine, folder, runs)
    assert ids(ended) == ids(runs)
    (bad,) = [e.record for e in ended if e.record.status == "failed"]
    assert bad.config.seed == 37 and bad.probe.examples == 9
    assert bad.error == "its process died each time it was tried: signal 9"
    assert records.read(folder / "runs" / f"{bad.id}.json") == bad
    # 8 chunks of 8; its own is divided until it is alone: three times two.
    assert len(machine.tried) <= 8 + 2 * 3
    assert len(engine.ran) == len(set(engine.ran)) == 63


def test_a_process_that_died_once_is_told_of_and_its_chunk_goes_on(folder: Path, engine: Engine):
    runs = runs_of(16)
    engine.deadly = {5: 1}
    events, ended = driven(Machine(retries=1), folder, runs)
    assert ids(ended) == ids(runs) == sorted(engine.ran)
    assert all(e.record.status == "ok" for e in ended)
    # Of its two runs the first was done.
    assert [e for e in events if isinstance(e, BegunAgain)] == [BegunAgain(1, os.uname().nodename)]


def test_a_run_that_is_saved_is_no_message(
    folder: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    def start(folder: Path, runs: Sequence[Run], *rest: Any, **more: Any) -> Iterator[Any]:
        checkpoint: Any = None
        for run in runs:
            yield Saved(run, checkpoint), None
        yield from engine.start(folder, runs, *rest, **more)

    monkeypatch.setattr(local, "start", start)
    events, ended = driven(Machine(), folder, runs_of(3))
    assert len(ended) == 3 and not [e for e in events if isinstance(e, Saved)]


def test_a_failure_that_was_to_be_retried_is_not_taken_for_a_new_one(folder: Path, engine: Engine):
    runs = runs_of(8)
    for run in runs:
        records.write(record_of(run, status="failed", error="old"), folder)
    engine.deadly = {6: 99, 7: 99}
    _, ended = driven(Machine(), folder, runs, retry=True)
    assert ids(ended) == ids(runs)
    errors = {e.run.config.seed: e.record.error for e in ended if e.record.status == "failed"}
    assert errors.keys() == {6, 7} and all("its process died" in e for e in errors.values())


def test_an_error_over_there_is_raised_here_and_what_had_ended_stays(
    folder: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    runs, real = runs_of(16), local.start

    def start(folder: Path, some: Sequence[Run], *rest: Any, **more: Any) -> Iterator[Any]:
        yield from real(folder, [run for run in some if run.config.seed < 5], *rest, **more)
        if any(run.config.seed == 5 for run in some):
            raise DatasetError("no network")

    monkeypatch.setattr(local, "start", start)
    machine, ended = Machine(), []
    with pytest.raises(DatasetError) as caught:
        for event, _ in dispatch.start(machine, dispatch.Job(folder), runs):
            ended += [event] if isinstance(event, RunDone) else []
    assert caught.value.message == f"on {os.uname().nodename}: no network"
    assert [e.run.config.seed for e in ended] == [0, 1, 2, 3, 4]
    assert machine.cancelled and [p.name for p in folder.iterdir()] == ["runs"]


def test_records_that_do_not_come_into_the_folder_are_missed(folder: Path, engine: Engine):
    engine.absent = True
    with pytest.raises(ReluprobeError, match=f"its record is not in {folder}/runs") as caught:
        driven(Machine(), folder, runs_of(3))
    assert "every machine sees" in (caught.value.hint or "")


def test_asked_to_stop_it_begins_no_other_chunk_and_what_is_lost_stays_missing(
    folder: Path, engine: Engine
):
    machine, runs = Machine(), runs_of(16)
    stop = iter([False] * 8)
    errand = dispatch.Job(folder)
    events = [e for e, _ in dispatch.start(machine, errand, runs, lambda: next(stop, True))]
    ended = [e for e in events if isinstance(e, RunDone)]
    assert 0 < len(ended) < 16 and len(machine.tried) < 8
    assert ids(ended) == sorted(resume.progress_of(folder, runs).records)


def test_data_that_cannot_be_had_are_known_before_anything_is_submitted(
    folder: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    def load(name: str, manual_dir: Path | None) -> Any:
        raise DatasetError(f"{name} could not be prepared")

    machine = Machine()
    with pytest.raises(InputError, match="do not fit"):
        driven(machine, folder, runs_of(2, probe_examples=[5000]))
    monkeypatch.setattr(data, "load", load)
    with pytest.raises(DatasetError, match="blobs could not be prepared"):
        driven(machine, folder, runs_of(2))
    assert machine.tried == machine.waiting == []


def test_who_only_drives_does_not_import_jax():
    code = "import sys; import reluprobe.cli.commands.sweep, reluprobe.executor.dispatch as d\n"
    code += "import reluprobe.executor.worker; d.data.load('blobs'); print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
