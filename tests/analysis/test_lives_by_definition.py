"""Lives by other definitions than dead: masks, words and reasons, on records made by hand."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from chart_rows import channels, draw, rows
from figure_runs import archive
from reluprobe import records
from reluprobe.analysis import (
    aggregate,
    dead_masks,
    lacking,
    survival_curves,
    unit_fates,
    unit_lives,
)
from reluprobe.config.choices import DEFINITIONS
from reluprobe.errors import InputError, ReluprobeError
from reluprobe.records import layer_checks
from reluprobe.report.terminal import in_short, in_time, unit_map
from reluprobe.report.terminal import unit_lives as lives_table
from reluprobe.results import Results
from revived_records import courses, packed
from revived_records import record as dead_record

#: A letter a probe: ``#`` saturated; of the dead, as many probes, none or one.
SATURATED = ("####", ".##.", "....", "##..", "....")
DEAD = ("....", ".#..", "....", "....", "....")


def record(saturated=SATURATED, dead=DEAD, definition="saturated", **settings):
    """A run of one layer, with masks by two definitions; the others' shares are 0."""
    run = dead_record(dead, **{"revive": "none", "activation": "tanh", **settings})
    marked = courses(*saturated)[0]

    def change(t, layer):
        mask = packed(marked[t]) if marked[t].any() else ""
        fields = {"rare": 0.0, "rare_units": "", "revived": None, "revived_units": None}
        fields |= {definition: float(marked[t].mean()), f"{definition}_units": mask}
        return dataclasses.replace(layer, **fields)

    history = tuple(
        dataclasses.replace(epoch, layers=tuple(change(t, x) for x in epoch.layers))
        for t, epoch in enumerate(run.history)
    )
    return dataclasses.replace(run, history=history)


def text(shown):
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(shown)
    return console.export_text()


def folded(*runs):
    return [({}, unit_fates.fates(runs, "saturated"))]


@pytest.mark.parametrize("definition", [d for d in dead_masks.WITH_MASKS if d != "dead"])
def test_masks_of_each_definition_are_its_own(definition):
    run = record(definition=definition)
    (seen,) = dead_masks.watched(run, definition).values()
    np.testing.assert_array_equal(seen.dead, courses(*SATURATED)[0])
    (dead,) = dead_masks.watched(run).values()
    np.testing.assert_array_equal(dead.dead, courses(*DEAD)[0])


def test_the_definitions_with_masks_are_those_of_the_schema():
    names = {f.name for f in dataclasses.fields(records.LayerRecord)}
    assert {d for d in DEFINITIONS if f"{d}_units" in names} == {*dead_masks.WITH_MASKS}
    assert {f"{d}_units" for d in dead_masks.WITH_MASKS} == {"dead_units", *layer_checks.MASKS}


def test_recovery_is_counted_by_hand():
    fate = unit_fates.fates([record()], "saturated").network
    # Saturated at one of the first three probes: 3 + 2 + 2 times; not at the next: twice.
    assert fate.revives.mean == pytest.approx(2 / 7)
    assert (fate.born.mean, fate.ever.mean, fate.end.mean) == (2 / 5, 3 / 5, 1 / 5)
    assert (fate.closed, fate.open, fate.median) == (2, 1, 2)
    assert unit_fates.fates([record()]).network.revives.mean == 1
    assert unit_lives.of_network(record(), "saturated").permanent == 1


def test_survival_curves_follow_the_definition():
    not_yet = survival_curves.not_yet_dead([record()], "saturated")
    assert [v.mean for v in not_yet.values] == pytest.approx([3 / 5, 2 / 5, 2 / 5, 2 / 5])
    still = survival_curves.still_dead([record()], "saturated")
    assert [v.mean for v in still.values] == pytest.approx([1, 1, 1 / 3, 1 / 3])
    assert [v.mean for v in survival_curves.still_dead([record()]).values] == [1, 0]


