"""Unit lives: episodes, revivals and medians from masks; collapsed networks."""

import dataclasses
import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rich.console import Console

from reluprobe.analysis import aggregate, unit_fates, unit_lives
from reluprobe.analysis.estimates import SHARE
from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import SCHEMA, EpochRecord, LayerRecord, ProbeRecord, RunRecord
from reluprobe.report.terminal import mishaps, tables
from reluprobe.report.terminal import unit_lives as lives_table

MASKS = hnp.arrays(
    bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
)  # (probe, unit)


def mask(*rows):
    """One text a unit, a letter a probe: # is dead."""
    return np.array([[c == "#" for c in row] for row in rows]).T


def record(masks, status="ok", constant=None, loss=0.4, accuracy=0.9, **settings):
    """A run with these masks ``(probe, unit)``, one a layer; ``constant`` as ``dead`` if None."""
    config = make_run({"depth": len(masks), "width": masks[0].shape[1], **settings})
    run = as_run(config)

    def layer(i, t):
        dead = float(masks[i][t].mean())
        same = dead if constant is None else constant[i]
        bits = np.packbits(masks[i][t]).tobytes().hex()
        return LayerRecord(masks[i].shape[1], dead, dead, dead, same, dead, None, bits)

    history = tuple(
        EpochRecord(t, None, None, loss, accuracy, tuple(layer(i, t) for i in range(len(masks))))
        for t in range(len(masks[0]))
    )
    return RunRecord(
        SCHEMA,
        run.id, config, status, {"device": "cpu", "devices": 2, "jax": "0"}, 1.0,
        ProbeRecord("train", 1000), history,
    )  # fmt: skip


def text(shown, width=80):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(shown)
    return console.export_text()


HAND = mask("......", "#.....", "..####", ".#.##.", "##..##", "######")


def test_a_hand_made_layer():
    units = unit_lives.units(HAND)
    assert units.born_dead.tolist() == [False, True, False, False, True, True]
    assert units.first_death.tolist() == [-1, 0, 2, 1, 0, 0]
    assert units.revivals.tolist() == [0, 1, 0, 2, 1, 0]
    assert units.episodes.tolist() == [0, 1, 1, 2, 2, 1]
    assert units.dead_at_end.tolist() == [False, False, True, False, True, True]
    whole = unit_lives.lives(HAND)
    assert (whole.born, whole.ever, whole.end) == (3 / 6, 5 / 6, 3 / 6)
    assert whole.revives == 4 / 15
    assert whole.closed_length == 1.5  # 1, 1, 2, 2
    assert whole.permanent == 2 / 3


def test_episodes_have_a_start_a_length_and_an_end_or_none():
    episodes = unit_lives.episodes(mask("##..#", ".#..."))
    columns = (episodes.unit, episodes.start, episodes.length, episodes.closed)
    assert list(zip(*columns, strict=True)) == [
        (0, 0, 2, True), (0, 4, 1, False), (1, 1, 1, True),
    ]  # fmt: skip


@given(MASKS)
def test_revivals_are_closed_episodes(mask):
    each, stretch = unit_lives.units(mask), unit_lives.episodes(mask)
    closed = np.bincount(stretch.unit[stretch.closed], minlength=mask.shape[1])
    assert each.revivals.tolist() == closed.tolist()
    assert (each.episodes - each.revivals).tolist() == each.dead_at_end.astype(int).tolist()
    assert stretch.length.sum() == mask.sum()


@given(MASKS)
def test_units_agree_with_a_loop_over_their_bits(mask):
    each = unit_lives.units(mask)
    for unit, bits in enumerate(mask.T.tolist()):
        assert each.dead_at_end[unit] == bits[-1]
        assert each.first_death[unit] == (bits.index(True) if True in bits else -1)
        assert each.episodes[unit] == sum(key for key, _ in itertools.groupby(bits))


