"""References in a sweep file: names, paths and what is wrong with a file."""

from __future__ import annotations

import dataclasses
import os
from importlib import resources

import pytest

from plain_records import write_sweep
from reluprobe.config import load_reference, parse_sweep, read_sweep, sweep_toml
from reluprobe.errors import InputError
from reluprobe.records.folder import open_all
from study_runs import STUDY, broken

EPOCH = {"epoch": 1, "layers": [10.0]}


def faults(written, folder):
    with pytest.raises(InputError) as caught:
        parse_sweep({"reference": written}, folder=folder)
    assert caught.value.exit_code == 2
    return caught.value.faults


def test_a_name_stays_a_name_and_a_path_starts_at_the_sweep_file(tmp_path):
    assert parse_sweep({"reference": "mnist_study"}).reference == "mnist_study"
    shipped = resources.files("reluprobe.config") / "references" / "mnist_study.json"
    (tmp_path / "mine.json").write_text(shipped.read_text())
    (tmp_path / "grid.toml").write_text('reference = "mine.json"')
    sweep = read_sweep(tmp_path / "grid.toml")
    assert sweep.reference == str(tmp_path / "mine.json")
    assert load_reference(sweep.reference) == dataclasses.replace(STUDY, name="mine")
    (tmp_path / "again.toml").write_text(sweep_toml(sweep))
    assert read_sweep(tmp_path / "again.toml").reference == sweep.reference
    assert "reference" not in sweep_toml(parse_sweep({}))


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("mnist_studdy", "did you mean 'mnist_study'?"),
        (3, "reference = 3: allowed is mnist_study or tutorial, or the path of a .json file"),
        ("mnie.json", "did you mean 'mine.json'?"),
    ],
)
def test_a_reference_that_is_not_there_is_named_with_the_nearest(tmp_path, written, part):
    (tmp_path / "mine.json").write_text("{}")
    assert any(part in f for f in faults(written, tmp_path))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("{", "is not JSON"),
        ("[]", "is a list; allowed is an object"),
        (broken(runs={}), "runs: "),
        (broken(runs={"relu": [{"epoch": 1, "layers": [101.0]}]}), "relu.0.layers.0"),
        (broken(runs={"relu": [{"epoch": 1, "layers": []}]}), "relu.0.layers"),
        (broken(runs={"relu": [{"epoch": 1}]}), "relu.0.layers: Field required"),
        (broken(runs={"rleu": [{"epoch": 1, "layers": [1.0]}]}), "did you mean 'relu'?"),
        (broken(definition="ded"), "did you mean 'dead'?"),
        (broken(protocol={"epochs": "many"}), "epochs = 'many': allowed is an integer"),
        (broken(sources="two"), "sources"),
        (broken(runs={"relu": [EPOCH, EPOCH]}), "runs.relu: its epochs are not in order"),
        (broken(runs={"relu": [EPOCH | {"epoch": 2}, EPOCH]}), "runs.relu: its epochs are not"),
        (
            broken(runs={"relu": [EPOCH, {"epoch": 2, "layers": [1.0, 2.0]}]}),
            "runs.relu: its epochs have not all as many layers",
        ),
        (broken(runs={"relu": [EPOCH | {"test_loss": 1e308}]}), "relu.0.test_loss"),
        ("[" * 10**6, "is not JSON"),
    ],
)
def test_a_broken_reference_is_named_with_its_fault(tmp_path, content, part):
    (tmp_path / "mine.json").write_text(content)
    texts = faults("mine.json", tmp_path)
    assert all(str(tmp_path / "mine.json") in f for f in texts)
    assert any(part in f for f in texts), texts


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among files")
def test_a_reference_that_is_no_file_is_named_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "mine.json")
    (fault,) = faults("mine.json", tmp_path)
    assert "is no regular file" in fault


def test_a_broken_reference_leaves_the_plan_known(tmp_path):
    write_sweep(tmp_path / "s", seeds=3)
    plan = tmp_path / "s" / "sweep.toml"
    plan.write_text('reference = "mine.json"\n' + plan.read_text())
    (tmp_path / "s" / "mine.json").write_text("{")
    next((tmp_path / "s" / "runs").iterdir()).unlink()
    (archive,) = open_all([tmp_path / "s"])
    assert (len(archive.records), archive.missing, archive.reference) == (2, 1, None)
    assert len(archive.faults) == 1 and "mine.json: is not JSON" in archive.faults[0]
