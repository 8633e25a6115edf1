"""Every command from end to end: what it prints and writes, its exit code, what it imports."""

import importlib
import json
import runpy

import pytest

from python_processes import imported_by
from reluprobe import records

TINY = ["--dataset", "blobs", "--depth", "2", "--width", "8", "--epochs", "1"]
TINY += ["--probe-examples", "200"]

SWEEP = """
seeds = 2
[base]
dataset = "blobs"
width = 8
depth = 2
epochs = 1
probe_examples = 200
[grid]
activation = ["relu", "leaky_relu"]
learning_rate = [1e-2, 1e-1]
"""


@pytest.fixture
def swept(sweep_once):
    return sweep_once(SWEEP)


def run_files(folder):
    return sorted((folder / "runs").glob("*.json"))


def test_train_shows_a_row_per_epoch_a_headline_the_file_and_the_next_command(reluprobe, tmp_path):
    result = reluprobe("train", *TINY)
    assert result.code == 0, result.err
    (file,) = run_files(next((tmp_path / "results").iterdir()))
    record = records.read(file)
    rows = [line.split() for line in result.out.splitlines() if line[:6].strip().isdigit()]
    assert [row[0] for row in rows] == ["0", "1"]
    assert rows[0][1] == "n/a"  # no training loss before the first step
    assert float(rows[1][2]) == pytest.approx(100 * record.final.test_accuracy, abs=0.051)
    assert f"wrote results/train-{record.id}/runs/{record.id}.json" in result.out
    assert f"next: reluprobe report results/train-{record.id}" in result.out
    text = " ".join(result.out.split())
    assert "% of hidden units are dead on 200 training examples after 1 epoch" in text
    assert "test accuracy" in text


def test_a_train_is_a_sweep_of_one(reluprobe, tmp_path, swept):
    (tmp_path / "one.toml").write_text(SWEEP)
    args = [*TINY, "--lr", "0.1", "--seed", "1", "--name", "one"]
    assert reluprobe("train", *args).code == 0
    (file,) = run_files(tmp_path / "results" / "one")
    alone, among = records.read(file), records.read(tmp_path / "results/grid/runs" / file.name)
    assert alone.history == among.history
    assert alone.config == among.config


def test_a_sweep_writes_one_record_a_run_and_its_own_file(tmp_path, reluprobe):
    (tmp_path / "grid.toml").write_text(SWEEP)
    result = reluprobe("sweep", "grid.toml")
    assert result.code == 0, result.err
    assert "8 runs in 1 compiled group" in result.out
    folder = tmp_path / "results" / "grid"
    assert len(run_files(folder)) == 8
    again = reluprobe("sweep", "results/grid/sweep.toml", "--dry-run")
    assert "8 runs in 1 compiled group" in again.out


def test_report_folds_seeds_pivots_and_names_the_sample(swept, reluprobe):
    result = reluprobe("report", "results", "--no-figures", "--full")
    assert result.code == 0, result.err
    assert "8 runs of blobs, 1 epoch, probed on 200 training examples" in result.out
    assert "by activation and lr" in result.out
    assert "±" in result.out
    table = result.out.split("activation  lr", 1)[1].splitlines()
    assert [line.split()[:2] for line in table[1:5]] == [
        ["relu", "0.01"], ["relu", "0.1"], ["leaky_relu", "0.01"], ["leaky_relu", "0.1"],
    ]  # fmt: skip


def test_report_as_json_agrees_with_the_records(swept, reluprobe, tmp_path):
    result = json.loads(reluprobe("report", "results/grid", "--json", "--by", "activation").out)
    (sweep,) = result["sweeps"]
    relu, leaky = sweep["configurations"]
    run_records = [records.read(f) for f in run_files(tmp_path / "results" / "grid")]
    ends = [r.final.test_accuracy for r in run_records if r.config.activation == "relu"]
    assert relu["test_accuracy"]["mean"] == pytest.approx(sum(ends) / len(ends))
    assert relu["test_accuracy"]["n"] == 4
    assert leaky["mean"]["mean"] == 0


