"""Units that are drawn anew: it ends a life, or a death, and begins another."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import figure_runs
from reluprobe import records
from reluprobe.analysis import dead_masks, survival_curves, unit_fates, unit_lives
from reluprobe.analysis.survival_curves import ALIVE, DEAD, DIED_AGAIN, REDRAWN, REVIVED
from reluprobe.report import figures
from reluprobe.report.terminal import unit_map
from reluprobe.results import Results
from revived_records import courses, record, unmasked

#: Never dead; back of itself; redrawn dead twice; redrawn and alive; redrawn and back of itself.
UNITS = ("....", ".#.#", "##xx", ".#+.", "#.x.")
SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7)


@st.composite
def masks(draw):
    """``(probe, unit)`` dead, and drawn anew: none is before the first probe."""
    shape = draw(SHAPES)
    dead, redrawn = (draw(hnp.arrays(bool, shape)) for _ in range(2))
    redrawn[0] = False
    return dead, redrawn


def test_a_death_ends_where_the_unit_is_drawn_anew_and_another_begins_where_it_is_dead_again():
    each = unit_lives.episodes(*courses("##xx", ".#+#", ".#.x"))
    columns = (each.unit, each.start, each.length, each.closed, each.redrawn)
    assert list(zip(*columns, strict=True)) == [
        (0, 0, 2, True, True), (0, 2, 1, True, True), (0, 3, 1, False, False),
        (1, 1, 1, True, True), (1, 3, 1, False, False),
        (2, 1, 1, True, False), (2, 3, 1, False, False),
    ]  # fmt: skip


def test_a_hand_made_layer_of_units_drawn_anew():
    units = unit_lives.units(*courses(*UNITS))
    assert units.revivals.tolist() == [0, 1, 0, 0, 2]
    assert units.episodes.tolist() == [0, 2, 3, 1, 2]
    assert units.redrawn.tolist() == [0, 0, 2, 1, 1]
    assert units.died_again.tolist() == [0, 0, 2, 0, 1]
    whole = unit_lives.lives(*courses(*UNITS))
    assert (whole.redrawn, whole.died_again) == (4, 3 / 4)
    # Followed to a next probe: of seven dead at one, three were drawn anew before it.
    assert whole.revives == 3 / 4
    # Two are dead at the end, one of them after a re-draw, the other after a revival.
    assert whole.permanent == 0


def test_who_stays_dead_through_re_draws_is_not_dead_for_good():
    redone = unit_lives.lives(*courses("#xxx", "#xxx", "####"))
    assert redone.permanent == 1 / 3
    assert redone.died_again == 1
    assert redone.revives == 0
    assert unit_lives.lives(courses("#xxx", "#xxx", "####")[0]).permanent == 1


def test_states_tell_the_redrawn_from_those_that_came_back_of_themselves():
    states = survival_curves.states(*courses(*UNITS))
    assert states.tolist() == [
        [DEAD, DEAD, DIED_AGAIN, DIED_AGAIN],
        [DEAD, REVIVED, DIED_AGAIN, REVIVED],
        [ALIVE, DEAD, REVIVED, DEAD],
        [ALIVE, DEAD, REDRAWN, REDRAWN],
        [ALIVE, ALIVE, ALIVE, ALIVE],
    ]


@given(masks())
def test_every_probe_at_which_a_unit_was_dead_is_of_one_episode(both):
    dead, redrawn = both
    each, units = unit_lives.episodes(dead, redrawn), unit_lives.units(dead, redrawn)
    assert each.length.sum() == dead.sum()
    ended = np.bincount(each.unit[each.closed], minlength=dead.shape[1])
    assert (units.episodes - ended).tolist() == units.dead_at_end.astype(int).tolist()
    back = np.bincount(each.unit[each.closed & ~each.redrawn], minlength=dead.shape[1])
    assert units.revivals.tolist() == back.tolist()
    assert (units.died_again <= units.redrawn).all()


@given(masks())
def test_without_a_re_draw_nothing_is_otherwise(both):
    dead, _ = both
    none = np.zeros_like(dead)
    for measure in (unit_lives.units, unit_lives.episodes):
        one, other = measure(dead), measure(dead, none)
        assert all((getattr(one, f) == getattr(other, f)).all() for f in vars(one))
    assert (survival_curves.states(dead) == survival_curves.states(dead, none)).all()


def test_a_record_says_which_units_were_drawn_anew():
    (watched,) = unit_lives.watched(record(UNITS)).values()
    dead, redrawn = courses(*UNITS)
    assert (watched.dead == dead).all() and (watched.redrawn == redrawn).all()
    assert unit_lives.watched(figure_runs.record())["L1"].redrawn is None


def test_what_stays_dead_counts_a_re_draw_as_an_end():
    curve = survival_curves.still_dead([record(("#xxx", "####"))])
    # Of five times dead, four could be seen to end after a probe, and three did.
    assert [v.mean for v in curve.values[:2]] == [1, pytest.approx(1 - 3 / 4)]


def test_older_records_say_how_many_were_drawn_anew_and_their_lives_cannot_be_told():
    old = unmasked(record(UNITS))
    assert dead_masks.unknown(old) == "how many units were drawn anew, not which"
    assert unit_fates.fates([old]) is None
    assert not survival_curves.still_dead([old])
    both = unit_fates.fates([old, record(UNITS, seed=1)])
    assert (both.left_out, both.network.redrawn.mean) == (1, 4)
    # A run in which none was drawn anew lacks nothing.
    assert unit_fates.fates([unmasked(record(("##", ".#")))]) is not None


@pytest.fixture
def redone(tmp_path):
    for seed in range(3):
        records.write(record(UNITS, UNITS[::-1], seed=seed), tmp_path / "results" / "redone")


def test_the_report_says_what_was_drawn_anew_and_what_died_again(reluprobe, redone):
    text = " ".join(reluprobe("report", "results", "--lives", "--no-figures").out.split())
    assert "0.0 ±0.0% of the units dead at the end have been dead ever since" in text
    assert "8 units a run drawn anew, of which 75.0 ±0.0% are dead again at the next probe" in text
    assert "all 8.0 ±0.0 75.0 ±0.0" in text
    assert "+ drawn anew and alive" in text


def test_the_json_has_what_was_drawn_anew_and_what_died_again(reluprobe, redone):
    (sweep,) = json.loads(reluprobe("report", "results", "--lives", "--json").out)["sweeps"]
    (row,) = sweep["configurations"]
    network = row["lives"]["network"]
    assert (network["redrawn"]["mean"], network["died_again"]["mean"]) == (8, 0.75)
    assert network["permanent"]["mean"] == 0
    units = next(iter(row["units"].values()))[0]
    assert units["redrawn"] == [0, 0, 2, 1, 1] and units["died_again"] == [0, 0, 2, 0, 1]


def test_older_records_of_redo_have_no_lives_and_the_reason_is_said(reluprobe):
    for seed in range(3):
        records.write(unmasked(record(UNITS, UNITS, seed=seed)), Path("results/old"))
    output = reluprobe("report", "results", "--lives", "--only", "units,survival")
    reason = "the records say how many units were drawn anew, not which"
    assert f"lives of units: {reason}" in output.out
    assert "for good" not in output.out
    assert all(f"no figure {name}: {reason}" in output.err for name in ("units", "survival"))


def test_figures_of_lives_show_and_say_what_was_drawn_anew():
    runs = [record(UNITS, UNITS, seed=s) for s in range(2)]
    drawn = {
        d.name: d for d in figures.drawn(figure_runs.archive(runs), only=["units", "survival"])
    }
    units = drawn["units"]
    rows = [row for rows in units.spec["datasets"].values() for row in rows if "state" in row]
    total = sum(len(seen.dead[0]) for seen in unit_lives.watched(runs[0]).values())
    area = {
        state: sum(
            (row["to"] - row["from"]) * (row["bottom"] - row["top"]) * total
            for row in rows
            if row["state"] == state
        )
        for state in ("dead again", "drawn anew")
    }
    assert area == {
        "dead again": pytest.approx(6, abs=0.01),
        "drawn anew": pytest.approx(4, abs=0.01),
    }
    assert "8 drawn anew, 75.0% of them dead at the next probe" in units.alt
    assert "Drawn anew: alive since it was" in units.caption
    assert "a unit that is drawn anew is dead no more" in drawn["survival"].caption
    plain = next(figures.drawn(figure_runs.archive([figure_runs.record()]), only=["units"]))
    assert "Drawn anew" not in plain.caption


def test_a_map_has_a_sign_for_units_that_live_since_they_were_drawn_anew():
    table = unit_map.table(record(("#+++", "....")), 80)
    assert [cell.plain for cell in table.columns[1].cells] == ["█+++", "...."]


def test_the_table_of_layers_counts_those_that_died_again():
    sweep = figure_runs.archive([record(UNITS, UNITS)])
    table = Results((sweep,)).layers()
    rows = table.select(["epoch", "layer", "revived", "died_again"]).to_pylist()
    assert [(r["revived"], r["died_again"]) for r in rows if r["layer"] == 1] == [
        (0, 0), (0, 0), (3, 2), (1, 1),
    ]  # fmt: skip
    old = Results((figure_runs.archive([unmasked(record(UNITS))]),)).layers()
    assert old["died_again"].to_pylist() == [None] * 4
