"""Hypothesis strategies for any valid record: of any status, with any part missing that may be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from reluprobe.config import RunConfig, make_run, phases
from reluprobe.plan.runs import as_run
from reluprobe.records import (
    READABLE,
    ActivationsRecord,
    CausesRecord,
    EpochRecord,
    LayerRecord,
    PhaseRecord,
    ProbeRecord,
    RunRecord,
    SampleRecord,
    StepRecord,
)

WIDTH, STEPS = 4, 3
shares = st.sampled_from([0.0, 0.25, 0.5, 1.0])
numbers = st.floats(-100, 100, allow_nan=False, width=32)
MOVES = [
    {},
    {"activation": "elu"},
    {"activation": "relu6"},
    {"learning_rate": 0.01},
    {"depth": 1},
    {"dataset": "abs"},
    {"dataset": "fashion_mnist"},
    {"epochs": 0},
    {"probe_every": 2},
    {"revive": "redo"},
    {"phases": "permuted_pixels*2"},
    {"norm": "batch", "l2": 1e-4},
]


def layers(draw: Any, config: RunConfig, lost: bool) -> tuple[LayerRecord, ...]:
    """Of each hidden layer all shares, or none where the run is lost; the rest may be missing."""

    def layer() -> LayerRecord:
        if lost:
            return LayerRecord(config.width, *[None] * 6, dead_units=None)
        values = [draw(shares) for _ in range(5)]
        mask = draw(st.none() | st.sampled_from(["00", "40", "f0", "c0"]))
        causes = st.none() | st.builds(CausesRecord, numbers, numbers, numbers)
        counts = st.tuples(*[st.integers(0, 9)] * 4)
        outputs = st.builds(
            ActivationsRecord,
            *(numbers, shares, shares, shares),
            low=st.floats(-100, 0, width=32),
            high=st.floats(0, 100, width=32),
            counts=counts,
        )
        return LayerRecord(
            config.width,
            *values,
            saturated=draw(st.none() | shares),
            dead_units=mask,
            certified=draw(st.none() | shares),
            deaths=draw(st.none() | st.integers(0, 4)),
            causes=draw(causes),
            activations=draw(st.none() | outputs),
            revived=draw(st.none() | st.integers(0, 4)),
            revived_units=draw(st.none() | st.sampled_from(["00", "40", "f0"])),
        )

    return tuple(layer() for _ in range(config.depth))


def sample(draw: Any, config: RunConfig, name: str) -> SampleRecord:
    """A look at a split."""
    return SampleRecord(
        name, 10, draw(st.none() | shares), draw(st.none() | shares), layers(draw, config, False)
    )


def epoch(draw: Any, config: RunConfig, number: int, lost: bool, counted: bool) -> EpochRecord:
    """An epoch; a lost run's has no numbers. ``counted``: it says its step, as newer ones do."""
    measures = [None if lost else draw(st.none() | shares) for _ in range(3)]
    loss, right, accuracy = measures
    tested = None if lost else draw(shares)
    step = number * STEPS if counted else None
    return EpochRecord(number, loss, right, tested, accuracy, layers(draw, config, lost), step)


@st.composite
def records(draw: Any) -> RunRecord:
    """A record that ``records.read`` takes."""
    move = draw(st.sampled_from(MOVES))
    sizes = {"depth": 2, "width": WIDTH, "epochs": 2, "seed": draw(st.integers(0, 2))}
    run = as_run(make_run(sizes | move))
    config = run.config
    status = draw(st.sampled_from(["ok", "ok", "diverged", "failed"]))
    total = phases.total_epochs(config.phases, config.epochs) + 1
    # A failed run has what came before it raised, maybe nothing.
    length = draw(st.integers(0, total)) if status == "failed" else total
    # A run may diverge at a probe between epochs, or after its last: no epoch then has nulls.
    lost_at = draw(st.integers(0, length)) if status == "diverged" else length
    counted = draw(st.booleans())
    history = tuple(epoch(draw, config, n, n >= lost_at, counted) for n in range(length))
    ended = status == "ok"
    names = ["probe", "test", "train"]
    samples = [sample(draw, config, n) for n in names] if ended and draw(st.booleans()) else []
    # Between epochs there is a step where there are two epochs.
    several = draw(st.integers(0, STEPS - 1)) if total > 1 else 0
    steps = [StepRecord(n, layers(draw, config, not ended)) for n in range(1, several + 1)]
    past = phases.stretches(config.phases, config.epochs) if ended and draw(st.booleans()) else []
    changes = [
        PhaseRecord(
            s.index,
            config.dataset,
            s.phase.task,
            s.first,
            s.last,
            sample(draw, config, "probe") if s.index else None,
            sample(draw, config, "probe"),
        )
        for s in (past if len(past) > 1 else [])
    ]
    return RunRecord(
        draw(st.sampled_from(READABLE)),
        run.id,
        config,
        status,
        draw(st.sampled_from([{}, {"device": "cpu", "devices": 2, "jax": "0.10.2"}])),
        1.0,
        ProbeRecord("train", 10),
        history,
        tuple(steps),
        tuple(samples),
        tuple(changes),
        error="it broke" if status == "failed" else None,
    )


folders = st.lists(records(), min_size=1, max_size=4, unique_by=lambda record: record.id)