def test_what_is_drawn_anew_while_saturated_has_not_recovered():
    anew = courses("...x", "..+.", "....", "....", "....")[1]
    run = record()
    history = tuple(
        dataclasses.replace(
            e,
            layers=(
                dataclasses.replace(
                    e.layers[0], revived=int(anew[t].sum()), revived_units=packed(anew[t])
                ),
            ),
        )
        for t, e in enumerate(run.history)
    )
    fate = unit_fates.fates([dataclasses.replace(run, history=history)], "saturated").network
    # Unit 0 is drawn anew before the last probe, unit 1 before the third: 7 - 2 were followed.
    assert fate.revives.mean == pytest.approx(2 / 5)
    assert (fate.redrawn.mean, fate.died_again.mean) == (2, 1)


def test_words_follow_the_definition_and_those_of_dead_stay():
    fates = folded(record())
    said = " ".join(lives_table.headline(fates, "saturated").plain.split())
    assert said == (
        "100.0% of the units saturated at the end have been saturated ever since they first were "
        "saturated; a saturated unit is no longer saturated by the next probe with probability "
        "28.6%"
    )
    legend = lives_table.legend("saturated").plain + unit_map.legend("saturated").plain
    assert "recovers: % of saturated units not saturated at the next probe" in legend
    for word in ("dead", "alive", "died", "death", "revive"):
        assert word not in legend + said
    for word in ("saturated", "recover"):
        assert word not in lives_table.legend("dead").plain + unit_map.legend("dead").plain
    none = lives_table.headline(folded(record(["...."] * 5)), "saturated").plain
    assert none == "no unit was saturated at the end of any run"
    drawn = text(lives_table.table(fates, 200, "saturated"))
    assert "recovers %" in drawn and "revives %" not in drawn
    anew = lives_table.redrawn_legend("saturated").plain
    assert "saturated at once: % of these times that it was saturated at the next probe" in anew
    assert "dead" not in anew


def test_the_first_screen_follows_it_and_a_row_it_does_not_apply_to_says_so():
    runs = [record(), record(activation="sigmoid"), dead_record(DEAD, revive="none")]
    rows_ = aggregate.summarize(runs, "saturated", ["activation"])
    shown = "".join(map(text, in_time.tables(rows_, "saturated")))
    assert "of the units saturated at a probe, % not saturated at the next" in shown
    assert "recovered" in shown and "28.6" in shown and "relu" not in shown
    short = "".join(map(text, in_short.parts(archive(runs), rows_, "saturated")))
    assert "28.6% of the saturated are so no longer at the next probe, 100.0% for good" in short
    silent = aggregate.summarize(runs, "silent", ["activation"])
    assert "for good" not in "".join(map(text, in_short.parts(archive(runs), silent, "silent")))
    (relu,) = (row for row in rows_ if row.settings["activation"] == "relu")
    left_out = lives_table.left_out(relu, None, "saturated")
    assert left_out is not None
    assert left_out.plain == "relu: 1 run left out: saturated does not apply to these networks"


@pytest.mark.parametrize("definition", ["silent", "never_positive", "constant"])
def test_definitions_without_masks_have_no_lives_and_one_sentence_says_why(definition):
    run = record()
    word = definition.replace("_", " ")
    reason = lacking.lives([run], definition=definition)
    assert reason == (
        f"records say how many units were {word}, not which: lives are of dead, dormant, "
        "saturated, rare or linear ones"
    )
    assert dead_masks.watched(run, definition) == {}
    assert unit_fates.fates([run], definition) is None
    for figure in ("units", "survival"):
        assert draw(archive([run]), figure, definition=definition).skipped == reason


def test_the_library_has_them_as_a_table():
    results = Results((archive([record(), record(activation="relu")]),))
    table = results.lives(definition="saturated").to_pylist()
    # In these records ReLU, too, has saturated units: the masks count, not the name.
    assert [(row["activation"], row["layer"]) for row in table] == [
        (name, layer) for name in ("tanh", "relu") for layer in ("L1", "all")
    ]
    assert table[0]["revives"] == pytest.approx(2 / 7)
    assert (table[0]["median"], table[0]["closed"], table[0]["open"]) == (2, 2, 1)
    assert results.lives(by=["activation"]).to_pylist()[1]["revives"] == 1
    with pytest.raises(ReluprobeError, match="how many units were silent, not which"):
        results.lives(definition="silent")
    with pytest.raises(InputError, match="saturated"):
        results.lives(definition="saturatd")


