"""Saved activations: what is saved, where, and what reads it."""

import dataclasses
import io
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reluprobe import records
from reluprobe.config import make_run, parse_sweep, sweep_toml
from reluprobe.engine import evaluate, runner, state
from reluprobe.engine.runner import RunDone
from reluprobe.errors import InputError
from reluprobe.plan.runs import expand
from reluprobe.records import resume, saved_activations
from reluprobe.records.ownership import Claim, merged, occupied
from training_segments import start_of

TINY = """
save_activations = true
seeds = 2
[base]
dataset = "blobs"
width = 8
depth = 2
epochs = 1
probe_examples = 200
"""


@pytest.fixture
def ended(run_of, blobs):
    """Small runs of two activations; each event of an end."""
    runs = [run_of(activation=name, probe_every=0) for name in ("relu", "tanh")]
    events = runner.execute(runs, lambda _: blobs, keep={run.id for run in runs})
    return [event for event in events if isinstance(event, RunDone)]


def test_kept_are_the_outputs_on_the_probe_and_so_the_silent_units(ended):
    for event in ended:
        kept, last = np.stack(event.activations), event.record.final.layers
        assert kept.shape == (2, 11, saved_activations.IMAGES)
        silent = (kept == 0).all(axis=2).mean(axis=1)
        # These probes have no image but these.
        assert silent.tolist() == pytest.approx([layer.silent for layer in last])
    relu, tanh = (np.stack(event.activations) for event in ended)
    assert relu.min() == 0 and -1 <= tanh.min() < 0


def test_the_outputs_are_those_of_the_network(run_of, blobs, layers_of, forward, value):
    run = run_of(activation="elu", elu_alpha=0.5, pixels="unit")
    lane, hyper, spec = start_of(run.config, blobs.train_inputs.shape[1], 10, 9)
    data = jax.tree.map(jnp.asarray, state.arrays(blobs.train_inputs, blobs.train_targets, 9))
    outputs = evaluate.outputs(spec, data, lane.weights, hyper, 7)

    def elu(z):
        return value("elu", z, 0.5)

    from flax import nnx

    network = nnx.merge(spec.graph, lane.weights)
    _, z = forward(layers_of(network), blobs.train_inputs[:7], elu)
    np.testing.assert_allclose(np.stack(outputs), elu(z).transpose(0, 2, 1), rtol=1e-4, atol=1e-6)


def test_nothing_is_kept_unasked_and_the_record_is_the_same(run_of, blobs, ended):
    (plain,) = [
        event
        for event in runner.execute([run_of(activation="relu")], lambda _: blobs)
        if isinstance(event, RunDone)
    ]
    assert plain.activations is None
    assert dataclasses.replace(plain.record, seconds=0) == dataclasses.replace(
        ended[0].record, seconds=0
    )


def test_a_diverged_run_has_none(run_of, blobs):
    run = run_of(learning_rate=1e30, activation="relu")
    (end,) = [
        event
        for event in runner.execute([run], lambda _: blobs, keep={run.id})
        if isinstance(event, RunDone)
    ]
    assert end.record.status == "diverged" and end.activations is None


