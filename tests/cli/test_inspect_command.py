"""``reluprobe inspect``: what it prints of known dead units, its gate, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx_files
from command_in_process import run
from reluprobe import records

X = np.random.default_rng(1).random((20, 3), np.float32)
MODULE = """
import jax, jax.numpy as jnp

def build():
    params = {"w": jnp.ones((3, 4)), "out": jnp.ones((4, 2))}
    return (lambda p, x: jax.nn.relu(x @ p["w"] - 1e3) @ p["out"]), params

def broken():
    raise OSError("no weights here")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    onnx_files.mlp(tmp_path / "net.onnx")
    np.save("x.npy", X)
    (tmp_path / "their_net.py").write_text(MODULE)
    return tmp_path


def test_the_answer_is_the_first_line_and_the_coverage_the_last():
    code, text = run("inspect", "net.onnx", "--data", "x.npy")
    assert code == 0
    lines = text.splitlines()
    assert lines[0] == "net: 25.0% of 8 units dead on 20 examples"
    assert [row.split()[:4] for row in lines if row.startswith("fc1")] == [
        ["fc1", "relu", "8", "25.0"]
    ]
    assert "coverage: 1 activation counted" in text
    assert "linear layers without an activation: fc2" in text


def test_in_80_columns_rare_and_linear_are_there_and_what_is_left_out_is_said(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, text = run("inspect", "net.onnx", "--data", "x.npy")
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(title in lines[2] for title in ("dead %", "rare %", "linear %"))
    assert "no room here for" in text and "constant" in text


def test_a_function_builds_the_network():
    code, text = run("inspect", "their_net:build", "--data", "x=x.npy")
    assert code == 0
    assert text.startswith("their_net: 100.0% of 4 units dead on 20 examples")


def test_json_holds_the_same_numbers():
    code, text = run("inspect", "net.onnx", "--data", "x.npy", "--json")
    content = json.loads(text)
    (layer,) = content["layers"]
    assert code == 0
    assert (content["dead"], content["examples"], content["units"]) == (0.25, 20, 8)
    assert (layer["name"], layer["dead"], layer["dead_units"]) == ("fc1", 0.25, [0, 1])
    assert {"rare", "linear"} <= layer.keys() and layer["saturated"] is None
    assert [place["what"] for place in content["coverage"]["bare"]] == ["fc2"]


@pytest.mark.parametrize("most, code", [("20", 4), ("25", 0), ("30%", 0)])
def test_the_gate_has_an_exit_code_of_its_own(most, code):
    left, text = run("inspect", "net.onnx", "--data", "x.npy", "--max-dead", most)
    assert left == code
    assert ("more than 20.0% dead: " in text) == (code == 4)
    assert "fc1 25.0%" in text or code == 0


def test_checkpoints_become_the_record_of_one_run(folder):
    for step, dead in ((10, 1), (9, 0), (100, 3)):
        np.savez(f"ckpt-{step}.npz", **onnx_files.weights(dead), **{"adam.m": np.ones(2)})
    how = ("inspect", "net.onnx", "--data", "x.npy", "--checkpoints", "ckpt-*.npz")
    code, text = run(*how)
    assert code == 0
    rows = [line.split() for line in text.splitlines() if line.split()[:1] in (["9"], ["10"])]
    assert rows == [["9", "0.0"], ["10", "12.5"]]
    (file,) = (folder / "results" / "net" / "runs").glob("*.json")
    history = records.read(file).history
    assert [(look.step, look.layers[0].dead) for look in history] == [
        (9, 0),
        (10, 1 / 8),
        (100, 3 / 8),
    ]
    assert "next: reluprobe report results/net" in text
    assert run("report", "results/net", "--no-figures")[0] == 0
    before = file.read_bytes()
    code, text = run(*how)
    assert code == 2 and "--fresh" in text and file.read_bytes() == before
    assert run(*how, "--fresh")[0] == 0


@pytest.mark.parametrize(
    "words, said",
    [
        (["gone.onnx"], "gone.onnx"),
        (["x.npy"], "x.npy"),
        (["net.onnx", "--data", "gone.npy"], "gone.npy: No such file"),
        (["net.onnx", "--data", "flat.npy"], "float32"),
        (["net.onnx", "--data", "y=x.npy"], "y: there is no such input"),
        (["their_net:biuld"], "did you mean 'build'"),
        (["their_net:broken"], "OSError: no weights here"),
        (["no_such_module:build"], "no module 'no_such_module'"),
        (["their_net:build", "--data", "flat.npy"], "float32 (20, 5)"),
        (["net.onnx", "--box", "1"], "--box 0,1"),
        (["net.onnx", "--box", "2,1"], "low <= high"),
        (["net.onnx", "--max-dead", "120"], "percentage from 0 to 100"),
        (["net.onnx", "--device-batch", "0"], "allowed is an integer >= 1"),
        (["net.onnx", "--weights", "gone.npy"], "gone.npy"),
        (["net.onnx", "--checkpoints", "no-*.npz"], "no file has such a name"),
        (["net.onnx", "--checkpoints", "bad-*.npz"], "fc1.weight: the state lacks it"),
        (["net.onnx", "--checkpoints", "bad-*.npz", "--name", "a/b"], "slash"),
    ],
)
def test_bad_input_is_one_short_message_and_nothing_is_written(folder, words, said):
    np.save("flat.npy", np.ones((20, 5), np.float32))
    np.savez("bad-1.npz", other=np.ones(3))
    data = [] if "--data" in words else ["--data", "x.npy"]
    code, text = run("inspect", *words, *data)
    assert code == 2
    assert said in text
    assert "Traceback" not in text and len(text.splitlines()) <= 8
    assert not list((folder / "results").rglob("*.json"))


def test_files_that_are_no_networks_are_refused(folder):
    good = (folder / "net.onnx").read_bytes()
    for name, content in (("cut", good[:-40]), ("empty", b""), ("png", b"\x89PNG\r\n\x1a\n" * 9)):
        (folder / f"{name}.onnx").write_bytes(content)
        code, text = run("inspect", f"{name}.onnx", "--data", "x.npy")
        assert code == 2 and f"{name}.onnx" in text and "Traceback" not in text


@pytest.mark.parametrize("size", [1, 8])
def test_an_export_of_one_batch_size_is_fed_in_such_batches(folder, size):
    onnx_files.mlp(folder / "fixed.onnx", batch=size)
    code, text = run("inspect", "fixed.onnx", "--data", "x.npy")
    assert code == 0
    assert "25.0% of 8 units dead on 20 examples" in text


def test_help_says_that_a_module_is_run():
    assert "runs its code" in " ".join(run("inspect", "--help")[1].split())
