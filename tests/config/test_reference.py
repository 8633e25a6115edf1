"""References in a sweep file: names, paths and what is wrong with a file."""

from __future__ import annotations

import dataclasses
from importlib import resources

import pytest

from reluprobe.config import load_reference, parse_sweep, read_sweep, sweep_toml
from reluprobe.errors import InputError
from study_runs import STUDY, broken


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
        (3, "reference = 3: allowed is mnist_study, or the path of a .json file"),
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
    ],
)
def test_a_broken_reference_is_named_with_its_fault(tmp_path, content, part):
    (tmp_path / "mine.json").write_text(content)
    texts = faults("mine.json", tmp_path)
    assert all(str(tmp_path / "mine.json") in f for f in texts)
    assert any(part in f for f in texts), texts
