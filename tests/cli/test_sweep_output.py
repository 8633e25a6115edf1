"""What ``sweep`` prints of a plan: the settings that its runs vary in."""

from __future__ import annotations

from pathlib import Path

import pytest

from reluprobe.cli.sweep_output import Invocation, varying
from reluprobe.config import parse_sweep
from reluprobe.plan.runs import expand


def shown(**written):
    """The table of axes of a sweep."""
    sweep = parse_sweep(written)
    plan = expand(sweep)
    return varying(Invocation(sweep, plan, plan.runs, (1, 1), Path("s"), ""))


def test_a_sweep_of_includes_alone_shows_what_its_runs_vary_in():
    written = [{"activation": "relu"}, {"norm": "batch"}, {"learning_rate": 0.1}]
    assert shown(seeds=2, include=written) == {
        "learning_rate": (0.005, 0.1),
        "norm": ("none", "batch"),
        "seed": (0, 1),
    }


def test_includes_add_to_the_axes_that_they_name():
    table = shown(
        grid={"activation": ["relu", "leaky_relu(0.1)"]},
        include=[{"activation": "elu"}, {"l2": 0.1}],
    )
    assert table == {"activation": ("relu", "leaky_relu(0.1)", "elu"), "l2": (0.0, 0.1)}


def test_a_setting_that_has_an_effect_with_one_value_alone_is_no_axis():
    assert shown(include=[{"revive": "none"}, {"revive": "shrink_perturb", "shrink": 0.8}]) == {
        "revive": ("none", "shrink_perturb")
    }


@pytest.mark.parametrize("grid", [{}, {"grid": {"depth": [2, 3]}}])
def test_without_includes_the_axes_are_those_of_the_file(grid):
    assert shown(seeds=3, **grid) == {
        **({"depth": (2, 3)} if grid else {}),
        "seed": (0, 1, 2),
    }


def test_a_dry_run_shows_them(reluprobe, tmp_path):
    (tmp_path / "one.toml").write_text("[[include]]\nl2 = 0.1\n[[include]]\ndepth = 3\n")
    output = reluprobe("sweep", "one.toml", "--dry-run").out
    assert [line.split() for line in output.splitlines()[1:]] == [
        ["axis", "values"], ["depth", "5,", "3"], ["l2", "0.1,", "0"],
    ]  # fmt: skip
