"""The shape of training in block characters: courses by layer, lives of units, the live strip."""

import dataclasses

import numpy as np
import pytest

import study_runs
from reluprobe.analysis import aggregate
from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import SCHEMA, EpochRecord, LayerRecord, ProbeRecord, RunRecord
from reluprobe.report.terminal import sparklines, unit_map
from reluprobe.report.terminal.layout import FEWEST_PROBES
from reluprobe.report.terminal.live_strip import Strip


def layer(dead):
    """One probe's layer, from a text of its units: # is dead."""
    mask = np.array([c == "#" for c in dead])
    share = float(mask.mean())
    shares = dict(dead=share, silent=share, never_positive=share, constant=share, dormant=share)
    return LayerRecord(
        len(mask), **shares, saturated=None, dead_units=np.packbits(mask).tobytes().hex()
    )


def run(*layers, status="ok", **settings):
    """A run of these layers; each a text a unit, a letter a probe."""
    config = make_run({"depth": len(layers), "width": len(layers[0]), **settings})
    probes = range(len(layers[0][0]))
    history = tuple(
        EpochRecord(
            t, None, None, 0.5, 0.9, tuple(layer([unit[t] for unit in units]) for units in layers)
        )
        for t in probes
    )
    return RunRecord(
        SCHEMA, as_run(config).id, config, status, {"device": "cpu", "devices": 2, "jax": "0"}, 1.0,
        ProbeRecord("train", 1000), history,
    )  # fmt: skip


FEW = ["....", "...#", "..##", ".#.#"]
MANY = ["####", "####", "####", "..##"]


def shown(records, width=80):
    courses = sparklines.by_summary(aggregate.summarize(records), "dead")
    room = sparklines.room(courses, width)
    return study_runs.text(sparklines.table(courses, room), width).splitlines()


def test_a_character_a_layer_and_probe_seeds_folded():
    lines = shown([run(FEW, MANY, seed=0), run(FEW, FEW, seed=1)])
    assert [line.split() for line in lines] == [["L1", "L2"], [".▂▂▆", "▃▄▅▇"]]


def test_configurations_line_up_in_time_and_what_did_not_end_is_not_applicable():
    short = run([u[:2] for u in FEW], activation="elu", epochs=1)
    lost = run(FEW, status="diverged", activation="selu")
    lines = shown([run(FEW), short, lost])
    assert [line.split()[-1] for line in lines[1:]] == [".▂▂▆", ".▂", "n/a"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_of_many_layers_and_probes_as_many_are_shown_as_fit(width):
    units = ["." * 50 + "#" * 51] * 4
    lines = shown([run(*[units] * 20), run(*[units] * 20, activation="leaky_relu")], width)
    assert all(len(line.rstrip()) <= width for line in lines)
    assert lines[0].split()[1] == "L1" and lines[0].split()[-1] == "L20"
    rows = sparklines.by_summary(aggregate.summarize([run(*[units] * 20)]), "dead")
    room = sparklines.room(rows, width)
    title = sparklines.title(rows, "dead", room).plain
    assert title.endswith(f"epochs 0–100; {len(room.when)} of 101 probes")
    for line in lines[1:]:
        courses = line.split()[1:]
        assert {c[0] + c[-1] for c in courses} == {".█"}
        assert all(len(c) >= FEWEST_PROBES for c in courses)


@pytest.mark.parametrize(("width", "probes"), [(200, 101), (80, 80), (30, 30)])
def test_the_course_of_a_single_layer_takes_the_width(width, probes):
    heading, course = shown([run(["." * 50 + "#" * 51] * 4)], width)
    assert heading.split() == ["L1"]
    assert len(course.rstrip()) == probes


def map_of(record, width=80):
    return study_runs.text(unit_map.table(record, width), width).splitlines()


def test_units_stand_by_their_first_death_and_revivals_are_seen():
    (row,) = aggregate.summarize([run(FEW, MANY)])
    ((_, record),) = unit_map.runs([row])
    assert [line.split() for line in map_of(record)] == [
        ["units", "L1", "L2"],
        ["25%", ".█o█", "████"],
        ["50%", "..██", "████"],
        ["75%", "...█", "████"],
        ["100%", "....", "..██"],
    ]


def test_many_units_share_rows():
    units = ["." * 2 + "##"] * 16 + [".#" + ".."] * 10 + [".###"] * 6 + ["...."] * 224
    lines = map_of(run(units))
    assert len(lines) == 1 + unit_map.MOST_ROWS
    rows = [line.split()[-1] for line in lines[1:]]
    # Of the 16 that die at the second probe 10 come back; the next 16 die at the third.
    assert rows == [".█oo", "..██", *["...."] * 14]
    assert [line.split()[0] for line in lines[1:] if "%" in line] == ["25%", "50%", "75%", "100%"]


@pytest.mark.parametrize("width", [60, 80])
def test_a_deep_and_long_run_fits(width):
    lines = map_of(run(*[["." * 50 + "#" * 51] * 4] * 20), width)
    assert all(len(line.rstrip()) <= width for line in lines)
    assert lines[0].split()[-1] == "L20"


def test_of_many_configurations_the_one_with_the_most_dead_is_shown():
    runs = [run(FEW, learning_rate=r) for r in (0.1, 0.2, 0.3, 0.4)]
    runs.append(run(MANY, learning_rate=0.5))
    rows = aggregate.summarize(runs)
    ((_, record),) = unit_map.runs(rows)
    assert record.config.learning_rate == 0.5
    assert [r.config.learning_rate for _, r in unit_map.runs(rows[:3])] == [0.1, 0.2, 0.3]


def test_there_is_no_map_of_what_never_died_was_lost_or_was_probed_once():
    once = dataclasses.replace(run(MANY), history=run(MANY).history[:1])
    for record in (run(["...."] * 4), run(MANY, status="diverged"), once):
        assert unit_map.runs(aggregate.summarize([record])) == []


def test_the_strip_grows_by_a_column_an_epoch():
    record = run(FEW, MANY)
    strip = Strip(len(record.final.layers), 80)
    widths = []
    for epoch in record.history:
        strip.see(epoch)
        *_, one, two = study_runs.text(strip).splitlines()
        widths.append(len(two))
    assert (one, two) == ("L1 .▂▂▆", "L2 ▆▆██")
    assert widths == [4, 5, 6, 7]
    lost = dataclasses.replace(record.final.layers[0], dead=None)
    strip.see(dataclasses.replace(record.final, layers=(lost, lost)))
    assert study_runs.text(strip).splitlines()[-1] == "L2 ▆▆██-"


def test_a_long_strip_keeps_its_ends_and_its_width():
    record = run(*[["." * 99 + "#"] * 4] * 30)
    strip = Strip(len(record.final.layers), 40)
    for epoch in record.history:
        strip.see(epoch)
    lines = [line for line in study_runs.text(strip, 40).splitlines() if line.startswith("L")]
    assert len(lines) == 10 and lines[-1].startswith("L30 ")
    assert {len(line) for line in lines} == {40}
    assert all(line[4] == "." and line[-1] == "█" for line in lines)
