"""The library: one call a command, the command line's messages, nothing global changed."""

from __future__ import annotations

import gc
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import reluprobe as rp
from reluprobe.config import SETTINGS
from reluprobe.engine.events import EpochDone, RunDone
from reluprobe.records import read

TINY: dict[str, Any] = {"dataset": "blobs", "depth": 2, "width": 8, "epochs": 1}
GRID = {"name": "g", "seeds": 2, "base": TINY, "grid": {"activation": ["relu", "elu"]}}


# --- import ------------------------------------------------------------------------------------


def test_importing_it_imports_next_to_nothing_and_lists_its_names():
    code = "import reluprobe, sys; print(sorted(m for m in sys.modules if m in "
    code += "('jax', 'numpy', 'pydantic', 'rich', 'pyarrow', 'altair'))); print(dir(reluprobe))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy, names = done.stdout.splitlines()
    assert heavy == "[]"
    assert {"train", "sweep", "load", "probe", "born_dead", "Results"} <= set(eval(names))
    assert all(getattr(rp, name) is not None for name in rp.__all__)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        rp.trian  # noqa: B018


# --- train -------------------------------------------------------------------------------------


def test_train_gives_the_record_and_writes_nothing(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = rp.train(**TINY)
    assert isinstance(run, rp.RunRecord) and run.status == "ok"
    assert [epoch.epoch for epoch in run.history] == [0, 1]
    assert run.config.width == 8 and len(run.history[-1].layers) == 2
    assert not list(tmp_path.iterdir())


def test_train_writes_where_out_says_what_the_command_writes(tmp_path: Path, reluprobe):
    run = rp.train(out=tmp_path / "library", name="mine", **TINY)
    file = tmp_path / "library" / "mine" / "runs" / f"{run.id}.json"
    assert read(file) == run
    flags = [part for n, v in TINY.items() for part in (f"--{n}", str(v))]
    assert reluprobe("train", *flags, "--out", "command", "--name", "mine").code == 0
    theirs = read(tmp_path / "command" / "mine" / "runs" / file.name)
    assert theirs.history == run.history
    plans = [tmp_path / way / "mine" / "sweep.toml" for way in ("library", "command")]
    assert plans[0].read_text() == plans[1].read_text()


def test_every_setting_is_a_keyword_by_its_one_name():
    parameters = inspect.signature(rp.train).parameters
    assert set(SETTINGS) <= set(parameters)
    assert all(parameters[name].default == s.default for name, s in SETTINGS.items())


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"activaton": "relu"}, "unknown setting 'activaton'; did you mean 'activation'?"),
        ({"learning_rate": -1}, "learning_rate = -1: allowed is a number > 0"),
        ({"width": 2.5}, "width = 2.5: allowed is an integer"),
        ({"leaky_slope": 0.2}, "leaky_slope has an effect only with activation = leaky_relu"),
        ({"norm": "batch", "batch_size": 1}, "norm = batch needs a batch_size of 2 or more"),
    ],
)
def test_wrong_settings_raise_the_command_lines_words(settings: dict[str, Any], fault: str):
    with pytest.raises(rp.InputError) as raised:
        rp.train(**settings)
    assert any(line.startswith(fault) for line in raised.value.faults)
    # A notebook shows the exception's text, and nothing else.
    assert fault in str(raised.value)


def test_numbers_of_numpy_are_numbers():
    run = rp.train(**TINY | {"epochs": np.int64(0), "learning_rate": np.float32(0.5)})
    assert run.config.learning_rate == 0.5 and len(run.history) == 1


def test_progress_gets_every_event():
    events: list[Any] = []
    rp.train(progress=events.append, **TINY)
    assert [e.epoch.epoch for e in events if isinstance(e, EpochDone)] == [0, 1]
    assert isinstance(events[-1], RunDone)


# --- sweep and load ----------------------------------------------------------------------------


def test_a_path_a_dict_and_a_text_are_the_same_sweep(tmp_path: Path):
    text = 'name = "g"\nseeds = 2\n[base]\ndataset = "blobs"\ndepth = 2\nwidth = 8\nepochs = 1\n'
    text += '[grid]\nactivation = ["relu", "elu"]\n'
    (tmp_path / "g.toml").write_text(text)
    sources = (GRID, text, tmp_path / "g.toml", str(tmp_path / "g.toml"))
    histories = [[r.history for r in rp.sweep(source, out=None)] for source in sources]
    assert len(histories[0]) == 4 and all(history == histories[0] for history in histories)


def test_a_sweep_goes_on_where_it_was_stopped(tmp_path: Path):
    events: list[Any] = []
    first = rp.sweep(GRID, out=tmp_path)
    (tmp_path / "g" / "runs" / f"{first.records[1].id}.json").unlink()
    again = rp.sweep(GRID, out=tmp_path, progress=events.append)
    assert [e.run.id for e in events if isinstance(e, RunDone)] == [first.records[1].id]
    assert [r.history for r in again] == [r.history for r in first]
    assert rp.load(tmp_path / "g").records == again.records


