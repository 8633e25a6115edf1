"""An interval is of seeds: of several configurations there is a range, called so everywhere."""

from __future__ import annotations

import dataclasses
import json

import pytest

import figure_runs
import study_runs
from reluprobe import records
from reluprobe.analysis import (
    aggregate,
    claims,
    death_causes,
    init_signal,
    learning_curves,
    replication,
    splits,
    survival_curves,
    unit_fates,
)
from reluprobe.analysis.claims import Verdict
from reluprobe.analysis.estimates import SHARE, Estimate, estimate
from reluprobe.report import figures, formatting, page
from reluprobe.report.export import configurations, markup
from reluprobe.results import Results

RANGE = "min-max over configurations"


def mixed():
    """Two activations at two rates, three seeds each: folded by rate, two configurations."""
    return figure_runs.sweep()


def estimates(value):
    """Every estimate within what an analysis gives."""
    if isinstance(value, Estimate):
        yield value
    elif dataclasses.is_dataclass(value):
        yield from (e for f in dataclasses.fields(value) for e in estimates(getattr(value, f.name)))
    elif isinstance(value, dict):
        yield from (e for part in value.values() for e in estimates(part))
    elif isinstance(value, list | tuple):
        yield from (e for part in value for e in estimates(part))


def test_a_mixture_has_the_mean_and_the_range_of_its_configurations():
    values, groups = [0.1, 0.3, 0.2, 0.6, None], [0, 0, 1, 2, 3]
    assert estimate(values, SHARE, groups) == Estimate(
        pytest.approx(1 / 3), None, 4, 0.2, 0.6, 3, RANGE
    )
    # What applies in one configuration alone is of its seeds.
    assert estimate([0.1, 0.3, None], SHARE, [0, 0, 1]).ends == "95% interval"
    assert estimate([0.1, 0.3], SHARE, [7, 7]) == estimate([0.1, 0.3], SHARE)


def test_runs_that_differ_in_their_seed_alone_are_no_mixture():
    (row,) = aggregate.summarize([figure_runs.record(seed=s) for s in range(3)])
    assert (row.configurations, row.mixes) == (1, [])
    assert row.mean.ends == "95% interval"
    folded = aggregate.summarize(mixed(), by=["learning_rate"])
    assert [(c.configurations, c.mixes) for c in folded] == [(2, ["activation"])] * 2
    assert all(
        e.ends == RANGE and e.half_width is None
        for c in folded
        for e in [c.mean, *c.layers.values()]
    )


@pytest.mark.parametrize(
    "analysis",
    [
        lambda runs: aggregate.summarize(runs, by=[]),
        lambda runs: learning_curves.network(runs, "dead"),
        lambda runs: learning_curves.by_epoch(runs, lambda e: e.test_accuracy),
        lambda runs: splits.by_split(runs, "dead"),
        lambda runs: init_signal.signals(runs),
        lambda runs: death_causes.blame(runs),
        lambda runs: unit_fates.fates(runs).network,
        lambda runs: survival_curves.still_dead(runs),
        lambda runs: survival_curves.not_yet_dead(runs),
    ],
)
def test_no_analysis_has_an_interval_of_a_mixture(analysis):
    runs = [figure_runs.record(learning_rate=r, seed=s) for r in (0.1, 0.2) for s in range(2)]
    every = list(estimates(analysis(runs)))
    assert every and all(e.configurations == 2 and e.half_width is None for e in every)


def test_a_mixture_decides_no_claim_and_predicts_no_seed():
    runs = [r for s in (1e-4, 1e-3) for r in study_runs.seeds(5, weight_decay=s)]
    replicated = replication.compare(runs, study_runs.STUDY)
    # The protocol has no such setting: the nearest to it are both.
    assert {len(c.runs) for c in replicated.chosen.values()} <= {5, 10}
    several = dataclasses.replace(replicated.chosen["relu"], runs=tuple(runs))
    assert several.configurations == 2
    for claim in study_runs.STUDY.claims:
        if claim.of == "relu":
            judged = claims.of_runs(claim, several, study_runs.STUDY)
            assert judged.verdict is Verdict.OPEN
    assert replication.predict([0.1, 0.2, 0.3], [0, 0, 1]) == replication.Prediction(
        pytest.approx(0.225), None, None, 3
    )


