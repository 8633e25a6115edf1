"""``report --rates``: its sentences, tables and JSON, and the figures of firing rates and flows."""

from __future__ import annotations

import json

import pytest

import figure_runs
from chart_rows import draw, percent, rows
from reluprobe import records
from reluprobe.analysis import aggregate, firing, rates, unit_states
from reluprobe.config import labels
from reluprobe.records.looks import FIRING_BINS, FIRING_ENDS
from reluprobe.report.figures import style
from reluprobe.report.terminal import in_short
from stated_records import layer, pace, record

ROWS = ["rr#", "r..", "#l.", "...", "r##"]
MOVED = {(0, 1): pace(rare=(1, 0.25, 0.3), healthy=(1, 1.0, 1.0), dead=(1, 0.0, 0.0))}


def samples(dead_data=0.0, letters="#rl.."):
    own = [layer(letters, dead_data=dead_data)]
    return dict.fromkeys(("probe", "test", "train"), own)


def run(**settings):
    return record(ROWS, **{"moved": MOVED, "samples": samples(), **settings})


@pytest.fixture
def said(reluprobe, tmp_path):
    """What the command prints of these runs, with these flags."""

    def said(*runs, flags=("--rates", "--no-figures")):
        for one in runs:
            records.write(one, tmp_path / "results" / "made")
        output = reluprobe("report", "results", *flags)
        assert output.code == 0, output.err
        return output.out

    return said


def in_one(text):
    return " ".join(text.split())


def test_the_headline_says_what_becomes_of_the_rare(said):
    text = said(run())
    # Of r→r, r→#, r→., r→# half die, and one is healthy again.
    expected = (
        "of units rare at a probe 50.0% are dead at the next and 25.0% healthy; rare units move "
        "0.25 × as far as healthy ones, dead ones 0 ×"
    )
    assert expected in in_one(text)
    assert "of 2 units that died between two probes came 100.0% from rare" in in_one(text)
    assert "the dead units stand still to the bit" in text
    assert all(len(line) <= 80 for line in text.splitlines() if not line.startswith("next"))


def test_dead_units_that_move_a_little_do_not_stand_still(said):
    moved = {(0, 1): pace(healthy=(1, 1.0, 1.0), dead=(1, 1e-9, 1e-9))}
    text = said(run(moved=moved))
    assert "stand still" not in text
    assert "dead units move 1e-9 × as far as healthy ones" in in_one(text)


def test_only_the_layers_in_which_all_stood_still_are_named(said):
    still, creeping = pace(dead=(1, 0.0, 0.0)), pace(dead=(1, 0.1, 0.1))
    text = said(record(ROWS, ROWS, moved={(0, 1): still, (1, 1): creeping}))
    assert "the dead units of L1 stand still to the bit" in text


def test_without_a_second_probe_nothing_is_said_of_what_becomes_of_units(said):
    text = said(record(["r", "#"], epochs=0))
    assert "no run was probed twice" in text and "from a probe to the next, %" not in text


def test_dead_data_are_the_rows_that_are_not_0_or_a_sentence(said):
    assert "no dead data" in said(run())
    text = said(run(samples=samples(0.25)))
    assert "dead data: % of examples on which a whole layer is silent" in text
    assert "25.0  25.0   25.0" in text
    assert "no dead data" not in text
    few = said(run(samples=samples(0.0002)))
    assert "<0.1" in few
    assert "dead data: not counted" in said(run(samples=samples(None)))


def test_of_several_configurations_the_slowest_is_shown_in_full_and_others_have_a_line(said):
    slow = [run(seed=s, learning_rate=0.1) for s in range(2)]
    quick = [record(["r..", *["..."] * 4], learning_rate=rate) for rate in (1e-3, 1e-2)]
    text = said(*slow, *quick)
    assert "slow or dead? lr 0.1" in text and "slow or dead? lr 0.01" not in text
    (line,) = [x for x in text.splitlines() if x.startswith("lr 1e-3  ")][-1:]
    assert line.split() == ["lr", "1e-3", "0.0", "0.0", "0.0", "0.0", "100.0", "n/a", "n/a"]
    every = said(flags=("--rates", "--full", "--no-figures"))
    assert "slow or dead? lr 0.1" in every and "slow or dead? lr 0.01" in every


def test_units_drawn_anew_are_said_to_be_left_out(said):
    text = in_one(said(record(["#+r", "#x#"], revive="redo")))
    assert "left out: 2 times that a unit was drawn anew between two probes" in text


def test_what_does_not_apply_is_no_zero(said):
    text = said(record(["r#r", "..."], straight=False, activation="tanh", samples=None))
    (row,) = [x for x in text.splitlines() if x.startswith("rare ") and "n/a" in x][:1]
    assert row.split() == ["rare", "100.0", "0.0", "n/a", "0.0", "1"]


