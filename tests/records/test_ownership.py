"""Claim of a sweep folder: one plan, and records that nobody overwrites."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plain_records import BASE, record_of
from reluprobe import records
from reluprobe.config import SweepConfig, make_run, parse_sweep, read_sweep, sweep_toml
from reluprobe.errors import InputError, ReluprobeError
from reluprobe.plan import diff
from reluprobe.plan.grouping import group_runs
from reluprobe.plan.runs import Run, as_run, expand
from reluprobe.plan.slices import runs_of_part
from reluprobe.records import resume
from reluprobe.records.folder import open_all
from reluprobe.records.ownership import Claim, Way, occupied


def plan_of(seeds: Any = 3, **axes: Any) -> SweepConfig:
    """Lists are axes, other values go to the base."""
    grid = {name: value for name, value in axes.items() if isinstance(value, list)}
    base = {name: value for name, value in (BASE | axes).items() if name not in grid}
    return parse_sweep({"name": "s", "seeds": seeds, "base": base, "grid": grid})


def runs_of(sweep: SweepConfig) -> list[Run]:
    return list(expand(sweep).runs)


def ids_of(sweep: SweepConfig) -> set[str]:
    return {run.id for run in runs_of(sweep)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "results" / "s"


def claim(folder: Path, sweep: SweepConfig, part: Any = (1, 1), way: Way = "refuse") -> Any:
    return occupied(Claim(folder, sweep, runs_of(sweep), part, way))


def done(folder: Path, sweep: SweepConfig, **how: Any) -> dict[str, bytes]:
    """Run it, as it were; give the records as they lie there."""
    with claim(folder, sweep, **how) as mine:
        for run in resume.progress_of(folder, mine).missing:
            records.write(record_of(run), folder)
    return {file.name: file.read_bytes() for file in (folder / "runs").iterdir()}


# --- how far it has come -----------------------------------------------------------------------


def test_only_a_whole_record_of_the_run_itself_counts_as_done(folder: Path):
    runs = runs_of(plan_of(seeds=9))
    ok, diverged, failed, torn, stranger, renamed, short, missing, older = runs
    records.write(record_of(ok), folder)
    records.write(record_of(diverged, status="diverged"), folder)
    records.write(record_of(failed, status="failed", error="no luck", history=()), folder)
    file = records.write(record_of(torn), folder)
    file.write_text(file.read_text()[:-30])
    records.write(record_of(stranger), folder).write_text("{}")
    file = records.write(record_of(renamed), folder)
    file.write_text(
        file.read_text().replace('"seed":5', '"seed":50').replace('"seed": 5', '"seed": 50')
    )
    records.write(record_of(short, history=record_of(short).history[:1]), folder)
    file = records.write(record_of(older), folder)
    file.write_text(file.read_text().replace("run/7", "run/2"))
    progress = resume.progress_of(folder, runs)
    assert set(progress.records) == {ok.id, diverged.id, failed.id, older.id}
    assert list(progress.missing) == [torn, stranger, renamed, short, missing]
    assert len(progress.damaged) == 4
    assert [progress.count(status) for status in ("ok", "diverged", "failed")] == [2, 1, 1]


def test_a_newer_reluprobes_record_is_not_overwritten(folder: Path):
    (run,) = runs_of(plan_of(seeds=1))
    file = records.write(record_of(run), folder)
    file.write_text(file.read_text().replace("run/7", "run/99"))
    with pytest.raises(ReluprobeError, match="update it"):
        resume.progress_of(folder, [run])


@settings(max_examples=25)
@given(st.integers(1, 10), st.integers(1, 12))
def test_slices_are_a_division_of_the_plan_into_equal_parts(seeds: int, of: int):
    runs = runs_of(plan_of(seeds=seeds, depth=[1, 2]))
    parts = [runs_of_part(runs, (number, of)) for number in range(1, of + 1)]
    assert sorted(r.id for part in parts for r in part) == sorted(r.id for r in runs)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    # Two programs: at most one slice needs both.
    assert sum(len(group_runs(part)) == 2 for part in parts) <= 1


# --- the plan ----------------------------------------------------------------------------------


def test_another_plan_is_refused_with_the_difference_and_nothing_is_touched(folder: Path):
    before = done(folder, plan_of(learning_rate=[0.1, 0.2]))
    written = (folder / "sweep.toml").read_bytes()
    other = plan_of(seeds=4, learning_rate=[0.2, 0.3], width=8)
    with pytest.raises(InputError) as caught, claim(folder, other):
        pass
    assert caught.value.message == f"{folder} holds another plan"
    assert caught.value.faults == (
        "6 runs there, 8 asked for, 0 in both",
        "learning_rate: only there 0.1; only asked for 0.3",
        "width: 4 there, 8 asked for",
        "seed: only asked for 3",
    )
    hint = caught.value.hint or ""
    assert "--extend" in hint and "--fresh" in hint and "old-1" in hint
    assert {f.name: f.read_bytes() for f in (folder / "runs").iterdir()} == before
    assert (folder / "sweep.toml").read_bytes() == written


def test_a_difference_is_never_longer_than_a_screen():
    old = [as_run(make_run({"seed": n, "depth": 1 + n % 3, "width": 4})) for n in range(99)]
    changed = dict(depth=9, width=5, batch_size=7, epochs=1, dataset="blobs", l2=0.1, clip_norm=1.0)
    changed |= dict(dropout=0.1, norm="batch", optimizer="sgd", pixels="centred", weight_gain=2.0)
    new = [as_run(make_run({"seed": 200 + n, **changed})) for n in range(99)]
    lines = diff.lines(old, new)
    assert len(lines) <= 12 and max(map(len, lines)) <= 100
    assert lines[-1] == "and 3 more settings"


def test_the_same_values_combined_otherwise_are_told_by_run():
    pairs = (((1, 4), (2, 8)), ((1, 8), (2, 4)))
    old, new = ([as_run(make_run({"depth": d, "width": w})) for d, w in p] for p in pairs)
    first, *lines = diff.lines(old, new)
    assert first == "2 runs there, 2 asked for, 0 in both"
    assert len(lines) == 4 and "1 × 4" in lines[0] and "only asked for" in lines[2]


def test_the_same_runs_written_otherwise_are_the_same_plan(folder: Path):
    before = done(folder, plan_of(seeds=[0, 1], depth=[1, 2]))
    same = parse_sweep(
        {"name": "s", "seeds": [1, 0], "base": BASE, "include": [{"depth": 2}, {"depth": 1}]}
    )
    assert done(folder, same) == before
    assert read_sweep(folder / "sweep.toml").include == same.include


def test_a_sweep_file_of_a_reluprobe_with_fewer_settings_is_still_the_same_plan(folder: Path):
    before = done(folder, plan_of())
    file = folder / "sweep.toml"
    lines = [t for t in file.read_text().splitlines() if not t.startswith(("shrink", "perturb"))]
    assert len(lines) < len(file.read_text().splitlines())
    file.write_text("\n".join(lines))
    assert done(folder, plan_of()) == before


@pytest.mark.parametrize("collecting", [True, False])
def test_reading_a_folder_leaves_the_garbage_collector_as_it_was(folder: Path, collecting: bool):
    done(folder, plan_of())
    frozen, was_enabled = gc.get_freeze_count(), gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    try:
        assert len(open_all([folder])[0].records) == 3
        assert gc.isenabled() == collecting
    finally:
        (gc.enable if was_enabled else gc.disable)()
    assert gc.get_freeze_count() == frozen


def test_a_folder_without_a_record_is_anybodys(folder: Path):
    with claim(folder, plan_of()):
        pass
    assert len(done(folder, plan_of(seeds=1, width=8))) == 1


def test_without_its_sweep_file_a_folder_is_what_its_records_are(folder: Path):
    before = done(folder, plan_of())
    (folder / "sweep.toml").unlink()
    with pytest.raises(InputError, match="another plan"), claim(folder, plan_of(seeds=[7])):
        pass
    assert done(folder, plan_of()) == before
    assert ids_of(read_sweep(folder / "sweep.toml")) == ids_of(plan_of())


def everything_in(folder: Path) -> dict[str, bytes]:
    """Every file but the locks, by its path in the folder."""
    files = [f for f in folder.rglob("*") if f.is_file() and not f.name.startswith(".lock")]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def newer_schema(folder: Path) -> None:
    for file in (folder / "runs").glob("*.json"):
        file.write_text(file.read_text().replace("run/7", "run/99"))


def truncated(folder: Path) -> None:
    for file in (folder / "runs").glob("*.json"):
        file.write_text(file.read_text()[:-30])


def a_key_of_a_newer_reluprobe(folder: Path) -> None:
    file = folder / "sweep.toml"
    file.write_text("novelty = 1\n" + file.read_text())


def no_plan(folder: Path) -> None:
    (folder / "sweep.toml").unlink()


def unfinished_alone(folder: Path) -> None:
    no_plan(folder)
    for file in (folder / "runs").glob("*.json"):
        file.rename(file.with_suffix(".unfinished.safetensors"))


UNREADABLE = {
    "a newer plan": [a_key_of_a_newer_reluprobe],
    "a newer plan and records": [newer_schema, a_key_of_a_newer_reluprobe],
    "a newer plan, truncated records": [truncated, a_key_of_a_newer_reluprobe],
    "no plan, newer records": [newer_schema, no_plan],
    "no plan, truncated records": [truncated, no_plan],
    "no plan, runs that have not ended": [unfinished_alone],
}


@pytest.mark.parametrize("case", UNREADABLE)
@pytest.mark.parametrize("way", ["refuse", "extend"])
def test_what_cannot_be_read_is_somebodys_and_is_refused(folder: Path, case: str, way: Way):
    done(folder, plan_of())
    for damage in UNREADABLE[case]:
        damage(folder)
    before = everything_in(folder)
    for other in (plan_of(seeds=[7]), plan_of(seeds=[0])):
        with pytest.raises(InputError) as caught, claim(folder, other, way=way):
            pass
        assert caught.value.message == f"{folder} holds somebody's work that cannot be read"
        assert caught.value.faults and len(caught.value.faults) <= 6
        hint = caught.value.hint or ""
        assert "--fresh (moves all of it to" in hint and "old-1" in hint and "--extend" not in hint
        assert everything_in(folder) == before


def test_a_plan_that_cannot_be_read_is_somebodys_without_any_record(folder: Path):
    folder.mkdir(parents=True)
    (folder / "sweep.toml").write_text("novelty = 1\n")
    before = everything_in(folder)
    with pytest.raises(InputError, match="cannot be read"), claim(folder, plan_of()):
        pass
    assert everything_in(folder) == before
    assert len(done(folder, plan_of(), way="fresh")) == 3
    assert (folder / "old-1" / "sweep.toml").read_text() == "novelty = 1\n"


@pytest.mark.parametrize("case", UNREADABLE)
def test_fresh_moves_all_of_it_aside_and_a_failure_moves_it_back(folder: Path, case: str):
    done(folder, plan_of())
    for name in ("runs/r0.npz", "runs/r0.unfinished.safetensors", "report/outcome.svg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    for damage in UNREADABLE[case]:
        damage(folder)
    before = everything_in(folder)
    with pytest.raises(ValueError, match="no luck"), claim(folder, plan_of([7]), way="fresh"):
        raise ValueError("no luck")
    assert everything_in(folder) == before
    assert len(done(folder, plan_of([7]), way="fresh")) == 1
    assert everything_in(folder / "old-1") == before
    assert not (folder / "report").exists()


def test_a_plan_that_is_gone_is_none_of_runs_of_this_plan_that_have_not_ended(folder: Path):
    sweep = plan_of()
    done(folder, sweep)
    unfinished_alone(folder)
    with claim(folder, sweep):
        pass
    assert len(list((folder / "runs").glob("*.unfinished.safetensors"))) == 3


def test_extend_keeps_the_old_runs_and_leaves_nothing_foreign(folder: Path):
    first, other = plan_of(learning_rate=[0.1, 0.2]), plan_of(seeds=2, learning_rate=[0.2, 0.3])
    before = done(folder, first)
    for _ in range(2):  # and the same command again
        after = done(folder, other, way="extend")
        assert before.items() <= after.items() and len(after) == 6 + 2
        assert ids_of(read_sweep(folder / "sweep.toml")) == ids_of(first) | ids_of(other)
    (archive,) = open_all([folder])
    assert (len(archive.records), archive.missing, archive.faults) == (8, 0, ())
    # What holds all of the old ones is the plan itself, axes and all.
    wider = plan_of(seeds=3, learning_rate=[0.1, 0.2, 0.3])
    assert len(done(folder, wider, way="extend")) == 9
    assert read_sweep(folder / "sweep.toml").axes == wider.axes


def test_extend_by_the_default_run_keeps_the_reference(folder: Path):
    first = parse_sweep({"name": "s", "base": {"width": 4}, "reference": "mnist_study"})
    default = parse_sweep({"name": "s"})
    done(folder, first)
    done(folder, default, way="extend")
    both = read_sweep(folder / "sweep.toml")
    assert ids_of(both) == ids_of(first) | ids_of(default)
    assert both.reference == "mnist_study"


def test_fresh_moves_the_runs_aside_where_report_still_reads_them(folder: Path):
    before = done(folder, plan_of(), way="fresh")
    for number, seeds in ((1, 2), (2, 1)):
        after = done(folder, plan_of(seeds=seeds), way="fresh")
        assert len(after) == seeds
        aside = {f.name: f.read_bytes() for f in (folder / f"old-{number}" / "runs").iterdir()}
        assert aside == before
        before = after
    (now,) = open_all([folder])
    (old,) = open_all([folder / "old-1"])
    assert (len(now.records), now.missing) == (1, 0)
    assert (len(old.records), old.missing, old.faults) == (3, 0, ())


def test_slices_share_a_folder_whose_plan_is_written_once(folder: Path):
    sweep = plan_of(seeds=5)
    with claim(folder, sweep, (1, 2)):
        file = (folder / "sweep.toml").stat()
        with claim(folder, sweep, (2, 2)) as mine:
            for run in mine:
                records.write(record_of(run), folder)
            assert (folder / "sweep.toml").stat().st_ino == file.st_ino
    assert (folder / "sweep.toml").read_text() == sweep_toml(sweep)
    assert len(resume.progress_of(folder, runs_of(sweep)).missing) == 2


def test_a_slice_of_another_plan_or_order_is_refused_beside_others(folder: Path):
    with claim(folder, plan_of(seeds=[0, 1, 2]), (1, 2)):
        for other in (plan_of(seeds=[0, 1, 3]), plan_of(seeds=[2, 1, 0])):
            with pytest.raises(InputError, match="another plan"), claim(folder, other, (2, 2)):
                pass


def test_what_killed_writers_left_is_cleared_away_and_no_slices_neighbours(folder: Path):
    sweep = plan_of(seeds=4)
    runs = runs_of(sweep)
    with claim(folder, sweep, (1, 2)):
        for run in runs:
            records.write(record_of(run), folder)
        stale = [folder / "runs" / f".{run.id}.json.abc" for run in runs]
        for file in (*stale, folder / ".sweep.toml.abc"):
            file.touch()
        with claim(folder, sweep, (2, 2)) as mine:
            left = {file.name.split(".")[1] for file in stale if file.exists()}
            assert left == {run.id for run in runs} - {run.id for run in mine}
    with claim(folder, sweep):
        assert not [f for f in folder.rglob(".*") if not f.name.startswith(".lock")]
    assert len(list((folder / "runs").iterdir())) == 4


def test_a_plan_of_includes_survives_a_trip_through_toml_with_every_kind_of_setting(folder: Path):
    runs = [{"activation": "leaky_relu(0.2)"}, {"phases": "permuted_pixels*2"}, {"seed": 1}]
    runs += [{"use_bias": False, "probe_examples": "all"}, {"revive": "redo", "revive_at": "1,3"}]
    first = parse_sweep({"name": "s", "include": runs})
    done(folder, plan_of())
    with claim(folder, first, way="extend"):
        pass
    assert ids_of(read_sweep(folder / "sweep.toml")) == ids_of(first) | ids_of(plan_of())
