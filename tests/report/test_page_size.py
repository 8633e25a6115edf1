"""How heavy a page may get: a thousand runs are under five megabytes."""

from __future__ import annotations

import dataclasses

import pytest

import figure_runs
import study_runs
from reluprobe import records
from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.report import page

RUNS, MEGABYTE = 1000, 1_000_000


def many(one):
    """A thousand configurations of one run each, with the same long history."""
    for n in range(RUNS):
        settings = {**vars(one.config), "learning_rate": 1e-6 * (n + 1)}
        run = as_run(make_run(settings))
        yield dataclasses.replace(one, id=run.id, config=run.config)


def test_a_thousand_long_histories_leave_room_for_the_figures():
    model = page.model(figure_runs.archive(many(study_runs.record(epochs=100))))
    text = page.html(model, lambda: "")
    assert text.count("data-run=") == RUNS
    assert len(text.encode()) < 2.6 * MEGABYTE


@pytest.mark.slow
def test_a_thousand_runs_with_all_figures_are_under_five_megabytes(reluprobe, tmp_path):
    for run in many(figure_runs.record()):
        # Not atomically: a thousand times waiting for the disk is no part of this.
        file = tmp_path / "results" / "runs" / f"{run.id}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(records.to_json(run))
    assert reluprobe("report", "results", "--format", "svg").code == 0
    assert (tmp_path / "results" / "report" / "report.html").stat().st_size < 5 * MEGABYTE