def test_a_file_gives_back_what_it_was_given(tmp_path):
    layers = [np.random.default_rng(n).standard_normal((3 + n, 5)) for n in range(11)]
    layers[0][0, :2] = 1e6, -1e6
    path = saved_activations.write(layers, tmp_path, "abc")
    assert path == tmp_path / "runs" / "abc.npz"
    outputs = saved_activations.read(tmp_path, "abc")
    assert [layer.shape for layer in outputs] == [layer.shape for layer in layers]
    assert outputs[0][0, :2].tolist() == [65504, -65504]
    for one, other in zip(outputs[1:], layers[1:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    assert saved_activations.write(layers, tmp_path, "abd").read_bytes() == path.read_bytes()
    assert saved_activations.read(tmp_path, "none") is None


@pytest.mark.parametrize("damage", [b"", b"no archive", "half"])
def test_a_damaged_file_is_named(tmp_path, damage):
    path = saved_activations.write([np.ones((4, 5))], tmp_path, "abc")
    path.write_bytes(path.read_bytes()[:80] if damage == "half" else damage)
    with pytest.raises(records.RecordError, match="abc.npz: holds no activations"):
        saved_activations.read(tmp_path, "abc")


def packed(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def with_garbage():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("L1", b"garbage")
    return file.getvalue()


GOOD = np.ones((4, 5), np.float16)
ODD = {
    "a line": packed(L1=GOOD[0]),
    "double precision": packed(L1=GOOD.astype(float)),
    "objects": packed(L1=np.array([["a"]])),
    "no image": packed(L1=GOOD[:, :0]),
    "other images": packed(L1=GOOD, L2=GOOD[:, :2]),
    "no number": packed(L1=GOOD * np.float16(np.nan)),
    "other names": packed(L2=GOOD),
    "garbage": with_garbage(),
    "another depth": packed(L1=GOOD),
    "another width": packed(L1=GOOD[:3], L2=GOOD[:3]),
    "none": packed(),
}


@pytest.mark.parametrize("odd", ODD)
def test_a_file_of_other_arrays_is_named(tmp_path, odd):
    config = make_run({"width": 4, "depth": 2})
    saved_activations.write([GOOD, GOOD], tmp_path, "abc")
    assert saved_activations.read(tmp_path, "abc", config) is not None
    saved_activations.file_of(tmp_path, "abc").write_bytes(ODD[odd])
    with pytest.raises(records.RecordError, match="abc.npz: ha|abc.npz: holds no activations"):
        saved_activations.read(tmp_path, "abc", config)


def test_a_sweep_keeps_them_beside_its_records_and_makes_up_for_lost_ones(reluprobe, tmp_path):
    (tmp_path / "s.toml").write_text(TINY)
    assert reluprobe("sweep", "s.toml").code == 0
    runs = tmp_path / "results/s/runs"
    files = sorted(runs.glob("*.npz"))
    assert [file.stem for file in files] == sorted(file.stem for file in runs.glob("*.json"))
    assert "nothing was run" in reluprobe("sweep", "s.toml").out
    before, lost = files[0].read_bytes(), files[0]
    lost.unlink()
    again = reluprobe("sweep", "s.toml")
    assert "wrote 1 record" in again.out and lost.read_bytes() == before
    figures = reluprobe("report", "results", "--only", "activations", "--format", "svg")
    assert "wrote 1 figure" in figures.out
    assert reluprobe("sweep", "s.toml", "--set", "epochs=0", "--fresh").code == 0
    assert len([*(tmp_path / "results/s/old-1/runs").glob("*.npz")]) == 2


def test_unasked_the_first_seed_of_a_configuration_keeps_them(reluprobe, tmp_path):
    (tmp_path / "s.toml").write_text(TINY.replace("save_activations = true", ""))
    assert reluprobe("sweep", "s.toml").code == 0
    (file,) = (tmp_path / "results/s/runs").glob("*.npz")
    assert records.read(file.with_suffix(".json")).seed == 0
    file.unlink()
    assert "nothing was run" in reluprobe("sweep", "s.toml").out


def test_a_single_network_keeps_them(reluprobe, tmp_path):
    tiny = ["--dataset", "blobs", "--depth", "1", "--width", "8", "--epochs", "0"]
    assert reluprobe("train", *tiny, "--name", "s").code == 0
    (file,) = (tmp_path / "results/s/runs").glob("*.npz")
    assert file.with_suffix(".json").exists()


def parsed(**changes):
    return parse_sweep({"name": "s", "base": {"dataset": "blobs"}} | changes)


def test_a_sweep_file_says_yes_or_no():
    assert not parsed().save_activations
    saving = parsed(save_activations=True)
    assert saving.save_activations and "save_activations = true" in sweep_toml(saving)
    assert [r.id for r in expand(saving).runs] == [r.id for r in expand(parsed()).runs]
    assert merged(saving, expand(saving).runs, []).save_activations
    with pytest.raises(InputError) as refused:
        parsed(save_activations="yes")
    assert refused.value.faults == ("save_activations: got 'yes'; allowed is true or false",)


def test_a_cut_off_write_is_cleaned_up(tmp_path):
    plan = parsed(seeds=1, save_activations=True)
    runs = expand(plan).runs
    torn = tmp_path / "runs" / f".{runs[0].id}.npz.x1"
    torn.parent.mkdir()
    torn.write_bytes(b"half")
    with occupied(Claim(tmp_path, plan, runs)) as mine:
        assert list(mine) == list(runs)
    assert not torn.exists()
    assert resume.progress_of(tmp_path, runs, with_activations=True).missing == runs
