"""Figures made by hand for pages: one that follows all settings, and one that folds some."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import page
from reluprobe.report.figures import DrawnFigure, formats

ACTIVATION, RATE = map(labels.field, ("activation", "learning_rate"))


def by_rate(runs: Sequence[RunRecord], title: str = "Dead units by rate") -> DrawnFigure:
    """A line an activation over rates, with a point for each run."""
    rows = [
        {
            ACTIVATION: labels.setting(run.config.activation),
            RATE: labels.setting(run.config.learning_rate),
            "rate": run.config.learning_rate,
            "dead": 100 * run.final.layers[0].dead,
            "record": f"runs/{run.id}.json",
        }
        for run in runs
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("rate:Q", scale=alt.Scale(type="log", domain=[1e-4, 1]), title="lr"),
        y=alt.Y("mean(dead):Q", title="dead %"),
        color=alt.Color(f"{ACTIVATION}:N", title="activation"),
    )
    points = base.mark_point(filled=True).encode(
        y="dead:Q", tooltip=[f"{ACTIVATION}:N", f"{RATE}:N", "dead:Q", "record:N"]
    )
    return DrawnFigure(
        "learning_rate", title, "A caption.", "An alternative.", base.mark_line() + points
    )


def by_activation(runs: Sequence[RunRecord]) -> DrawnFigure:
    """A bar an activation; rates are folded in it."""
    names = dict.fromkeys(labels.setting(run.config.activation) for run in runs)
    rows = [{ACTIVATION: name, "mean": 10.0} for name in names]
    chart = alt.Chart(alt.Data(values=rows)).mark_bar().encode(x="mean:Q", y=f"{ACTIVATION}:N")
    return DrawnFigure("effects", "Effects", "A caption.", "An alternative.", chart)


def with_picture(figure: DrawnFigure) -> page.PageFigure:
    """A figure with its static picture."""
    return figure, formats.render(figure.spec, "svg", figure.name)
