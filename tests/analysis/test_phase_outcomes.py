"""Dead units by phase, from records made by hand; names of configurations of many settings."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from reluprobe import records
from reluprobe.analysis import phase_outcomes
from reluprobe.analysis.aggregate import summarize
from reluprobe.config import labels, make_run, parse_sweep
from reluprobe.plan.runs import expand, run_id
from reluprobe.records import EpochRecord, LayerRecord, PhaseRecord, SampleRecord
from reluprobe.report.terminal import phase_outcomes as phase_table
from reluprobe.report.terminal import tables

WIDTH = 8


def layers(dead: set[int]) -> tuple[LayerRecord, ...]:
    mask = np.packbits([unit in dead for unit in range(WIDTH)]).tobytes().hex()
    share = len(dead) / WIDTH
    return (LayerRecord(WIDTH, share, share, share, share, share, None, mask),)


def sample(dead: set[int], accuracy: float) -> SampleRecord:
    return SampleRecord("probe", 100, 0.5, accuracy, layers(dead))


def phased(seed: int = 0, phases: int = 2, **settings: object) -> records.RunRecord:
    """Dead at the ends: {0, 1}, then {1, 2, 3, 4}; on the second phase's data at first: {1}."""
    config = make_run(
        dict(depth=1, width=WIDTH, epochs=1, seed=seed, phases=f"permuted_pixels*{phases - 1}")
        | settings
    )
    ends = [{0, 1}, {1, 2, 3, 4}] * phases
    history = [EpochRecord(0, None, None, 2.3, 0.1, layers({7}), 0)]
    history += [EpochRecord(n + 1, 1.0, 0.5, 0.5, 0.9, layers(ends[n])) for n in range(phases)]
    entries = [PhaseRecord(0, "mnist", "same", 1, 1, None, sample({0, 1}, 0.9))]
    entries += [
        PhaseRecord(n, "mnist", "permuted_pixels", n + 1, n + 1, sample({1}, 0.2), sample({5}, 0.3))
        for n in range(1, phases)
    ]
    return records.RunRecord(
        records.SCHEMA,
        run_id(config),
        config,
        "ok",
        {"device": "cpu", "devices": 1, "jax": "0"},
        1.0,
        records.ProbeRecord("train", 100),
        tuple(history),
        phases=tuple(entries),
    )


def test_a_phase_starts_wakes_and_ends_as_its_masks_say():
    first, second = phase_outcomes.turns([phased()], "dead")
    means = [e and e.mean for e in (first.start, first.wakes, first.end, first.reference)]
    assert means == [1 / 8, None, 2 / 8, 2 / 8]  # epoch 0 is the first phase's start
    # Of units 0 and 1, dead before, unit 0 fires on the new data; then four are dead.
    means = [e and e.mean for e in (second.start, second.wakes, second.end, second.reference)]
    assert means == [1 / 8, 1 / 2, 4 / 8, 1 / 8]
    assert second.remembered and second.remembered.mean == 0.3
    assert second.accuracy and second.accuracy.mean == 0.9
    assert (second.task, second.first_epoch, second.last_epoch) == ("permuted_pixels", 2, 2)


def test_seeds_fold_and_runs_of_other_phases_do_not_mix():
    both = phase_outcomes.turns([phased(0), phased(1)], "dead")
    assert [t.end and t.end.n for t in both] == [2, 2]
    assert phase_outcomes.turns([phased(0), phased(1, phases=3)], "dead") == []
    assert phase_outcomes.turns([], "dead") == []


def test_what_a_record_lacks_of_a_phase_is_none():
    whole = phased()
    lacking = dataclasses.replace(whole, history=whole.history[:1])
    first, second = phase_outcomes.turns([lacking], "dead")
    assert (second.wakes, second.end, second.accuracy) == (None, None, None)
    assert second.start and second.start.mean == 1 / 8
    unstarted = dataclasses.replace(whole.phases[1], start=None)
    _, second = phase_outcomes.turns(
        [dataclasses.replace(whole, phases=(whole.phases[0], unstarted))], "dead"
    )
    assert (second.start, second.wakes) == (None, None)
    assert first.start and first.start.mean == 1 / 8


@pytest.mark.parametrize("phases", [2, 12, 13, 100])
def test_a_hundred_phases_are_shown_by_twelve_the_ends_among_them(phases: int):
    turns = phase_outcomes.turns([phased(phases=phases)], "dead")
    shown = phase_table.shown(turns)
    assert len(shown) == min(phases, phase_table.MOST_ROWS)
    assert (shown[0], shown[-1]) == (turns[0], turns[-1])
    places = [turn.phase for turn in shown]
    assert places == sorted(set(places))
    if phases > 12:
        assert max(np.diff(places)) - min(np.diff(places)) <= 1


def test_report_shows_phases_without_being_asked_and_as_json(tmp_path, reluprobe):
    for seed in (0, 1):
        records.write(phased(seed), tmp_path / "new")
    code, text, _ = reluprobe("report", str(tmp_path), "--no-figures")
    assert code == 0
    assert "over 2 phases dead 25.0 → 50.0%" in " ".join(text.split())
    # A command to be typed is one line, however long a folder's name is.
    assert all(len(line) <= 80 for line in text.splitlines() if "reluprobe report" not in line)
    (configuration,) = json.loads(reluprobe("report", str(tmp_path), "--json").out)["sweeps"][0][
        "configurations"
    ]
    wakes = [turn["wakes"] for turn in configuration["phases"]]
    assert [share and share["mean"] for share in wakes] == [None, 0.5]


def test_many_settings_are_told_by_what_most_others_do_not_have():
    remedies = [{}, {"norm": "batch"}, {"residual": True}, {"use_bias": False}, {"l2": 0.1}]
    remedies.append({"activation": "leaky_relu(0.1)"})
    rows = summarize([phased(**remedy) for remedy in remedies])
    named = [row.settings["change"] for row in tables.shortened(rows)]
    assert named == ["no change", "norm batch", "residual", "no bias", "L2 0.1", "leaky_relu(0.1)"]
    few = summarize([phased(**remedy) for remedy in remedies[:3]])
    assert tables.shortened(few) == few


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"activation": "elu", "elu_alpha": 0.5}, "elu(0.5)"),
        ({"activation": "relu", "elu_alpha": None}, "relu"),
        ({"residual": False, "use_bias": True}, "no residual · bias"),
        ({"norm": "none", "l2": 1e-4, "revive": "redo"}, "norm none · L2 1e-4 · revive redo"),
    ],
)
def test_settings_are_named_where_their_value_alone_says_nothing(values: dict, text: str):
    assert labels.settings(values) == text


def test_a_value_may_stand_twice_beside_others_in_a_zip():
    block = {"optimizer": ["sgd", "sgd", "adam"], "learning_rate": [0.1, 0.2, 0.1]}
    plan = expand(parse_sweep({"zip": [block], "base": {"dataset": "blobs"}}))
    assert [(r.config.optimizer, r.config.learning_rate) for r in plan.runs] == [
        ("sgd", 0.1),
        ("sgd", 0.2),
        ("adam", 0.1),
    ]