def test_another_plan_is_refused_extended_or_set_aside(tmp_path: Path):
    rp.sweep(GRID, out=tmp_path)
    other = GRID | {"grid": {"activation": ["tanh"]}}
    with pytest.raises(rp.InputError, match="holds another plan"):
        rp.sweep(other, out=tmp_path)
    assert len(rp.sweep(other, out=tmp_path, if_other_plan="extend")) == 6
    assert len(rp.sweep(other, out=tmp_path, if_other_plan="fresh")) == 2
    assert len(rp.load(tmp_path / "g" / "old-1")) == 6


def test_bad_sources_are_refused_in_words(tmp_path: Path):
    for source, words in (
        ("nowhere.toml", "no such sweep file"),
        ("seeds = [", "not TOML"),
        ({"grid": {"activation": ["rellu"]}}, "did you mean"),
    ):
        with pytest.raises(rp.InputError, match=words):
            rp.sweep(source, out=tmp_path)
    with pytest.raises(rp.InputError, match="no such file or folder"):
        rp.load(tmp_path / "nothing")
    with pytest.raises(rp.InputError, match="nothing to load"):
        rp.load()
    assert not list(tmp_path.iterdir())


def test_overrides_change_the_base():
    results = rp.sweep(GRID, out=None, overrides={"epochs": 0, "seeds": 1})
    assert [len(r.history) for r in results] == [1, 1]


# --- results -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> rp.Results:
    base = TINY | {"width": 16, "bias_init": -0.3}
    plan = {"name": "g", "seeds": 4, "base": base, "grid": {"activation": ["relu", "leaky_relu"]}}
    return rp.sweep(plan, out=tmp_path_factory.mktemp("results"))


def test_tables_hold_what_the_records_hold(results: rp.Results):
    runs, layers = results.runs(), results.layers()
    assert isinstance(runs, pa.Table) and runs.num_rows == 8
    assert runs["id"].to_pylist() == [r.id for r in results]
    rows = layers.to_pylist()
    assert len(rows) == 8 * 2 * 2
    for row in rows:
        record = next(r for r in results if r.id == row["id"])
        # The settings that vary stand beside each row; the others do not.
        assert (row["activation"], row["seed"]) == (record.config.activation, record.config.seed)
        assert row["dead"] == record.history[row["epoch"]].layers[row["layer"] - 1].dead
    assert "width" not in layers.column_names


def test_the_summary_is_what_report_shows(results: rp.Results, reluprobe):
    (folder,) = (archive.folder for archive in results.archives)
    shown_json = json.loads(reluprobe("report", str(folder), "--json").out)
    rows = results.summary(by=["activation"]).to_pylist()
    shown = shown_json["sweeps"][0]["configurations"]
    assert [row["activation"] for row in rows] == ["relu", "leaky_relu"]
    for row, theirs in zip(rows, shown, strict=True):
        assert row["dead"] == theirs["mean"]["mean"]
        assert row["test_accuracy_half_width"] == theirs["test_accuracy"]["half_width"]
        assert row["runs"] == theirs["runs"] == 4


def test_a_comparison_is_paired_by_seed(results: rp.Results):
    (row,) = results.compare(baseline={"activation": "relu"}).to_pylist()
    of = {(r.config.activation, r.config.seed): r.final for r in results}
    gained = [of["leaky_relu", s].test_accuracy - of["relu", s].test_accuracy for s in range(4)]
    assert (row["change"], row["pairs"]) == ("leaky_relu", 4)
    assert row["test_accuracy_change"] == pytest.approx(np.mean(gained))
    assert row["test_accuracy_change_low"] <= row["test_accuracy_change"]
    for wrong in ({"activaton": "relu"}, {"activation": "tanh"}):
        with pytest.raises(rp.InputError):
            results.compare(baseline=wrong)


