"""The order in which runs are trained: seed by seed, program by program, or shuffled."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluprobe.config import parse_sweep
from reluprobe.config.choices import ORDERS
from reluprobe.plan import order
from reluprobe.plan.grouping import group_runs
from reluprobe.plan.order import arranged
from reluprobe.plan.runs import Run, expand
from reluprobe.plan.slices import runs_of_part


def plan(**written: Any) -> tuple[Run, ...]:
    return expand(parse_sweep(written)).runs


def configuration(run: Run) -> Any:
    return dataclasses.replace(run.config, seed=0)


grids = st.fixed_dictionaries(
    {
        "seeds": st.integers(1, 4),
        "grid": st.fixed_dictionaries(
            {
                "activation": st.sampled_from([["relu"], ["relu", "elu"], ["relu", "crelu"]]),
                "depth": st.sampled_from([[1], [3, 1], [1, 2, 3]]),
                "learning_rate": st.sampled_from([[0.1], [0.1, 0.2, 0.3]]),
            }
        ),
        "include": st.sampled_from([[], [{"depth": 7}], [{"seed": 5, "depth": 7}]]),
    }
)


@given(grids, st.sampled_from(ORDERS), st.integers(0, 3))
def test_every_order_holds_every_run_once_and_is_the_same_each_time(grid, asked, seed):
    runs = plan(**{k: v for k, v in grid.items() if v})
    once = arranged(runs, asked, seed)
    assert sorted(run.id for run in once) == sorted(run.id for run in runs)
    assert arranged(runs, asked, seed) == once


@given(grids)
def test_seed_by_seed_no_configuration_is_ever_two_seeds_ahead_of_another(grid):
    runs = plan(**{k: v for k, v in grid.items() if v})
    seeds_of = Counter(map(configuration, runs))
    done = Counter[Any](dict.fromkeys(seeds_of, 0))
    for run in arranged(runs, "seeds"):
        done[configuration(run)] += 1
        # What has all its seeds waits for nobody.
        behind = [n for one, n in done.items() if n < seeds_of[one]]
        assert max(done.values()) <= min(behind, default=max(done.values())) + 1


@given(grids)
def test_in_the_order_of_the_grid_runs_of_a_program_lie_together(grid):
    runs = plan(**{k: v for k, v in grid.items() if v})
    program = {run.id: n for n, group in enumerate(group_runs(runs)) for run in group}
    by_program = [program[run.id] for run in arranged(runs, "grid")]
    assert by_program == sorted(by_program)


def test_seeds_come_first_to_last_and_programs_together():
    runs = plan(seeds=[7, 3], grid={"learning_rate": [0.1, 0.2], "depth": [2, 4]})
    shown = [
        (r.config.seed, r.config.depth, r.config.learning_rate) for r in arranged(runs, "seeds")
    ]
    assert shown == [(s, d, lr) for s in (7, 3) for d in (2, 4) for lr in (0.1, 0.2)]


def test_another_seed_of_the_order_shuffles_otherwise():
    runs = plan(seeds=10, grid={"depth": [1, 2, 3]})
    shuffled = [tuple(arranged(runs, "random", seed)) for seed in range(5)]
    assert len({*shuffled, tuple(runs)}) == 6


@pytest.mark.parametrize("asked", ORDERS)
def test_a_sweep_of_many_programs_is_done_so_many_at_a_time(monkeypatch, asked):
    monkeypatch.setattr(order, "MOST_PROGRAMS", 3)
    runs = arranged(plan(seeds=2, grid={"depth": [*range(1, 9)], "use_bias": [True]}), asked)
    depths = [run.config.depth for run in runs]
    assert [{*depths[n : n + 6]} for n in (0, 6, 12)] == [{1, 2, 3}, {4, 5, 6}, {7, 8}]
    # Other epochs need no other program.
    more = plan(seeds=2, grid={"epochs": [*range(1, 9)]})
    assert len({r.config.epochs for r in arranged(more, "seeds")[:8]}) == 8


def test_a_slice_is_the_same_runs_in_any_order_and_is_seed_by_seed_itself():
    runs = plan(seeds=4, grid={"depth": [1, 2], "learning_rate": [0.1, 0.2, 0.3]})
    for part in ((1, 3), (2, 3), (3, 3)):
        mine = runs_of_part(runs, part)
        ids = [{run.id for run in arranged(mine, asked)} for asked in ORDERS]
        assert ids == [{run.id for run in mine}] * 3
        seeds = [run.config.seed for run in arranged(mine, "seeds")]
        counts = Counter(map(configuration, mine)).values()
        assert len({*counts}) > 1 or seeds == sorted(seeds)
