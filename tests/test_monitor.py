"""A monitor's record: what was seen at every look, and nothing lost, mixed or half-written."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

import reluprobe as rp
from reluprobe import records
from reluprobe.errors import InputError

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(6, 2)


def z_of(dead, units=8):
    """Pre-activations of a layer with these units dead."""
    z = np.ones((6, units), np.float32)
    z[:, list(dead)] = -1
    return z


def only_record(folder):
    (file,) = (folder / "runs").glob("*.json")
    return records.read(file)


def looks(monitor, *dead):
    for n, units in enumerate(dead):
        monitor.see(10 * n, {"fc": (z_of(units), "relu")}, loss=1 / (n + 1), accuracy=n / 10)
    monitor.close()


def test_a_record_holds_every_look(tmp_path):
    monitor = rp.Monitor(tmp_path, name="mine", settings={"lr": 1e-3}, seed=3)
    looks(monitor, [], [1, 2], [2, 5, 6])
    record = only_record(tmp_path)
    assert (record.config.name, record.seed, record.settings["lr"]) == ("mine", 3, 1e-3)
    assert [(e.epoch, e.step) for e in record.history] == [(0, 0), (1, 10), (2, 20)]
    assert [e.layers[0].dead for e in record.history] == [0, 2 / 8, 3 / 8]
    assert [e.layers[0].deaths for e in record.history] == [None, 2, 2]
    assert [e.test_accuracy for e in record.history] == [0, 0.1, 0.2]
    assert record.history[2].layers[0].dead_units == "26"
    assert record.probe.examples == 6 and record.layers[0].name == "fc"


def test_a_record_that_is_there_is_not_overwritten(tmp_path):
    looks(rp.Monitor(tmp_path, name="mine"), [1])
    before = only_record(tmp_path)
    with pytest.raises(InputError, match="holds a record of this run"):
        rp.Monitor(tmp_path, name="mine")
    rp.Monitor(tmp_path, name="mine", seed=1)
    assert only_record(tmp_path) == before


def test_resuming_goes_on_and_counts_deaths_from_what_was_dead(tmp_path):
    looks(rp.Monitor(tmp_path, name="mine"), [], [1])
    monitor = rp.Monitor(tmp_path, name="mine", resume=True)
    monitor.see(20, {"fc": (z_of([1, 2]), "relu")})
    monitor.close()
    record = only_record(tmp_path)
    assert [e.step for e in record.history] == [0, 10, 20]
    assert [e.layers[0].deaths for e in record.history] == [None, 1, 1]


def test_resuming_from_an_earlier_step_drops_the_looks_after_it(tmp_path):
    looks(rp.Monitor(tmp_path, name="mine"), [], [1], [1, 2])
    monitor = rp.Monitor(tmp_path, name="mine", resume=True)
    monitor.see(15, {"fc": (z_of([1, 3]), "relu")})
    with pytest.raises(InputError, match="the last look was at 15"):
        monitor.see(12, {"fc": (z_of([1, 3]), "relu")})
    monitor.close()
    assert [e.step for e in only_record(tmp_path).history] == [0, 10, 15]


def test_a_loss_that_is_not_finite_is_a_divergence(tmp_path):
    monitor = rp.Monitor(tmp_path)
    monitor.see(0, {"fc": (z_of([]), "relu")}, loss=1.0)
    monitor.see(1, {"fc": (np.full((6, 8), np.nan, np.float32), "relu")}, loss=float("nan"))
    monitor.close()
    record = only_record(tmp_path)
    assert record.status == "diverged" and record.diverged_at == 1
    assert record.final.layers[0].dead == 0 and record.final.layers[0].not_finite == 8


def test_a_monitor_follows_a_function(tmp_path):
    def network(params, x):
        return jnp.maximum(x @ params["w"] + params["b"][None], 0) @ params["out"]

    weights = {"w": np.eye(2, dtype=np.float32), "out": np.ones((2, 1), np.float32)}
    monitor = rp.Monitor(tmp_path, network, X, params=weights | {"b": np.zeros(2, np.float32)})
    with monitor:
        for step, bias in enumerate([0.0, -5.0]):
            report = monitor(step, weights | {"b": np.array([bias, 0], np.float32)})
    assert report.layers[0].dead.tolist() == [True, False]
    assert [e.layers[0].dead for e in only_record(tmp_path).history] == [0, 0.5]
    with pytest.raises(InputError, match="b: missing"):
        monitor(9, weights)


def test_splits_stand_beside_the_probe(tmp_path):
    def network(params, x):
        return jnp.maximum(x @ params["w"], 0) @ params["out"]

    weights = {"w": jnp.array([[1.0, -1.0], [0.0, 0.0]]), "out": jnp.ones((2, 1))}
    monitor = rp.Monitor(tmp_path, network, X[:3], params=weights)
    with pytest.raises(InputError, match="before its splits"):
        monitor.split("test", weights, X)
    monitor(0, weights)
    monitor.split("test", weights, X, accuracy=0.5)
    record = only_record(tmp_path)
    assert record.final.layers[0].dead == 0.5
    assert [(s.sample, s.examples, s.layers[0].dead) for s in record.samples] == [("test", 6, 0)]


@pytest.mark.parametrize(
    "call, words",
    [
        (dict(step=-1), "step = -1"),
        (dict(step=1.5), "step = 1.5"),
        (dict(step=1, accuracy=97.1), "accuracy = 97.1: allowed is a share"),
        (dict(step=1, loss="low"), "loss is of type str"),
        (dict(step=1, collected={"fc": (z_of([], 9), "relu")}), "8 at the first look"),
        (dict(step=1, collected={"conv": (z_of([]), "relu")}), "fc of 8 at the first look"),
    ],
)
def test_what_cannot_be_recorded_is_refused_and_changes_nothing(tmp_path, call, words):
    monitor = rp.Monitor(tmp_path)
    looks(monitor, [1])
    before = only_record(tmp_path)
    with pytest.raises(InputError) as refused:
        monitor.see(**{"collected": {"fc": (z_of([1]), "relu")}} | call)
    monitor.close()
    assert words in str(refused.value)
    assert only_record(tmp_path) == before


@pytest.mark.parametrize(
    "how, words",
    [
        (dict(model=lambda x: x), "a model and a probe"),
        (dict(settings={"seed": 3}), "settings.seed"),
        (dict(settings={"a": [1]}), "settings.a"),
        (dict(fresh=True, resume=True), "exclude each other"),
        (dict(folder=""), "folder"),
    ],
)
def test_a_monitor_that_cannot_be_is_refused(tmp_path, how, words):
    with pytest.raises(InputError) as refused:
        rp.Monitor(**{"folder": tmp_path} | how)
    assert words in str(refused.value)


def test_a_planned_sweeps_folder_is_not_taken(tmp_path):
    (tmp_path / "sweep.toml").write_text("")
    with pytest.raises(InputError, match="planned sweep"):
        rp.Monitor(tmp_path)


def test_several_monitors_share_a_folder(tmp_path):
    monitors = [rp.Monitor(tmp_path, settings={"lr": lr}, seed=s) for lr in (1, 2) for s in (0, 1)]
    for monitor in monitors:
        looks(monitor, [1], [2])
    assert len(rp.load(tmp_path)) == 4


def test_a_record_is_json_that_anyone_reads(tmp_path):
    looks(rp.Monitor(tmp_path), [1])
    (file,) = (tmp_path / "runs").glob("*.json")
    content = json.loads(file.read_text())
    assert content["clock"] == "step" and content["config"]["name"] == "network"
