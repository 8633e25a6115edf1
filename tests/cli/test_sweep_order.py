"""``sweep --order``: which runs come first, stopped and gone on, and what does not depend on it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

import reluprobe as rp
from killed_sweeps import SWEEP, record_files, same_records
from reluprobe.config import parse_sweep, sweep_toml
from reluprobe.engine.events import RunDone
from reluprobe.errors import InputError


@pytest.fixture
def swept(sweep_once):
    return sweep_once(SWEEP)


def started(out: str) -> list[str]:
    """The ids of runs, in the order in which they ended."""
    events = [json.loads(line) for line in out.splitlines()]
    return [event["id"] for event in events if event["event"] == "run"]


def seeds_of(folder: Path, ids: list[str]) -> list[tuple[str, int]]:
    records = {record.id: record for record in rp.load(folder)}
    return [(records[id_].ours.activation, records[id_].seed) for id_ in ids]  # type: ignore[union-attr]


def test_each_order_ends_with_the_same_records(swept, reluprobe, tmp_path):
    for order in ("seeds", "grid", "random"):
        out = reluprobe("sweep", "grid.toml", "--order", order, "--out", order, "--json").out
        folder = tmp_path / order / "grid"
        assert same_records(record_files(folder), record_files(swept))
        came = seeds_of(folder, started(out))
        expected = {
            "seeds": [(f, seed) for seed in range(4) for f in ("relu", "tanh")],
            "grid": [(f, seed) for f in ("relu", "tanh") for seed in range(4)],
        }
        assert came == expected.get(order, came)
        assert order != "random" or came not in expected.values()


def test_what_was_stopped_in_the_middle_goes_on_in_its_order(reluprobe, tmp_path, swept):
    command = ("sweep", "grid.toml", "--out", "other", "--json")
    first = reluprobe(*command, "--order", "grid")
    folder = tmp_path / "other/grid"
    ids = started(first.out)
    for id_ in ids[3:]:  # as after three
        (folder / "runs" / f"{id_}.json").unlink()
    # Another order is no other plan, and of what is left it is the order of the whole.
    result = reluprobe(*command, "--order", "seeds")
    assert result.code == 0 and result.err == ""
    assert seeds_of(folder, started(result.out)) == [
        ("tanh", 0), ("tanh", 1), ("tanh", 2), ("relu", 3), ("tanh", 3),
    ]  # fmt: skip
    assert same_records(record_files(folder), record_files(swept))


def test_an_order_is_no_part_of_a_plan(swept, reluprobe, tmp_path):
    before = record_files(swept)
    (tmp_path / "grid.toml").write_text('order = "random"\norder_seed = 7\n' + SWEEP)
    for more in ((), ("--order", "grid"), ("--set", "order_seed=3"), ("--chunk", "1/2")):
        result = reluprobe("sweep", "grid.toml", *more)
        assert result.code == 0 and "nothing was run" in result.out
    assert record_files(swept) == before
    dry = [
        reluprobe("sweep", "grid.toml", "--dry-run", "--order", o).out for o in ("grid", "seeds")
    ]
    assert dry[0] == dry[1]


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (("--order", "seed"), "order: got 'seed'; allowed is one of seeds, grid, random; did you"),
        (
            ("--set", "order_seed=3"),
            "order_seed: has an effect only with order random; it is seeds",
        ),
        (("--order", "random", "--set", "order_seed=-1"), "order_seed: got -1; allowed is an int"),
    ],
)
def test_an_order_that_is_none_is_refused(reluprobe, tmp_path, args, part):
    (tmp_path / "grid.toml").write_text(SWEEP)
    result = reluprobe("sweep", "grid.toml", *args)
    assert result.code == 2 and part in " ".join(result.err.split())
    assert not (tmp_path / "results").exists()


def test_the_order_stays_in_the_file_beside_the_runs():
    written = {"order": "random", "order_seed": 3, "grid": {"depth": [1, 2]}}
    sweep = parse_sweep(written)
    again = parse_sweep(tomllib.loads(sweep_toml(sweep)))
    assert (again.order, again.order_seed) == ("random", 3)
    assert "order" not in sweep_toml(parse_sweep({"grid": {"depth": [1, 2]}}))


def test_the_library_gives_records_in_the_plans_order_whatever_ran_first():
    sweep: dict[str, Any] = {
        "seeds": 2,
        "base": {"dataset": "blobs", "epochs": 0, "depth": 1, "width": 4},
        "grid": {"lr": [0.1, 0.2]},
    }
    seen: list[int] = []

    def see(event: Any) -> None:
        if isinstance(event, RunDone):
            seen.append(event.run.config.seed)

    results = rp.sweep(sweep, out=None, progress=see)
    assert seen == [0, 0, 1, 1]
    assert [r.seed for r in results] == [0, 1, 0, 1]
    with pytest.raises(InputError, match="order: got"):
        rp.sweep(sweep, out=None, overrides={"order": "sideways"})