def test_json_has_the_same_numbers(said):
    out = said(run(), flags=("--rates", "--json"))
    (row,) = json.loads(out)["sweeps"][0]["configurations"]
    content = row["rates"]
    assert content["flows"]["to"]["rare"]["dead"]["mean"] == 0.5
    assert content["flows"]["n"] == {"dead": 2, "rare": 4, "linear": 1, "healthy": 3}
    for state, n in content["flows"]["n"].items():
        shares = [to["mean"] for to in content["flows"]["to"][state].values()]
        assert n and sum(shares) == pytest.approx(1)
    assert content["movement"]["network"]["rare"]["ratio"]["mean"] == 0.25
    assert content["movement"]["layers"][0]["dead"]["most"] == 0
    assert [bin["mean"] for bin in content["firing"]["network"]] == [0.4, 0, 0, 0, 0, 0.6, 0, 0, 0]
    assert content["firing"]["splits"]["test"]["rare"][0]["mean"] == 0.2
    assert content["end"]["dead"]["mean"] == 0.4
    assert "rates" not in json.loads(said(run(), flags=("--json",)))["sweeps"][0]["configurations"]


def test_older_records_say_so(said):
    old = figure_runs.with_layers(figure_runs.record(), figure_runs.without_rates)
    assert "slow or dead: these records are older than firing rates: train again" in said(old)
    (row,) = json.loads(said(flags=("--rates", "--json")))["sweeps"][0]["configurations"]
    assert row["rates"] is None
    for name in ("firing", "flows"):
        drawn = draw(figure_runs.archive([old]), name)
        assert drawn.skipped == "these records are older than firing rates: train again"


def test_rare_units_have_a_line_on_the_first_screen_from_one_percent_on():
    def rare_line(letters, **settings):
        rows = aggregate.summarize([record([*letters], epochs=0, **settings)])
        return [text for name, text, _ in in_short._rates(rows[0]) if name == "rare"]

    assert rare_line("r" + "." * 99) == ["1.0% fire on at most 1% of the probe"]
    assert rare_line("r" + "." * 100) == []
    assert rare_line("r", rare_threshold=0.05) == ["100.0% fire on at most 5% of the probe"]


# Firing rates


def test_histograms_add_up_to_the_units_and_are_shares_of_them():
    shares = firing.histogram([layer("##r.l"), layer("." * 15)])
    assert shares == (0.1, 0, 0.05, 0, 0, 0.8, 0, 0, 0.05)
    assert sum(shares) == pytest.approx(1)
    folded = firing.firing([run(seed=s) for s in range(2)])
    for histogram in (folded.network, *folded.layers.values()):
        assert sum(bin.mean for bin in histogram) == pytest.approx(1)


def test_bins_are_named_and_coloured_one_each():
    assert len(firing.bin_names()) == FIRING_BINS == len(style.FIRING)
    assert firing.bin_names()[1:-2] == tuple(f"≤{100 * end:g}" for end in FIRING_ENDS)
    assert firing.bin_names()[2] == "≤1"


def test_configurations_are_ordered_by_how_many_units_are_dead_or_rare():
    assert rates.slow([record(["..", ".r", ".#", ".#"])]) == pytest.approx(0.75)
    assert rates.slow([]) == 0


# Figures


def test_bands_of_firing_rates_lie_on_each_other_up_to_all_units():
    runs = [run(seed=s) for s in range(2)]
    drawn = draw(figure_runs.archive(runs), "firing")
    for when in range(3):
        bands = rows(drawn, "bin", layer="L1", when=when)
        assert [band["from"] for band in bands[1:]] == [band["to"] for band in bands[:-1]]
        assert bands[0]["from"] == 0 and bands[-1]["to"] == pytest.approx(100)
        counts = runs[0].history[when].layers[0].firing
        assert [band["share"] for band in bands] == [percent(n / 5) for n in counts]
    assert "L1 at the end 40.0 ±0.0% never fire" in drawn.alt


def test_flows_are_drawn_as_they_are_counted():
    runs = [run(seed=s) for s in range(2)]
    drawn = draw(figure_runs.archive(runs), "flows")
    flows = unit_states.flows(runs)
    cells = rows(drawn, "before")
    assert len(cells) == 16
    for cell in cells:
        state, _, n = cell["before"].partition(" ")
        assert n == f"({flows.n[state]:,})"
        assert cell["value"] == percent(flows.to[state][cell["after"]].mean)
    first = {row["state"]: row["share"] for row in rows(drawn, "state", when=0)}
    assert first == {"dead": percent(0.2), "rare": percent(0.6), "linear": 0}


def test_networks_of_healthy_units_have_no_such_figures():
    for name in ("firing", "flows"):
        drawn = draw(figure_runs.archive([record(["..", ".."])]), name)
        assert drawn.skipped == "no unit was dead, rare or linear at any probe"


def test_of_many_configurations_those_with_most_slow_units_are_drawn():
    runs = [record([f".{'#' if n > 3 else '.'}", ".r"], l2=n / 10) for n in range(6)]
    drawn = draw(figure_runs.archive(runs), "flows")
    shown = {row[labels.field("l2")] for row in rows(drawn, "before")}
    assert len(shown) == 4 and {"0.4", "0.5"} <= shown
    assert "Of 6 configurations the 4 with most dead and rare units" in drawn.caption