def test_report_goes_further_where_asked(swept, reluprobe):
    plain = reluprobe("report", "results", "--no-figures").out
    asked = ("--lives", "--causes", "--rates", "--signals", "--bounds")
    result = reluprobe("report", "results", "--no-figures", *asked)
    assert result.code == 0, result.err
    assert "% of 4,096" in " ".join(plain.split())
    # What 0 firings in 200 bound: 1 - 0.05^(1/200) = 1.5%.
    bound = "probe: 200 examples, up to 1.5%"
    for words in (
        "lives of units: 2 probes a run",
        "causes of death",
        "slow or dead?",
        "signals",
        bound,
    ):
        assert words in " ".join(result.out.split())
        assert words not in " ".join(plain.split())
    assert all(len(line) <= 80 for line in result.out.splitlines() if not line.startswith("next"))


def test_a_sweep_that_trains_nothing_shows_what_its_inits_do(reluprobe, tmp_path):
    (tmp_path / "grid.toml").write_text(SWEEP)
    result = reluprobe("sweep", "grid.toml", "--set", "epochs=0")
    assert result.code == 0, result.err
    assert "signals" in result.out
    assert "usual:" in result.out


def test_every_units_life_is_in_the_json(swept, reluprobe, tmp_path):
    result = json.loads(reluprobe("report", "results/grid", "--json", "--lives").out)
    rows = result["sweeps"][0]["configurations"]
    record = records.read(run_files(tmp_path / "results" / "grid")[0])
    (layers,) = [row["units"][record.id] for row in rows if record.id in row["units"]]
    assert len(layers) == record.config.depth
    for layer_lives, layer in zip(layers, record.final.layers, strict=True):
        assert sum(layer_lives["dead_at_end"]) == round(layer.dead * layer.units)
        for dead, first in zip(layer_lives["dead_at_end"], layer_lives["first_death"], strict=True):
            assert first >= 0 or not dead


def test_report_takes_files_sorts_and_counts_by_another_definition(swept, reluprobe, tmp_path):
    files = [str(f) for f in run_files(tmp_path / "results" / "grid")[:3]]
    result = reluprobe("report", *files, "--definition", "never_positive", "--sort", "accuracy")
    assert result.code == 0
    assert "3 runs" in result.out
    assert "missing" not in result.out
    assert "never positive" in result.out


def test_missing_runs_are_counted(swept, reluprobe, tmp_path):
    run_files(tmp_path / "results" / "grid")[0].unlink()
    assert "7 runs of blobs (1 more missing)" in reluprobe("report", "results", "--no-figures").out


def test_a_broken_record_is_named_and_the_others_are_shown(swept, reluprobe, tmp_path):
    first, second, *_ = run_files(tmp_path / "results" / "grid")
    first.write_text(first.read_text()[:100])
    second.write_text(second.read_text().replace(records.SCHEMA, "reluprobe/run/99"))
    result = reluprobe("report", "results", "--no-figures")
    assert result.code == 1
    assert "6 runs of blobs (2 more missing)" in result.out
    assert first.name in result.err
    assert "not whole JSON" in result.err
    assert "reluprobe/run/99" in result.err


def test_diverged_runs_are_listed_and_are_no_failure(reluprobe):
    result = reluprobe("train", *TINY, "--lr", "1e30")
    assert result.code == 0
    assert "diverged: not finite from epoch 1 on" in result.out
    assert "1 run diverged" in reluprobe("report", "results", "--no-figures").out
    assert "diverged in epoch 1" in reluprobe("report", "results", "--no-figures", "--full").out