@pytest.fixture
def swept(tmp_path):
    for run in mixed():
        records.write(run, tmp_path / "results" / "made")


def test_the_terminal_calls_a_range_one_and_names_what_is_folded(reluprobe, swept):
    flags = ("--by", "learning_rate", "--no-figures")
    text = " ".join(reluprobe("report", "results", *flags).out.split())
    assert "( – ): min–max over 2 configurations, no interval (folded: activation)" in text
    assert "±" not in text
    seeds = " ".join(reluprobe("report", "results", "--no-figures", "--full").out.split())
    assert "±: half of the 95% interval over seeds" in seeds and "min–max" not in seeds


def test_the_json_calls_a_range_one(reluprobe, swept):
    output = reluprobe("report", "results", "--by", "learning_rate", "--json").out
    (sweep,) = json.loads(output)["sweeps"]
    for row in sweep["configurations"]:
        assert row["configurations"] == 2
        assert row["mean"]["ends"] == RANGE and row["mean"]["half_width"] is None
        assert row["mean"]["low"] == 0


def test_the_library_has_no_half_width_of_a_mixture():
    results = Results((figure_runs.archive(mixed()),))
    row, *_ = results.summary(by=["learning_rate"]).to_pylist()
    assert (row["configurations"], row["dead_half_width"], row["dead_low"]) == (2, None, 0)
    row, *_ = results.summary().to_pylist()
    assert row["configurations"] == 1 and row["dead_half_width"] > 0


def test_markdown_and_latex_call_a_range_one():
    sweep = figure_runs.archive(mixed())
    rows = aggregate.summarize(sweep.records, by=["learning_rate"])
    table = configurations.table(sweep, rows)
    assert "min–max over 2 configurations, no interval" in markup.markdown(table)
    assert "min--max over 2 configurations, no interval" in markup.latex(table)


def test_the_page_calls_a_range_one():
    said = page.model(figure_runs.archive(mixed()), "dead", ["learning_rate"])["beside"]
    assert "min–max over 2 configurations, no interval (folded: activation)" in said


@pytest.mark.parametrize("name", ["outcome", "training", "survival"])
def test_captions_call_a_range_one(name):
    sweep = figure_runs.archive(mixed())
    (folded,) = figures.drawn(sweep, by=["learning_rate"], only=[name])
    assert "min–max over 2 configurations" in folded.caption
    assert "95% interval" not in folded.caption
    (apart,) = figures.drawn(sweep, only=[name])
    assert "min–max" not in apart.caption
    assert "95% intervals" in apart.caption


def test_lines_against_the_rate_that_fold_settings_have_bands_of_their_range():
    runs = [
        figure_runs.record(0.2 + k / 10, activation=a, learning_rate=r, l2=k / 10)
        for a in ("relu", "elu")
        for r in (1e-3, 1e-1)
        for k in range(4)
    ]
    by = ["activation", "learning_rate"]
    (drawn,) = figures.drawn(figure_runs.archive(runs), by=by, only=["learning_rate"])
    assert "95%" not in drawn.caption
    assert "min–max over 4 configurations" in drawn.caption


def test_numbers_say_which_kind_of_ends_they_have():
    values = [0.0, 0.0, 0.1]
    assert formatting.plus_minus(estimate(values, SHARE, [0, 1, 2])) == "3.3 (0.0–10.0)"
    assert formatting.plus_minus(estimate(values, SHARE)) == "3.3 ≤17.7"
    assert formatting.plus_minus(estimate([0.3, 0.31, 0.32], SHARE)) == "31.0 ±2.5"
    assert formatting.plus_minus(estimate([1.0, 1.0, 0.9], SHARE)) == "96.7 ≥82.3"
    assert formatting.plus_minus(estimate([0.0, 1.0], SHARE)) == "50.0 [any]"
    assert formatting.ends([]) == ""
    assert formatting.ends([estimate(values, SHARE), estimate([1.0, 0.9, 1.0], SHARE)]) == (
        "≤, ≥: end of a 95% interval whose other end is cut at what can be"
    )
