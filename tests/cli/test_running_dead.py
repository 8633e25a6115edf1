"""What is dead so far, on the live view of a sweep: from events made by hand."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from plain_records import record_of
from reluprobe.cli import console, progress
from reluprobe.cli.running_dead import RunningDead
from reluprobe.config import make_run
from reluprobe.engine.events import Compiled, Compiling, EpochDone, Resumed, RunDone
from reluprobe.plan.runs import Run, as_run

WIDTH = 1000


def run_of(**settings: Any) -> Run:
    return as_run(
        make_run({"dataset": "blobs", "width": WIDTH, "depth": 1, "epochs": 2} | settings)
    )


def record(run: Run, dead: float, **more: Any) -> Any:
    """A record of a run that ends with this share of its units dead."""
    whole = record_of(run, **more)
    epochs = [
        dataclasses.replace(e, layers=tuple(dataclasses.replace(y, dead=dead) for y in e.layers))
        for e in whole.history
    ]
    return dataclasses.replace(whole, history=tuple(epochs))


def epoch(run: Run, dead: float, diverged: bool = False) -> EpochDone:
    return EpochDone(run, record(run, dead).final, diverged)


def test_it_is_the_mean_over_runs_that_ended_and_over_those_under_way_where_none_has():
    relus = [run_of(seed=seed) for seed in range(4)]
    elu = run_of(activation="elu")
    seen = RunningDead(("activation", ("relu", "elu", "tanh")), [*relus, elu], [])
    assert seen.line(80) == ""
    seen.see(epoch(relus[0], 0.5))
    assert seen.line(80) == "dead %: relu 50.0"
    seen.see(RunDone(relus[0], record(relus[0], 0.2)))
    seen.see(epoch(relus[1], 0.9))
    assert seen.line(80) == "dead %: relu 20.0"
    seen.see(RunDone(relus[1], record(relus[1], 0.3)))
    seen.see(epoch(elu, 0.001))
    assert seen.line(80) == "dead %: relu 25.0 · elu 0.1"
    # A run without final numbers has no share, and takes back what it had.
    seen.see(epoch(relus[2], 1.0))
    seen.see(RunDone(relus[2], record(relus[2], 1.0, status="diverged")))
    failed = record_of(relus[3], status="failed", history=())
    seen.see(RunDone(relus[3], failed))
    assert seen.line(80) == "dead %: relu 25.0 · elu 0.1"


def test_runs_that_had_ended_before_count_and_a_value_with_a_parameter_is_its_own():
    plain = run_of(activation="leaky_relu", leaky_slope=0.3)
    steep = run_of(activation="leaky_relu", leaky_slope=0.1)
    axis = ("activation", ("leaky_relu", "leaky_relu(0.1)"))
    seen = RunningDead(axis, [plain, steep], [record(plain, 0.4)])
    seen.see(RunDone(steep, record(steep, 0.1)))
    assert seen.line(80) == "dead %: leaky_relu 40.0 · leaky_relu(0.1) 10.0"


def test_a_number_is_named_as_its_tables_name_it():
    runs = [run_of(learning_rate=rate) for rate in (0.000316227766017, 0.1)]
    seen = RunningDead(("learning_rate", (0.000316227766017, 0.1)), runs, [])
    for run, dead in zip(runs, (0.0, 1.0), strict=True):
        seen.see(epoch(run, dead))
    assert seen.line(80) == "dead % by lr: 3.16e-4: 0.0 · 0.1: 100.0"


@given(st.lists(st.integers(0, WIDTH), min_size=2, max_size=30), st.integers(60, 120))
def test_it_fits_and_never_leaves_out_the_most_and_the_fewest_dead(shares: list[int], width: int):
    runs = [run_of(learning_rate=1 + n / 8) for n in range(len(shares))]
    seen = RunningDead(("learning_rate", [r.config.learning_rate for r in runs]), runs, [])
    for run, share in zip(runs, shares, strict=True):
        seen.see(epoch(run, share / WIDTH))
    line = seen.line(width)
    assert len(line) <= width
    values = [part.split(": ")[-1] for part in line.split(" · ") if not part.startswith("…")]
    assert {f"{max(shares) / 10:.1f}", f"{min(shares) / 10:.1f}"} <= {*values}
    left_out = [int(part.split()[1]) for part in line.split(" · ") if part.startswith("…")]
    assert len(values) + sum(left_out) == len(shares)


@pytest.mark.parametrize("width", [80, 40])
def test_the_live_view_is_three_lines_that_fit(monkeypatch, width):
    written = io.StringIO()
    screen = pyte.Screen(width, 10)
    terminal = Console(
        file=written, force_terminal=True, width=width, height=10, _environ={"TERM": "xterm"}
    )
    monkeypatch.setattr(console, "err", terminal)
    runs = [run_of(activation=f, seed=s, norm="batch") for f in ("relu", "elu") for s in (0, 1)]
    dead = RunningDead(("activation", ("relu", "elu")), runs, [])
    tally = progress.Progress(runs, 0, dead)
    with progress.shown(tally):
        for run, share in zip(runs[:3], (0.25, 0.75, 0.0), strict=True):
            tally.see(epoch(run, share))
            tally.see(RunDone(run, record(run, share)))
    pyte.Stream(screen).feed(written.getvalue().split("\x1b[?25h")[0].replace("\n", "\r\n"))
    bar, where, counted = (line.rstrip() for line in screen.display[:3])
    assert bar.startswith("3/4 runs ━") and bar.endswith("9/12")
    assert where.startswith("elu · seed 0, epoch 2/2 · about")
    assert counted == "dead %: relu 50.0 · elu 0.0"
    assert not "".join(screen.display[3:]).strip()


# --- the time that is left ---------------------------------------------------------------------


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("reluprobe.cli.time_left.time.monotonic", clock.monotonic)
    return clock


def test_each_program_has_its_own_pace_and_those_to_come_are_compiled_first(clock: Clock):
    small = [run_of(seed=seed) for seed in range(4)]
    large = [run_of(seed=seed, depth=9) for seed in range(4)]
    left = progress.Progress([*small, *large], 0)
    assert left.left() == ""

    def trained(run: Run, seconds: float) -> None:
        for n in range(3):
            clock.now += seconds
            whole = record_of(run).history[n]
            left.see(EpochDone(run, whole, False))
        left.see(RunDone(run, record_of(run)))

    left.see(Compiling(small[0], 2))
    clock.now += 8
    left.see(Compiled(2, 8.0))
    trained(small[0], 1)
    # 3 more runs of 3 epochs at 1 s; 12 epochs of the large, as the small for want of better, and
    # as long a wait for their program.
    assert left.time_left.estimate() == 9 + 12 + 8
    trained(large[0], 10)
    assert left.time_left.estimate() == 9 + 9 * 10
    clock.now += 4  # it is counted down, too
    assert left.time_left.estimate() == 95
    for run in (*small[1:], *large[1:]):
        trained(run, 1)
    assert left.time_left.estimate() == 0


def test_what_was_trained_by_an_earlier_command_took_no_time_of_this_one(clock: Clock):
    run = run_of(epochs=9)
    history = record_of(run).history
    left = progress.Progress([run], 0)
    left.see(Resumed(run, history[:6]))
    clock.now += 60
    left.see(EpochDone(run, history[6], False))
    left.see(EpochDone(run, history[6], False))  # again, after a fault
    assert left.left() == "about 3 min 00 s left"