@given(MASKS)
def test_shares_are_ordered_and_without_revivals_death_is_for_good(mask):
    whole = unit_lives.lives(mask)
    assert whole.ever >= max(whole.end, whole.born)
    assert (whole.permanent is None) == (whole.end == 0)
    once = np.maximum.accumulate(mask, axis=0)  # no unit ever comes back
    forever = unit_lives.lives(once)
    assert forever.permanent in (None, 1.0)
    assert forever.revives in (None, 0.0)
    assert forever.closed_length is None


@given(MASKS)
def test_the_chance_of_a_revival_is_what_the_median_is_made_of(mask):
    stretch = unit_lives.episodes(mask)
    at_risk = sum(
        int(np.sum(stretch.length > t) + np.sum((stretch.length == t) & stretch.closed))
        for t in range(1, len(mask) + 1)
    )
    assert at_risk == mask[:-1].sum()
    closed = stretch.length[stretch.closed]
    if len(closed) and stretch.closed.all():  # nothing censored: the plain (lower) median
        plain = np.sort(closed)[(len(closed) - 1) // 2]
        assert unit_lives.median_length(stretch.length, stretch.closed) == plain


def test_open_episodes_count_as_long_as_they_were_watched():
    length, closed = (
        np.array([1, 1, 5, 5, 5, 5]),
        np.array([True, True, False, False, False, False]),
    )
    assert unit_lives.median_length(length, closed) is None
    assert np.median(length[closed]) == 1  # what leaving them out would claim
    assert unit_lives.median_length(np.array([1, 2, 3]), np.array([False, True, True])) == 2
    assert unit_lives.median_length(np.array([], int), np.array([], bool)) is None


def test_a_known_law_is_found_again():
    # Every unit is born dead and comes back with chance ¼ a probe: the median is 3 probes
    # (0.75² = 0.56, 0.75³ = 0.42), though the longest episodes are still open at the end.
    rng = np.random.default_rng(0)
    gone = rng.random((6, 4000)) < 0.25
    mask = ~np.logical_or.accumulate(np.vstack([np.zeros((1, 4000), bool), gone]), axis=0)
    stretch, whole = unit_lives.episodes(mask), unit_lives.lives(mask)
    assert unit_lives.median_length(stretch.length, stretch.closed) == 3
    assert whole.revives == pytest.approx(0.25, abs=4 * np.sqrt(0.1875 / mask[:-1].sum()))
    assert whole.closed_length < 3


@given(MASKS, st.integers(0, 9))
def test_masks_of_a_record_are_what_was_packed(mask, seed):
    (read,) = unit_lives.watched(record([mask], seed=seed)).values()
    assert np.array_equal(read.dead, mask)
    assert read.redrawn is None


def test_seeds_are_folded_and_episodes_pooled():
    runs = [record([mask("##.", "..#")], seed=0), record([mask("...", "#.#")], seed=1)]
    fates = unit_fates.fates(runs)
    assert (fates.probes, fates.first, fates.last) == (3, 0, 2)
    (layer,) = fates.layers.values()
    assert layer.born == aggregate.estimate([0.5, 0.5], SHARE)
    assert layer.revives == aggregate.estimate([1 / 2, 1.0], SHARE)
    assert layer.permanent == aggregate.estimate([1.0, 0.0], SHARE)
    assert (layer.closed, layer.open, layer.median) == (2, 2, 1)
    assert fates.network == layer


def test_nothing_died_and_nothing_ended():
    (alive,) = unit_fates.fates([record([mask("...", "...")])]).layers.values()
    assert alive.ever == aggregate.Estimate(0.0, None, 1)
    assert (alive.revives, alive.permanent, alive.median) == (None, None, None)
    assert unit_fates.fates([record([HAND], status="diverged")]) is None
    assert unit_fates.fates([dataclasses.replace(record([HAND]), history=())]) is None


def test_the_table_says_what_happened_and_fits():
    fates = [
        (
            {"activation": "relu"},
            unit_fates.fates([record([HAND, HAND], seed=s) for s in range(3)]),
        ),
        ({"activation": "elu"}, unit_fates.fates([record([mask("...")])])),
        ({"activation": "selu"}, None),
    ]
    words = " ".join(text(lives_table.headline(fates)).split())
    assert words.startswith("relu: 66.7 ±0.0% of the units dead at the end have been dead ever")
    assert "alive again by the next probe with probability 26.7 ±0.0%" in words
    assert "…" not in text(lives_table.table(fates, 80))
    lines = text(lives_table.table(fates, 200), 200).splitlines()
    assert lines[1].split() == [
        "relu", "1", "50.0", "±0.0", "83.3", "±0.0", "50.0", "±0.0", "26.7", "±0.0", "2", "9",
        "66.7", "±0.0",
    ]  # fmt: skip
    assert lines[3].split()[0] == "all"
    assert lines[4].split() == ["elu", "1", "0.0", "0.0", "0.0", *["n/a"] * 4]
    assert lines[6].split() == ["selu", "n/a"]
    assert "6 probes a run, epochs 0–5" in lives_table.title(fates[:1]).plain
    assert "no unit was dead" in lives_table.headline(fates[1:]).plain


def test_a_narrow_table_gives_up_intervals_that_stand_elsewhere():
    settings = {"activation": "leaky_relu", "dataset": "fashion_mnist"}
    fates = [(settings, unit_fates.fates([record([HAND], seed=s) for s in range(3)]))]
    wide, narrow = (text(lives_table.table(fates, w), 200) for w in (200, 72))
    assert wide.count("±") > narrow.count("±")
    assert "no room here for ±: COLUMNS=" in " ".join(narrow.split())


def collapse(constant, loss, accuracy, **settings):
    return record([HAND] * len(constant), "ok", constant, loss, accuracy, **settings)


def test_a_network_with_a_constant_layer_has_collapsed():
    evidence = aggregate.collapsed(collapse((0.5, 1.0, 1.0), 2.303, 0.1135))
    assert evidence == aggregate.Collapse(2, 2.303, 0.1135, True)
    assert aggregate.collapsed(collapse((0.9, 0.99), 2.303, 0.1135)) is None


@pytest.mark.parametrize(
    ("loss", "accuracy", "dataset", "chance"),
    [
        (2.301, 0.1135, "mnist", True), (2.9, 0.098, "mnist", True), (0.2, 0.95, "mnist", False),
        (3.26, 0.05, "emnist/letters", True), (3.1, 0.05, "emnist/letters", False),
        (2.301, 0.3, "mnist", False), (0.5, None, "abs", None), (2.0, 0.1, "svhn_cropped", None),
    ],
)  # fmt: skip
def test_chance_is_evidence_where_the_classes_are_known(loss, accuracy, dataset, chance):
    evidence = aggregate.collapsed(collapse((1.0,), loss, accuracy, dataset=dataset))
    assert evidence is not None
    assert evidence.chance is chance


def test_collapsed_runs_are_listed_apart_from_diverged_ones_and_averaged():
    runs = [
        collapse((1.0,), 2.303, 0.114, seed=0),
        record([HAND], seed=1),
        record([HAND], status="diverged", seed=2),
    ]
    (row,) = aggregate.summarize(runs)
    assert (row.runs, row.collapsed, row.diverged) == (3, 1, 1)
    assert row.accuracy.n == 2
    assert aggregate.collapsed(runs[2]) is None
    shown = " ".join(text(mishaps.collapsed(runs), 200).split())
    assert "1 run collapsed: output does not depend on input" in shown
    assert f"{runs[0].id} layer 1 is constant, loss 2.303, accuracy 11.4%" in shown
    assert runs[2].id not in shown
    assert mishaps.collapsed(runs[1:]) is None
    assert "3 (1 diverged, 1 collapsed)" in text(tables.outcome([row], "dead", 200), 200)
