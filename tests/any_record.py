"""Hypothesis strategies for any valid record: of any status, with any part missing that may be."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from reluprobe.config import RunConfig, make_run, phases
from reluprobe.plan.runs import as_run
from reluprobe.records import (
    READABLE,
    SCHEMA,
    ActivationsRecord,
    CausesRecord,
    Coverage,
    EpochRecord,
    Foreign,
    LayerInfo,
    LayerRecord,
    MovementRecord,
    PaceRecord,
    PhaseRecord,
    Place,
    ProbeRecord,
    RatesRecord,
    RunRecord,
    SampleRecord,
    StepRecord,
    foreign_id,
    unit_numbers,
)
from reluprobe.records.layer_checks import MASKS

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


def firing(draw: Any, units: int) -> dict[str, Any]:
    """What records have of firing rates since ``run/7``, or some of it."""
    some = st.sampled_from(["", "40", "f0"])
    masks = {name: draw(st.none() | some) for name in MASKS}
    fired = draw(st.lists(st.integers(0, 10), min_size=units, max_size=units))
    counts = unit_numbers.pack_counts(np.array(fired), 10)
    size = unit_numbers.pack_magnitudes(np.linspace(0, 1, units))
    sloped = draw(st.sampled_from([None, "fired", counts]))
    far = st.tuples(shares, shares).map(sorted)
    # A unit each: four states have no more than a layer.
    pace = st.none() | far.map(lambda ends: PaceRecord(1, *ends))
    return {
        **masks,
        "rare": draw(shares),
        "linear": draw(st.none() | shares),
        "firing": draw(st.sampled_from([(units, *[0] * 8), (1, 1, 0, 0, 1, 0, 0, 0, units - 3)])),
        "rates": draw(st.none() | st.just(RatesRecord(10, counts, sloped, size))),
        "movement": draw(st.none() | st.builds(MovementRecord, pace, pace, pace, pace)),
        "dead_data": draw(st.none() | shares),
    }


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
            **(firing(draw, config.width) if draw(st.booleans()) else {}),
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


#: What an owner may call a layer, a setting, a network: anything that can be shown.
names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)
odd_names = st.sampled_from(
    ["dead", "L1", "seed_", "learning_rate", "1e5", "=2+3", "all", "0", "|x|"]
)
values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["cosine", "", "=1+1", "a · b", "1e-3", "none", "true", "<b>", "L" * 200])
)
ACTIVATIONS = ["relu", "tanh", "f(z)", "gelu_tanh"]


def masked(draw: Any, units: int) -> str:
    """Any of so many units, as a record's mask."""
    bits = draw(st.integers(0, 2**units - 1))
    digits = 2 * -(-units // 8)
    return f"{bits << (4 * digits - units):0{digits}x}"


def foreign_layer(draw: Any, info: LayerInfo) -> LayerRecord:
    """A layer at a look: in a branch that was not taken without counts."""
    if draw(st.integers(0, 9)) == 0:
        return LayerRecord(info.units, *[None] * 6, dead_units=None)
    lost = draw(st.sampled_from([None, 0, 1])) if info.units > 1 else None
    most = info.units - (lost or 0)
    mask = masked(draw, most)
    count = int(mask, 16).bit_count()
    mask = mask.ljust(2 * -(-info.units // 8), "0")
    shares = [draw(st.integers(0, most)) / info.units for _ in range(4)]
    causes = st.none() | st.builds(CausesRecord, numbers, numbers, numbers)
    return LayerRecord(
        info.units,
        count / info.units,
        *shares,
        saturated=draw(st.integers(0, most)) / info.units if info.activation == "tanh" else None,
        dead_units=mask if draw(st.booleans()) else None,
        deaths=draw(st.none() | st.integers(0, info.units)),
        causes=draw(causes),
        not_finite=lost,
    )


@st.composite
def foreign_records(draw: Any, infos: tuple[LayerInfo, ...]) -> RunRecord:
    """A record of somebody else's network with these layers."""
    settings = draw(st.dictionaries(names | odd_names, values, max_size=3))
    settings = {k.strip(): v for k, v in settings.items() if k.strip() not in ("", "name", "seed")}
    foreign = Foreign(
        draw(st.sampled_from(["cnn", "mlp", "<i>"])), draw(st.integers(-1, 1)), settings
    )
    status = draw(st.sampled_from(["ok", "ok", "ok", "diverged", "failed"]))
    steps = sorted(draw(st.sets(st.integers(0, 10**7), min_size=status != "failed", max_size=4)))

    def look(n: int, step: int) -> EpochRecord:
        measures = [draw(st.none() | numbers), draw(st.none() | shares)]
        loss, right = draw(st.sampled_from([measures, [None, None]]))
        layers = tuple(foreign_layer(draw, info) for info in infos)
        return EpochRecord(n, draw(st.none() | numbers), None, loss, right, layers, step)

    history = tuple(look(n, step) for n, step in enumerate(steps))
    samples = draw(
        st.lists(st.sampled_from(["probe", "test", "train", "val"]), unique=True, max_size=3)
    )
    place = st.builds(Place, names, names | st.just(""))
    places = st.lists(place, max_size=8).map(tuple)
    coverage = st.builds(Coverage, places, places, places, places, st.lists(names).map(tuple))
    return RunRecord(
        SCHEMA,
        foreign_id(foreign),
        foreign,
        status,
        draw(st.sampled_from([{}, {"device": "cpu", "devices": 1, "jax": "0.10.2"}])),
        1.0,
        ProbeRecord(draw(st.sampled_from(["probe", "val"])), 10),
        history,
        samples=tuple(
            SampleRecord(
                n, 20, None, draw(st.none() | shares), tuple(foreign_layer(draw, i) for i in infos)
            )
            for n in (samples if history else [])
        ),
        layers=infos,
        clock="step",
        coverage=draw(st.none() | coverage),
        error="it broke" if status == "failed" else None,
    )


@st.composite
def networks(draw: Any) -> tuple[LayerInfo, ...]:
    """Layers of a network, maybe none, of several widths and activations."""
    called = draw(st.lists(names | odd_names, max_size=4, unique=True))
    return tuple(
        LayerInfo(
            name,
            draw(st.sampled_from(ACTIVATIONS)),
            draw(st.sampled_from([1, 3, 8, 9, 70])),
            10,
            draw(st.sampled_from([1, 49])),
            "bfloat16",
            draw(st.booleans()),
            draw(st.sampled_from(["", "net.py:1"])),
        )
        for name in called
    )


def distinct(record: RunRecord) -> str:
    """Its id."""
    return record.id


#: A folder of runs of ours, or of foreign ones: of one network, or of another each.
folders = st.lists(records(), min_size=1, max_size=4, unique_by=distinct)
foreign_folders = networks().flatmap(
    lambda infos: st.lists(
        foreign_records(infos) | networks().flatmap(foreign_records),
        min_size=1,
        max_size=4,
        unique_by=distinct,
    )
)