def test_the_map_is_of_the_definition():
    ((row, run),) = unit_map.runs(aggregate.summarize([record()]), "saturated")
    assert [*row.members] == [run]
    drawn = text(unit_map.table(run, 80, "saturated"))
    assert "████" in drawn and "██oo" in drawn and ".██o" in drawn
    assert unit_map.runs(aggregate.summarize([record(dead=["...."] * 5)])) == []


def test_a_layer_to_which_it_does_not_apply_is_left_out_of_its_network():
    run = record()
    history = tuple(
        dataclasses.replace(
            e,
            layers=(
                *e.layers,
                dataclasses.replace(e.layers[0], saturated=None, saturated_units=None),
            ),
        )
        for e in run.history
    )
    config = dataclasses.replace(run.config, depth=2)
    both = dataclasses.replace(run, config=config, history=history)
    assert [*dead_masks.watched(both, "saturated")] == ["L1"]
    assert [*dead_masks.watched(both)] == ["L1", "L2"]
    network = unit_fates.fates([both], "saturated").network
    assert network == unit_fates.fates([run], "saturated").network


def test_reasons_tell_what_does_not_apply_from_what_is_not_known():
    relu = dead_record(DEAD, revive="none")  # as before there were masks, and rare units

    def reason(run, definition):
        return lacking.lives([run], definition=definition)

    assert reason(relu, "saturated") == "saturated does not apply to these networks"
    assert reason(relu, "rare") == "the records do not say which units were rare"
    which = "the records say how many units were dormant at a probe, not which"
    assert reason(relu, "dormant") == which
    assert reason(record(), "linear") == "linear does not apply to these networks"
    assert reason(record(), "rare") == "no unit was ever rare at a probe"
    late = record(("...#", "....", "....", "....", "...."))
    assert lacking.lives([late], definition="saturated") is None
    followed = lacking.lives([late], True, "saturated")
    assert followed == "no unit was ever saturated at a probe before the last"
    assert lacking.lives([relu, record()], definition="saturated") is None


def test_figures_show_the_states_of_the_definition():
    sweep = archive([record()])
    drawn = draw(sweep, "units", definition="saturated")
    (legend,) = {tuple(how["scale"]["domain"]) for how in channels(drawn, "color")}
    assert legend == ("not saturated", "saturated", "no longer saturated")
    for probe, share in enumerate((2 / 5, 3 / 5, 2 / 5, 1 / 5)):
        here = [r for r in rows(drawn, state="saturated") if r["from"] <= probe < r["to"]]
        assert sum(r["bottom"] - r["top"] for r in here) == pytest.approx(share, abs=1e-4)
    curves = draw(sweep, "survival", definition="saturated")
    assert [row["mean"] for row in rows(curves, "mean")][:4] == [60, 40, 40, 40]
    for figure in (drawn, curves):
        assert "saturated" in figure.caption
        for word in ("dead", "died", "death", "alive"):
            assert word not in figure.caption + figure.alt


def test_the_command_and_json_follow_it(reluprobe, tmp_path):
    folder = tmp_path / "results" / "made"
    records.write(record(), folder)
    shown = reluprobe("report", "results", "--lives", "-d", "saturated", "--no-figures").out
    text = " ".join(shown.split())
    assert "a saturated unit is no longer saturated by the next probe" in text
    assert "units sorted by when they first were saturated" in text
    silent = reluprobe("report", "results", "--lives", "-d", "silent", "--no-figures").out
    assert "lives of units: records say how many units were silent, not which" in silent
    by = {}
    for definition in ("saturated", "dead", "silent"):
        answer = reluprobe("report", "results", "--lives", "-d", definition, "--json")
        by[definition] = json.loads(answer.out)["sweeps"][0]["configurations"][0]
    lives = {name: one["lives"] for name, one in by.items()}
    assert lives["saturated"]["network"]["revives"]["mean"] == pytest.approx(2 / 7)
    assert lives["dead"]["network"]["revives"]["mean"] == 1
    assert lives["silent"] is None
    (units,) = by["saturated"]["units"].values()
    assert units[0]["first_death"] == [0, 1, -1, 0, -1]
