"""What a sweep survives: kills, signals, full and closed disks, faults of runs and of memory."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest import mock

import jax
import pytest
from rich.console import Console

from reluprobe import archive, blueprint, data, faults, records, sweep
from reluprobe.cli import console, progress
from reluprobe.grid import Run

SWEEP = """
seeds = 4
[base]
dataset = "blobs"
width = 8
depth = 1
epochs = 2
optimizer = "sgd"
learning_rate = 0.1
probe_examples = 200
[grid]
activation = ["relu", "tanh"]
"""
ROOT = Path(__file__).parents[1]


def _harness() -> ModuleType:
    place = importlib.util.spec_from_file_location(
        "kill_harness", ROOT / "benchmarks/kill_harness.py"
    )
    assert place is not None and place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


KILLS = _harness()


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

        return list(faults.divided(runs, lanes, 2, self.attempt, ends, Ended, stop))


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
    events = list(faults.divided(nine, 8, 2, stage.attempt, lambda e: e.run, Ended, bool))
    short = [e for e in events if isinstance(e, faults.MemoryShort)]
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
        list(faults.divided(nine, 1, 2, attempt, lambda e: None, Ended, bool))


def test_a_program_that_does_not_compile_is_not_compiled_again():
    broken, tried = faults.Broken(), []
    for _ in range(3):
        with pytest.raises(Exception) as caught, broken.watching("key"):
            tried.append(1)
            raise ValueError("no such instruction")
        assert "ValueError: no such instruction" in faults.told(caught.value)
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


@pytest.fixture
def poisoned(monkeypatch) -> Callable[[Callable[[Any], bool]], None]:
    """Make the start of some runs raise."""

    def poison(bad: Callable[[Any], bool]) -> None:
        real = blueprint.init_lane

        def init_lane(config: Any, *rest: Any) -> Any:
            if bad(config):
                raise FloatingPointError(f"seed {config.seed} is cursed")
            return real(config, *rest)

        monkeypatch.setattr(blueprint, "init_lane", init_lane)

    return poison


def ended(events: Sequence[Any]) -> dict[str, records.RunRecord]:
    return {e.run.id: e.record for e in events if isinstance(e, sweep.RunDone)}


def test_a_run_that_raises_midway_has_its_history_until_then(tiny, monkeypatch):
    runs = [tiny(seed=seed, epochs=3) for seed in (1, 2, 3)]
    healthy = ended(list(sweep.execute(runs, data.load)))
    real = sweep.observe.Watch.see

    def see(self: Any, now: Any, report: Any) -> Any:
        if int(now.epoch) == 2 and runs[1] in self.runs:
            raise ArithmeticError("epoch 2 is not for this one")
        yield from real(self, now, report)

    monkeypatch.setattr(sweep.observe.Watch, "see", see)
    found = ended(list(sweep.execute(runs, data.load)))
    failed = found[runs[1].id]
    assert (failed.status, failed.history) == ("failed", healthy[runs[1].id].history[:2])
    assert failed.error is not None and "ArithmeticError: epoch 2" in failed.error
    assert failed.samples == () and failed.seconds > 0
    for run in (runs[0], runs[2]):
        assert found[run.id].history == healthy[run.id].history
        assert found[run.id].status == "ok"


def test_lanes_are_halved_until_they_fit_and_the_results_are_the_same(tiny, monkeypatch):
    class SideBySide(sweep._Engine):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self.one_by_one = False

        def _program(self, *given: Any) -> Any:
            lanes = jax.tree.leaves(given[2])[0].shape[0]
            if lanes > 2:
                text = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes."
                raise jax.errors.JaxRuntimeError(text)
            return super()._program(*given)

    runs = [tiny(seed=seed) for seed in range(5)]
    alone = ended(list(sweep.execute(runs, data.load)))
    monkeypatch.setattr(sweep, "_Engine", SideBySide)
    events = list(sweep.execute(runs, data.load))
    # Five runs on two devices: three lanes each, and one each is what fits.
    short = [e for e in events if isinstance(e, faults.MemoryShort)]
    assert [e.lanes for e in short] == [1]
    assert "RESOURCE_EXHAUSTED" in short[0].error
    found = ended(events)
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
    found = ended(list(sweep.execute([*bad, *good], data.load)))
    assert [found[run.id].status for run in good] == ["ok"] * 3
    for run in bad:
        assert found[run.id].status == "failed"
        assert "the compiler has met its match" in (found[run.id].error or "")
        assert found[run.id].history == ()
    assert len(tried) == 1


def test_asked_to_stop_the_engine_ends_at_the_next_section(tiny):
    asked = iter([False] * 3)
    runs = [tiny(seed=seed) for seed in range(4)]
    events = list(sweep.execute(runs, data.load, lambda: next(asked, True)))
    assert ended(events) == {}
    # Asked before the chunk and before its epochs 0, 1 and 2: what has ended then is kept.
    asked = iter([False] * 4)
    events = list(sweep.execute(runs, data.load, lambda: next(asked, True)))
    assert set(ended(events)) == {run.id for run in runs[:2]}


# --- typing the same command again -------------------------------------------------------------


@pytest.fixture
def swept(reluprobe, tmp_path):
    (tmp_path / "grid.toml").write_text(SWEEP)
    found = reluprobe("sweep", "grid.toml")
    assert found.code == 0, found.err
    return tmp_path / "results" / "grid"


def lying(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / "runs").iterdir())}


def same(some: dict[str, bytes], others: dict[str, bytes]) -> bool:
    alike, contents = some.keys() == others.keys(), KILLS.content
    return alike and all(contents(r) == contents(others[name]) for name, r in some.items())


def test_only_what_is_missing_or_damaged_is_run_again(swept, reluprobe):
    before = lying(swept)
    gone, torn, *kept = before
    (swept / "runs" / gone).unlink()
    (swept / "runs" / torn).write_bytes(before[torn][:999])
    (swept / "runs" / f".{gone}.a1b2c3").write_bytes(before[gone][:99])
    found = reluprobe("sweep", "grid.toml")
    assert found.code == 0
    assert "results/grid: 6 of 8 runs done, 2 missing" in found.out
    assert "wrote 2 records" in found.out and "8 runs of blobs" in found.out
    assert f"{torn}: is not whole JSON" in found.err
    after = lying(swept)
    assert same(before, after)
    assert all(before[name] == after[name] for name in kept)
    assert set(swept.iterdir()) == {swept / n for n in (".lock", "runs", "sweep.toml")}


def test_where_all_is_done_the_tables_are_shown_without_jax(swept, reluprobe, tmp_path):
    code = "import sys; from reluprobe.cli import main\n"
    code += "try: main()\nfinally: print('jax' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, "sweep", "grid.toml"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "results/grid/runs: 8 of 8 runs done; nothing was run" in done.stdout
    assert "8 runs of blobs" in done.stdout
    assert done.stdout.splitlines()[-1] == "False"


def test_slices_fill_one_folder_like_a_whole_sweep(swept, reluprobe, tmp_path):
    for number in (2, 3, 1):
        found = reluprobe("sweep", "grid.toml", "--chunk", f"{number}/3", "--out", "sliced")
        assert found.code == 0, found.err
    assert f"of which slice {number}/3 is 2 runs" in found.out
    assert same(lying(tmp_path / "sliced/grid"), lying(swept))
    assert (tmp_path / "sliced/grid/sweep.toml").read_text() == (swept / "sweep.toml").read_text()
    assert "8 runs of blobs" in reluprobe("report", "sliced").out


def test_another_plan_is_refused_until_fresh_or_extend_says_otherwise(swept, reluprobe):
    before = lying(swept)
    more = ("sweep", "grid.toml", "--set", "seeds=5")
    found = reluprobe(*more)
    assert found.code == 2
    assert "8 runs there, 10 asked for, 8 in both" in found.err
    assert "seed: only asked for 4" in found.err
    assert lying(swept) == before
    found = reluprobe(*more, "--extend")
    assert found.code == 0 and "wrote 2 records" in found.out
    assert before.items() <= lying(swept).items()
    found = reluprobe("sweep", "grid.toml", "--fresh")
    assert found.code == 0 and "wrote 8 records" in found.out
    assert same(lying(swept), before)
    assert before.items() <= lying(swept / "old-1").items()


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["--chunk", "0/4"], "an index from 0 wants 1 added"),
        (["--chunk", "5/4"], "1 <= I <= N"),
        (["--chunk", "two"], "got 'two'"),
        (["--fresh", "--extend"], "--fresh does not go with --extend"),
        (["--fresh", "--chunk", "1/2"], "--fresh does not go with --chunk"),
        (["--max-failures", "0"], "--max-failures"),
    ],
)
def test_flags_that_cannot_be_are_refused(reluprobe, tmp_path, args, part):
    (tmp_path / "grid.toml").write_text(SWEEP)
    found = reluprobe("sweep", "grid.toml", *args)
    assert found.code == 2 and part in " ".join(found.err.split())
    assert not (tmp_path / "results").exists()


def test_train_trains_again_and_leaves_a_sweeps_folder_alone(swept, reluprobe):
    tiny = ["--dataset", "blobs", "--depth", "1", "--width", "8", "--epochs", "2"]
    tiny += ["--probe-examples", "200"]
    first, again = (reluprobe("train", *tiny, "--name", "t") for _ in range(2))
    assert first.code == again.code == 0
    assert [t for t in first.out.splitlines() if t[:6].strip() == "2"] == [
        t for t in again.out.splitlines() if t[:6].strip() == "2"
    ]
    before = lying(swept)
    found = reluprobe("train", *tiny, "--name", "grid")
    assert found.code == 2 and "another --name" in found.err
    assert lying(swept) == before


# --- failures ----------------------------------------------------------------------------------


def test_a_failure_is_recorded_left_alone_and_retried_when_asked(reluprobe, tmp_path, poisoned):
    (tmp_path / "grid.toml").write_text(SWEEP)
    real = blueprint.init_lane
    poisoned(lambda config: config.seed == 2 and config.activation == "tanh")
    found = reluprobe("sweep", "grid.toml")
    assert found.code == 3
    assert "seed 2 is cursed" in found.err and "seed 2 is cursed" in found.out
    assert "7 of 8 runs done, 1 failed; to try them again:" in " ".join(found.err.split())
    assert found.err.rstrip().endswith("reluprobe sweep grid.toml --retry-failed")
    folder = tmp_path / "results" / "grid"
    (bad,) = [r for f in lying(folder) if (r := records.read(folder / "runs" / f)).status != "ok"]
    assert (bad.status, bad.config.seed, bad.config.activation) == ("failed", 2, "tanh")
    assert bad.error is not None and bad.error.startswith("FloatingPointError: seed 2 is cursed")
    before = lying(folder)
    found = reluprobe("sweep", "grid.toml")
    assert found.code == 3 and "nothing was run" in found.out
    assert lying(folder) == before
    with mock.patch.object(blueprint, "init_lane", real):
        found = reluprobe("sweep", "grid.toml", "--retry-failed")
    assert found.code == 0 and "wrote 1 record " in found.out
    (found_,) = archive.open_all([folder])
    assert [r.status for r in found_.records] == ["ok"] * 8


def test_max_failures_stops_and_says_what_remains(reluprobe, tmp_path, poisoned):
    (tmp_path / "grid.toml").write_text(SWEEP)
    poisoned(lambda config: config.activation == "relu")
    found = reluprobe("sweep", "grid.toml", "--max-failures", "2")
    assert found.code == 3
    assert "0 of 8 runs done, 2 failed, 6 missing; to go on: reluprobe sweep" in found.err
    assert len(lying(tmp_path / "results/grid")) == 2


def test_a_failed_train_says_so(reluprobe, poisoned):
    poisoned(lambda config: True)
    found = reluprobe("train", "--dataset", "blobs", "--depth", "1", "--width", "8")
    assert found.code == 3
    assert "failed: FloatingPointError: seed 42 is cursed" in found.out


# --- what is said meanwhile --------------------------------------------------------------------


def test_json_is_one_event_a_line_and_nothing_else(reluprobe, tmp_path, poisoned):
    (tmp_path / "grid.toml").write_text(SWEEP)
    poisoned(lambda config: config.seed == 3 and config.activation == "relu")
    found = reluprobe("sweep", "grid.toml", "--json")
    assert found.code == 3
    events = [json.loads(line) for line in found.out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["plan", "start"] and kinds[-1] == "done"
    assert kinds.count("run") == 7 and kinds.count("failed") == 1
    epochs = {(e["id"], e["epoch"]) for e in events if e["event"] == "epoch"}
    ran = {e["id"]: e for e in events if e["event"] == "run"}
    assert epochs >= {(id_, epoch) for id_ in ran for epoch in range(3)}
    for id_, event in ran.items():
        last = records.read(Path(event["path"])).final
        (told,) = {
            (e["test_loss"], *e["dead"])
            for e in events
            if e["event"] == "epoch" and (e["id"], e["epoch"]) == (id_, 2)
        }
        assert told == (last.test_loss, last.layers[0].dead)
    (failed,) = [e for e in events if e["event"] == "failed"]
    assert "cursed" in failed["error"] and Path(failed["path"]).exists()
    end = events[-1]
    counts = {name: end[name] for name in ("ok", "diverged", "failed", "missing", "exit")}
    assert counts == {"ok": 7, "diverged": 0, "failed": 1, "missing": 0, "exit": 3}
    assert found.err == ""


def test_quiet_is_one_line(reluprobe, tmp_path):
    (tmp_path / "grid.toml").write_text(SWEEP)
    found = reluprobe("sweep", "grid.toml", "--quiet")
    (line,) = found.out.splitlines()
    assert line.startswith("wrote 8 records to results/grid/runs")
    assert found.err == ""


def test_off_a_terminal_a_plain_line_comes_again_and_again(run_of, capsys):
    runs = [run_of(norm="batch"), run_of(norm="layer"), run_of(norm="layer", seed=3)]
    tally = progress.Tally(runs, done=9)
    layer = records.LayerRecord(4, *[0.0] * 5, None, "00")
    with progress.shown(tally, every=0.01):
        tally.see(sweep.Compiled(2, 0.5))
        for n in (0, 1):
            epoch = records.EpochRecord(n, None, None, 2.0, 0.5, (layer,))
            tally.see(sweep.EpochDone(runs[0], epoch, False))
        lines = ""
        while lines.count("epoch 1/2") < 3:
            time.sleep(0.01)
            lines += capsys.readouterr().err
    assert "\x1b" not in lines
    last = lines.splitlines()[-1]
    assert last.startswith("9/12 runs · ") and " left · " in last
    assert last.endswith(" · norm batch · seed 7, epoch 1/2")


@pytest.mark.parametrize(
    ("term", "terminal", "lively"),
    [
        ("xterm", True, True),
        ("dumb", True, False),
        ("unknown", True, False),
        ("xterm", False, False),
    ],
)
def test_a_bar_is_drawn_on_a_terminal_that_can_and_nowhere_else(
    run_of, monkeypatch, capsys, term, terminal, lively
):
    there = Console(stderr=True, force_terminal=terminal, _environ={"TERM": term})
    monkeypatch.setattr(console, "err", there)
    assert console.lively() == lively
    tally, lines = progress.Tally([run_of()], 0), ""
    with progress.shown(tally, every=0.01):
        while "0/1 runs" not in lines:
            time.sleep(0.01)
            lines += capsys.readouterr().err
    assert ("\x1b[" in lines) == lively
    with progress.shown(tally, silent=True):
        pass
    assert capsys.readouterr().err == "" or lively


def test_no_color_is_respected(swept):
    command = [*KILLS.command(swept.parents[1])[:3], "sweep", "grid.toml"]
    env = os.environ | {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    plain, coloured = (
        subprocess.run(command, capture_output=True, env=env | more, check=True).stdout
        for more in ({"NO_COLOR": "1"}, {})
    )
    colour = b"\x1b[1;36m"  # the headline's bold cyan
    assert colour in coloured and colour not in plain


def test_a_clock_that_is_set_back_and_forth_changes_nothing(reluprobe, tmp_path, monkeypatch):
    (tmp_path / "grid.toml").write_text(SWEEP)
    jumps = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: 1e9 - 1e6 * next(jumps) * (-1) ** next(jumps))
    found = reluprobe("sweep", "grid.toml")
    assert found.code == 0
    for name in lying(tmp_path / "results/grid"):
        assert 0 <= records.read(tmp_path / "results/grid/runs" / name).seconds < 600


# --- real processes ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def harness(tmp_path_factory):
    """An undisturbed sweep in a process of its own, and its programs for those to come."""
    return KILLS.Harness(tmp_path_factory.mktemp("kills"), 1, SWEEP.replace("4", "12"), span=5.0)


@pytest.mark.slow
def test_records_survive_kill_9(harness):
    while harness.seen["kills"] < 3:
        harness.kill(aimed=harness.seen["kills"] == 1)
    harness.finish()
    assert harness.seen["records compared"] >= 24


def child(harness: Any, *more: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    """A sweep in a process of its own; its events are read from its stdout."""
    command = [a for a in KILLS.command(harness.place) if a != "--quiet"]
    return subprocess.Popen(
        [*before, *command, "--json", *more], env=harness.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def heard(process: subprocess.Popen[str], kind: str) -> dict[str, Any]:
    """The next event of this kind."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == kind:
            return event
    raise AssertionError(f"no {kind}: {process.stderr and process.stderr.read()}")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_signal_ends_the_epoch_says_what_remains_and_how_to_go_on(harness, number, code):
    shutil.rmtree(harness.folder, ignore_errors=True)
    long = ("--set", "epochs=40")
    with child(harness, *long) as process:
        heard(process, "run")
        process.send_signal(number)
        if number == signal.SIGTERM:  # as a scheduler repeats it
            process.send_signal(number)
        _, told = process.communicate(timeout=120)
    assert process.returncode == code
    done = len(lying(harness.folder))
    assert 0 < done < 24
    assert "stopping at the end of this epoch" in told
    assert not [f for f in harness.folder.rglob(".*") if f.name != ".lock"]
    for name in lying(harness.folder):
        assert records.read(harness.folder / "runs" / name).status == "ok"