def test_a_figure_shows_itself_and_says_what_is_lacking(results: rp.Results, tmp_path: Path):
    figure = results.figure("layers")
    assert figure._repr_mimebundle_()["image/svg+xml"].startswith("<svg ")
    figure.save(tmp_path / "layers.png")
    assert (tmp_path / "layers.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(rp.InputError, match="did you mean 'layers'"):
        results.figure("layer")
    with pytest.raises(rp.ReluprobeError, match="no figure published"):
        results.figure("published")
    assert set(results.figures()) >= {"layers", "outcome"}


def test_one_sweep_of_several_is_chosen_by_name(results: rp.Results):
    (archive,) = results.archives
    both = rp.Results((archive, archive))
    with pytest.raises(rp.InputError, match="a figure is of one sweep"):
        both.figure("layers")
    with pytest.raises(rp.InputError, match="no sweep 'h'"):
        both["h"]
    assert results["g"].records == results.records
    assert "activation" in repr(results) and "relu" in repr(results)


def test_words_that_are_none_of_those_allowed_are_refused(results: rp.Results):
    with pytest.raises(rp.InputError, match="definition = 'ded'.*did you mean 'dead'"):
        results.summary(definition="ded")
    with pytest.raises(rp.InputError, match="on = 'training'"):
        results.compare(on="training")
    with pytest.raises(rp.InputError, match="'activatoin' is no setting"):
        results.summary(by=["activatoin"])


# --- born_dead ---------------------------------------------------------------------------------


def test_born_dead_counts_beside_theory(tmp_path: Path):
    born = rp.born_dead(depth=[2], width=[2], networks=2000, out=tmp_path)
    (cell,) = born.cells
    assert cell.exact is not None and cell.low <= cell.exact <= cell.high
    assert [f.stem for f in (tmp_path / "born-dead").iterdir()] == [born.id]
    with pytest.raises(rp.InputError, match="bad settings"):
        rp.born_dead(depth=[0])


# --- the process it is called in ---------------------------------------------------------------


def test_no_call_changes_the_state_of_the_process(tmp_path: Path):
    code = """
import gc, json, os, sys, logging
import jax
import reluprobe as rp

def state():
    mask = os.umask(0o22); os.umask(mask)
    config = {k: str(v) for k, v in jax.config.values.items()}
    return [mask, gc.isenabled(), gc.get_freeze_count(), len(jax.devices()), config,
            dict(os.environ), os.getcwd(),
            [str(h) for h in logging.getLogger("reluprobe").handlers]]

before = state()
tiny = dict(dataset="blobs", depth=1, width=4, epochs=1)
rp.train(**tiny)
rp.train(out=sys.argv[1], **tiny)
results = rp.sweep({"name": "s", "base": tiny, "seeds": 2}, out=sys.argv[1])
results.runs(), results.layers(), results.units(), results.summary(), repr(results)
results.tensorboard(sys.argv[1] + "/logs")
rp.load(sys.argv[1])
rp.probe([[1.0]])
rp.born_dead(depth=[2], width=[2], networks=100)
results.figure("outcome")._repr_mimebundle_()
after = state()
print(json.dumps([[a, b] for a, b in zip(before, after) if a != b]))
"""
    env = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}
    env.pop("JAX_NUM_CPU_DEVICES", None)
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
    assert gc.isenabled()


# --- what a notebook hands over ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda r, out: rp.sweep(GRID, out=out, if_other_plan="frsh"), "did you mean 'fresh'"),
        (lambda r, out: rp.sweep(GRID, out=3), "out = 3: allowed is a path"),
        (lambda r, out: rp.sweep(GRID, out=out, devices="1"), "devices = '1'"),
        (lambda r, out: rp.sweep(GRID, out=out, devices=99), "allowed is 1 to 2"),
        (lambda r, out: rp.sweep(GRID, out=out, overrides="epochs=1"), "overrides = 'epochs=1'"),
        (lambda r, out: rp.sweep({1: 2}, out=out), "key 1 is no text"),
        (lambda r, out: rp.sweep(None, out=out), "source = None: allowed is a path"),
        (lambda r, out: rp.sweep("~nobody99/x.toml", out=out), "bad source"),
        (lambda r, out: rp.train(progress="yes", **TINY), "progress = 'yes'"),
        (lambda r, out: rp.load(["a"]), r"path = \['a'\]: allowed is a path"),
        (lambda r, out: r[0], "no sweep 0"),
        (lambda r, out: r.summary(by=3), "by = 3: allowed is names of settings"),
        (lambda r, out: r.summary(sort=["dead"]), r"sort = \['dead'\]"),
        (lambda r, out: r.compare("activation=relu"), "baseline = 'activation=relu'"),
        (lambda r, out: r.compare(within=None), "within = None"),
        (lambda r, out: r.figure(None), "name = None: allowed is one of"),
        (lambda r, out: r.figure("heatmap", heatmap=("activation",)), "allowed are two settings"),
        (lambda r, out: r.figure("layers", heatmap=("activation", "seed")), "for the figure heat"),
        (lambda r, out: rp.probe([[1.0]], depth=3), "depth: allowed are leaky_slope"),
        (lambda r, out: rp.probe([[1j]]), "z of type complex128"),
        (lambda r, out: rp.probe([[1e300]]), "beyond float32"),
    ],
)
def test_what_is_of_a_wrong_kind_is_refused_in_words(
    results: rp.Results, tmp_path: Path, call: Any, words: str
):
    with pytest.raises(rp.InputError, match=words):
        call(results, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_arrays_tuples_and_single_names_are_taken(results: rp.Results):
    by_name = results.summary(by="activation")
    assert by_name.num_rows == 2
    assert results.summary(by=(name for name in ["activation"])).equals(by_name)
    plan = {"seeds": range(2), "base": {"dataset": "blobs", "width": np.int64(8), "epochs": 0}}
    plan["grid"] = {"learning_rate": np.array([0.25, 0.5], np.float32), "depth": (1, 2)}
    runs = rp.sweep(plan, out=None)
    assert sorted({r.config.learning_rate for r in runs}) == [0.25, 0.5] and len(runs) == 8
    assert rp.train(**TINY | {"epochs": 0, "learning_rate": np.float32(0.01)}).id == (
        rp.train(**TINY | {"epochs": 0, "learning_rate": 0.01}).id
    )


def test_a_figure_of_all_runs_is_not_called_after_one_activation(results: rp.Results):
    assert results.figure("layers", by=[]).alt.startswith("all runs:")
