"""Data and checkpoints on disk: what is read, and what is refused by name."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from reluprobe.errors import InputError
from reluprobe.foreign import stored
from reluprobe.foreign.models.network import Keywords

ROWS = np.ones((3, 2), np.float32)


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "x.npy", ROWS)
    np.savez(tmp_path / "lone.npz", x=ROWS)
    np.savez(tmp_path / "both.npz", x=ROWS, y=ROWS)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    return tmp_path


def test_inputs_have_names_where_they_are_given(files):
    assert stored.inputs([f"{files}/x.npy"]).shape == (3, 2)
    assert stored.inputs([f"{files}/lone.npz"]).shape == (3, 2)
    assert stored.inputs([str(files)]) == files
    for texts in ([f"x={files}/x.npy", f"y={files}/lone.npz"], [f"{files}/both.npz"]):
        source = stored.inputs(texts)
        assert isinstance(source, Keywords) and list(source) == ["x", "y"]


def test_a_path_may_hold_an_equals_sign(files):
    np.save(files / "lr=1.npy", ROWS)
    assert stored.inputs([f"{files}/lr=1.npy"]).shape == (3, 2)


@pytest.mark.parametrize(
    "texts, words",
    [
        (["{}/x.npy", "{}/x.npy"], "NAME=PATH"),
        (["x={}/x.npy", "x={}/x.npy"], "NAME=PATH"),
        (["{}/picture.png"], "picture.png: allowed is"),
        (["{}/missing.npy"], "No such file"),
        (["x={}"], "is a folder"),
        (["x={}/both.npz"], "holds x, y"),
    ],
)
def test_inputs_that_cannot_be_read_are_refused(files, texts, words):
    with pytest.raises(InputError) as refused:
        stored.inputs([text.format(files) for text in texts])
    assert words in str(refused.value)


def test_checkpoints_come_in_the_order_of_their_steps(tmp_path):
    for step in (900, 1000, 20):
        np.savez(tmp_path / f"ckpt-{step}.npz", w=ROWS)
    steps = stored.checkpoints(f"{tmp_path}/*.npz")
    assert list(steps) == [20, 900, 1000] and steps[20].name == "ckpt-20.npz"


def test_checkpoints_without_numbers_come_by_name(tmp_path):
    for name in ("last", "first"):
        np.savez(tmp_path / f"{name}.npz", w=ROWS)
    assert {n: p.stem for n, p in stored.checkpoints(f"{tmp_path}/*").items()} == {
        0: "first",
        1: "last",
    }


def test_two_checkpoints_of_one_step_are_refused(tmp_path):
    for name in ("a-1", "b-1"):
        np.savez(tmp_path / f"{name}.npz", w=ROWS)
    with pytest.raises(InputError, match="both end in 1"):
        stored.checkpoints(f"{tmp_path}/*")
    with pytest.raises(InputError, match="no file has such a name"):
        stored.checkpoints(f"{tmp_path}/no/*")


def test_a_checkpoint_is_npz_or_safetensors(files):
    save_file({"a.w": ROWS}, files / "c.safetensors")
    np.testing.assert_array_equal(stored.checkpoint(files / "c.safetensors")["a.w"], ROWS)
    np.testing.assert_array_equal(stored.checkpoint(files / "both.npz")["x"], ROWS)
    (files / "bad.safetensors").write_bytes(b"not one")
    (files / "bad.npz").write_bytes(b"not one")
    (files / "torch.pt").write_bytes(b"not one")
    for name in ("bad.safetensors", "bad.npz", "torch.pt", "gone.npz"):
        with pytest.raises(InputError, match=name):
            stored.checkpoint(files / name)