@pytest.mark.slow
def test_a_second_ctrl_c_ends_it_at_once_even_while_xla_computes(harness):
    shutil.rmtree(harness.folder, ignore_errors=True)
    # One epoch of this takes minutes: a stop at its end would not be seen here.
    slow = ("--set", "epochs=1", "--set", "depth=40", "--set", "width=512")
    with child(harness, *slow) as process:
        heard(process, "start")
        assert process.stderr is not None
        time.sleep(harness.span)  # into compiling or computing, where no Python runs
        process.send_signal(signal.SIGINT)
        assert "again stops at once" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    with child(harness, "--dry-run") as process:
        assert process.wait() == 0


@pytest.mark.slow
def test_a_full_disk_is_named_and_what_is_written_stays(harness):
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", str(harness.place)],
            capture_output=True,
        ).returncode
    ):
        pytest.skip("needs a mount namespace for a disk of 100 kB")
    full = harness.place / "full"
    (full / "kept").mkdir(parents=True)
    (full / "disk").mkdir()
    # The disk is gone with its namespace, so what it holds at the end is copied out.
    script = 'd=$1; shift; mount -t tmpfs -o size=100k none $d/disk; "$@" --out $d/disk; '
    script += "code=$?; cp -a $d/disk/. $d/kept; exit $code"
    with child(harness, before=["unshare", "-Urm", "sh", "-c", script, "sh", str(full)]) as process:
        _, told = process.communicate(timeout=120)
    assert process.returncode == 1, told
    assert f"cannot write {full}/disk/kill/runs/" in told
    assert "No space left on device" in told and "To go on: reluprobe sweep" in told
    assert "Traceback" not in told
    written = lying(full / "kept" / "kill")
    assert 0 < len(written) < 24
    assert not any(name.startswith(".") for name in written)
    for name, record in written.items():
        assert KILLS.content(record) == harness.expected[name]


@pytest.mark.slow
def test_a_folder_made_read_only_is_named_and_what_is_written_stays(harness):
    shutil.rmtree(harness.folder, ignore_errors=True)
    runs = harness.folder / "runs"
    with child(harness) as process:
        heard(process, "run")
        # To root a folder's mode says nothing; a file system's flag does.
        closed = ["chattr", "+i", str(runs)] if os.geteuid() == 0 else ["chmod", "a-w", str(runs)]
        if (
            shutil.which(closed[0]) is None
            or subprocess.run(closed, capture_output=True).returncode
        ):
            process.kill()
            pytest.skip("cannot make a folder read-only here")
        try:
            _, told = process.communicate(timeout=120)
        finally:
            opened = [word.replace("+i", "-i").replace("a-w", "u+w") for word in closed]
            subprocess.run(opened, check=True)
    assert process.returncode == 1
    assert f"cannot write {runs}/" in told and "Traceback" not in told
    before = lying(harness.folder)
    assert 0 < len(before) < 24
    harness.finish()