def test_set_and_dry_run(reluprobe, tmp_path):
    (tmp_path / "grid.toml").write_text(SWEEP)
    result = reluprobe("sweep", "grid.toml", "--dry-run", "--set", "seeds=5", "--set", "epochs=0")
    assert result.code == 0
    assert "20 runs in 1 compiled group" in result.out
    assert "learning_rate" in result.out
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("args", "code", "parts"),
    [
        (["train", "--act", "rleu"], 2, ["activation = 'rleu'", "one of relu", "mean 'relu'?"]),
        (["train", "--lr", "nan"], 2, ["learning_rate = nan", "a number > 0"]),
        (["train", "--leaky-slope", "0.1"], 2, ["only with activation = leaky_relu"]),
        (["train", "--dataset", "minst"], 2, ["minst", "mnist"]),
        (["train", *TINY[:-1], "9999"], 2, ["probe_examples = 9999", "<= 4096"]),
        (["train", "--name", "../elsewhere"], 2, ["name: got '../elsewhere'", "no slash"]),
        (["train", "--depth", "three"], 2, ["depth = 'three'", "an integer >= 1"]),
        (["train", "--dpeth", "3"], 2, ["--depth"]),
        (["sweep", "no.toml"], 2, ["no such sweep file: no.toml"]),
        (["sweep", "grid.toml", "--set", "epochs"], 2, ["KEY=VALUE"]),
        (["sweep", "grid.toml", "--set", "epohcs=3"], 2, ["mean 'epochs'?"]),
        (["report", "reslts"], 2, ["no such file or folder: reslts; did you mean 'results'?"]),
        (["report", "results"], 1, ["no readable record in results", "try: reluprobe sweep"]),
        (["report", "results", "-d", "ded"], 2, ["mean 'dead'?"]),
    ],
)
def test_bad_input_is_one_short_message_and_no_traceback(reluprobe, tmp_path, args, code, parts):
    (tmp_path / "grid.toml").write_text(SWEEP)
    (tmp_path / "results").mkdir()
    result = reluprobe(*args)
    assert result.code == code
    text = " ".join(result.err.split())
    for part in parts:
        assert part in text
    assert "Traceback" not in result.err
    assert len(result.err.splitlines()) < 20
    assert list((tmp_path / "results").rglob("*")) == []


def test_an_unwritable_folder_is_known_before_training(reluprobe, tmp_path):
    (tmp_path / "results").write_text("a file where the folder should be")
    result = reluprobe("train", *TINY)
    assert result.code == 1
    assert "cannot write results/train-" in result.err
    assert "epoch" not in result.out


def test_failed_runs_are_shown_with_their_message(swept, reluprobe, tmp_path):
    file = run_files(tmp_path / "results" / "grid")[0]
    broken = json.loads(file.read_text()) | {"status": "failed", "error": "out of luck"}
    file.write_text(json.dumps(broken | {"history": []}))
    assert "out of luck" in reluprobe("report", "results", "--no-figures").out
    assert "failed: out of luck" in reluprobe("report", "results", "--no-figures", "--full").out


@pytest.mark.parametrize(
    "args", [["--help"], ["train", "--help"], ["sweep", "--help"], ["export", "--help"]]
)
def test_help_does_not_import_jax(args):
    assert not {"jax", "flax", "optax", "tensorflow_datasets"} & imported_by(*args)[0]


def test_report_does_not_import_jax(swept, tmp_path):
    assert not {"jax", "flax", "optax"} & imported_by("report", str(tmp_path / "results"))[0]


def test_help_lists_every_commands_own_first_line_and_imports_none_of_them():
    from reluprobe.cli.lazy import COMMANDS

    for name, (module, line) in COMMANDS.items():
        own = importlib.import_module(f"reluprobe.cli.commands.{module}")
        assert own.HELP.splitlines()[0] == line
        assert name.replace("-", "_") == module
    heavy = {"jax", "numpy", "pydantic", "rich.progress", "reluprobe.config"}
    assert not heavy & imported_by("--help")[0]


def test_the_package_is_the_command(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["reluprobe", "--version"])
    with pytest.raises(SystemExit) as left:
        runpy.run_module("reluprobe", run_name="__main__")
    assert not left.value.code
    assert capsys.readouterr().out.startswith("reluprobe ")


def test_ctrl_c_ends_a_command_with_a_message_and_130(reluprobe, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("reluprobe.cli.reading.open_all", interrupted)
    result = reluprobe("report", "results")
    assert result.code == 130
    assert result.err == "interrupted; runs that had ended are on disk\n"
