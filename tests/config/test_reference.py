"""References in a sweep file: names, paths and what is wrong with a file."""

from __future__ import annotations

import dataclasses
import os
from importlib import resources

import pytest

from plain_records import write_sweep
from reluprobe.config import load_reference, parse_sweep, read_sweep, sweep_toml
from reluprobe.config.reference import SHIPPED
from reluprobe.errors import InputError
from reluprobe.records.folder import open_all
from study_runs import STUDY, broken

EPOCH = {"epoch": 1, "layers": [10.0]}


def layered(layer, accuracy):
    return broken(runs={"relu": [{"epoch": 1, "layers": [layer], "test_accuracy": accuracy}]})


def keyed(*keys, **changes):
    return broken(runs={key: [EPOCH] for key in keys}, **changes)


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
        (3, f"reference = 3: allowed is one of {', '.join(SHIPPED)}, or the path of a .json file"),
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
        (
            layered([97, 94], 0.5),
            "relu.0.layers.0.range: a range is [least, greatest]; got [97, 94]",
        ),
        (layered([94, 101], 0.5), "relu.0.layers.0.range.1: Input should be less than or equal to"),
        (layered([1, 2, 3], 0.5), "relu.0.layers.0.range: "),
        (layered(50, [0.5, 0.4]), "relu.0.test_accuracy.range: a range is [least, greatest]"),
        (layered(50, [0.5, 97]), "relu.0.test_accuracy.range.1: Input should be less than"),
        (layered("many", 0.5), "relu.0.layers.0.value: "),
        (keyed("lerning_rate=0.1"), "did you mean 'learning_rate'?"),
        (keyed("lr=fast"), "runs.lr=fast: learning_rate = 'fast': allowed is a number"),
        (keyed("lr=0.1,elu"), "runs.lr=0.1,elu: learning_rate = '0.1,elu': allowed is a number"),
        (keyed("lr=0.1,learning_rate=0.2"), "learning_rate is named twice"),
        (keyed("seed=3"), "runs.seed=3: a published seed is none of ours"),
        (keyed("leaky_slope=0.2"), "leaky_slope has an effect only with activation = leaky_relu"),
        (
            keyed("lr=0.1", "learning_rate=1e-1"),
            "learning_rate=1e-1: chooses the same runs as lr=0",
        ),
        (keyed("relu", "act=relu"), "runs.act=relu: chooses the same runs as relu"),
        (keyed("width=64-32"), "layers published: 1, and 64-32 has 2"),
        (keyed("relu", protocol={"width": [64, "b"]}), "protocol: width = [64, 'b']: allowed is"),
        (keyed("relu", protocol={"probe": "0 images"}), "protocol: probe_examples = 0: allowed is"),
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


def test_the_tutorials_record_is_what_the_notebooks_gave():
    tutorial = load_reference("tutorial")
    published = {
        tutorial.choice(key)["learning_rate"]: (epoch.layers, epoch.test_accuracy)
        for key, (epoch,) in tutorial.runs.items()
    }
    assert published == {
        0.5: ((98, 97, 100), 0.106),
        0.1: (((94, 97), (91, 100), (88, 100)), (0.106, 0.38)),
        0.01: (((16, 28), (9, 16), (16, 19)), 0.971),
        0.001: ((0, 9, 13), 0.97),
    }
    assert tutorial.layer_units("learning_rate=0.1") == (128, 64, 32)
    assert tutorial.unchecked() == []


def test_a_key_names_settings_as_baseline_does_and_goes_before_the_protocol(tmp_path):
    protocol = {"learning_rate": 0.2, "width": [64, 32], "probe": "the first 2,500 of 60,000"}
    layers = [{"epoch": 1, "layers": [1, 2]}]
    runs = {"lr=1e-1, act=leaky_relu(0.2)": layers, "width=9-9": layers, "elu": layers}
    (tmp_path / "mine.json").write_text(broken(runs=runs, protocol=protocol))
    mine = load_reference(str(tmp_path / "mine.json"))
    several, equal, alone = mine.runs
    assert mine.choice(several) == {
        "learning_rate": 0.1, "activation": "leaky_relu", "leaky_slope": 0.2,
    }  # fmt: skip
    assert (mine.choice(equal), mine.choice(alone)) == ({"width": 9}, {"activation": "elu"})
    target = mine.target(several)
    assert (target["width"], target["depth"], target["probe_examples"]) == ("64-32", 2, 2500)
    assert [mine.target(key)["learning_rate"] for key in mine.runs] == [0.1, 0.2, 0.2]
    assert [mine.target(key)["activation"] for key in mine.runs] == ["leaky_relu", "relu", "elu"]
    assert "seed" not in target
