"""Saved weights: the file, what is refused of one, and when a run lacks its own."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save, save_file

from plain_records import record_of
from reluprobe import records
from reluprobe.config import make_run, parse_sweep, sweep_toml
from reluprobe.errors import InputError
from reluprobe.plan.runs import Run, as_run, expand
from reluprobe.records import checkpoints, resume, saved_weights
from reluprobe.records.ownership import Claim, merged, occupied
from reluprobe.records.saved_weights import HEADER, Notes, Pruned, SavedWeights

RUN = as_run(make_run({"dataset": "blobs", "depth": 1, "width": 3, "epochs": 2}))


def weights_of(run: Run = RUN, epoch: int = 2, pruned: Pruned | None = None) -> SavedWeights:
    rng = np.random.default_rng(0)
    arrays = {"hidden.0.kernel": (4, 3), "hidden.0.bias": (3,), "output.kernel": (3, 2)}
    arrays = {n: rng.standard_normal(shape).astype(np.float32) for n, shape in arrays.items()}
    notes = Notes(run.id, epoch, run.config, (4,), "uint8", 2, pruned)
    return SavedWeights(notes, arrays, {"order": np.array([2, 0, 3, 1], np.int32)})


@pytest.mark.parametrize("pruned", [None, Pruned("train", (2,))])
def test_a_file_gives_back_every_bit(tmp_path: Path, pruned: Pruned | None):
    saved = weights_of(pruned=pruned)
    path = saved_weights.write(saved, saved_weights.file_of(tmp_path, RUN.id))
    assert path == tmp_path / "runs" / f"{RUN.id}.safetensors"
    again = saved_weights.read(path)
    assert again.notes == saved.notes
    for got, wanted in ((again.weights, saved.weights), (again.inputs, saved.inputs)):
        assert {n: (a.dtype, a.tobytes()) for n, a in got.items()} == {
            n: (a.dtype, a.tobytes()) for n, a in wanted.items()
        }


def test_anybody_reads_it_and_the_header_says_whose_it_is(tmp_path: Path):
    path = saved_weights.write(weights_of(), tmp_path / "w.safetensors")
    assert {"hidden.0.kernel", "output.kernel", "inputs.order"} <= load_file(path).keys()
    length = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + length])["__metadata__"]
    assert list(header) == [HEADER]
    notes = json.loads(header[HEADER])
    assert (notes["run"], notes["epoch"], notes["config"]["width"]) == (RUN.id, 2, 3)


def test_the_same_weights_are_the_same_bytes(tmp_path: Path):
    files = [saved_weights.write(weights_of(), tmp_path / f"{n}.safetensors") for n in range(8)]
    assert len({file.read_bytes() for file in files}) == 1


def test_averages_are_no_parameters():
    saved = weights_of()
    more = {f"norms.0.{name}": np.ones(3, np.float32) for name in ("scale", "bias", "mean", "var")}
    assert saved.parameters == 4 * 3 + 3 + 3 * 2
    assert dataclasses.replace(saved, weights=saved.weights | more).parameters == 21 + 6


def spoilt(change: Any) -> bytes:
    """A file whose notes are changed."""
    notes = json.loads(saved_weights._NOTES.dump_json(weights_of().notes))
    change(notes)
    return save(dict(weights_of().weights), {HEADER: json.dumps(notes)})


NO_OBJECT = "its header 'reluprobe' is no JSON object"
BAD = {
    "nothing": (b"", "is no whole safetensors file"),
    "garbage": (b"garbage" * 9, "is no whole safetensors file"),
    "somebody's": (save({"a": np.zeros(2)}), "holds no weights of reluprobe's"),
    "no JSON": (
        save({"a": np.zeros(2)}, {HEADER: "{"}),
        NO_OBJECT,
    ),
    "a list": (
        save({"a": np.zeros(2)}, {HEADER: "[]"}),
        NO_OBJECT,
    ),
    "newer": (
        spoilt(lambda notes: notes.update(format="reluprobe/weights/2")),
        "has format 'reluprobe/weights/2'; this reluprobe reads 'reluprobe/weights/1': update it",
    ),
    "no run": (spoilt(lambda notes: notes.pop("run")), "run: Field required"),
    "a setting": (spoilt(lambda n: n["config"].update(lr=1)), "config.lr: Unexpected keyword"),
    "not finite": (
        save(
            {"hidden.0.bias": np.array([np.nan], np.float32)},
            {HEADER: saved_weights._NOTES.dump_json(weights_of().notes).decode()},
        ),
        "hidden.0.bias has numbers that are not finite, or no floats",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_such_file_is_named(tmp_path: Path, bad: str):
    content, fault = BAD[bad]
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(records.RecordError) as refused:
        saved_weights.read(path)
    assert refused.value.message.startswith(f"{path}: {fault}")
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_half_a_file_is_none(tmp_path: Path, share: float):
    path = saved_weights.write(weights_of(), tmp_path / "w.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(records.RecordError, match="is no whole safetensors file"):
        saved_weights.read(path)


def test_a_folder_in_its_place_is_named(tmp_path: Path):
    with pytest.raises(records.RecordError, match="cannot be read"):
        saved_weights.read(tmp_path)
    with pytest.raises(records.RecordError, match="cannot be read"):
        saved_weights.read(tmp_path / "none.safetensors")


def test_what_is_wanted_of_a_run():
    assert saved_weights.wanted_of(RUN, None) == []
    assert saved_weights.wanted_of(RUN, "end") == [None]
    assert saved_weights.wanted_of(RUN, "every") == [0, 1, None]
    phases = as_run(make_run({"epochs": 1, "phases": "permuted_pixels*2"}))
    assert saved_weights.wanted_of(phases, "every") == [0, 1, 2, None]


def test_a_run_that_ended_without_its_weights_is_missing_and_named(tmp_path: Path):
    records.write(record_of(RUN), tmp_path)

    def standing(wanted: Any) -> resume.Standing:
        return resume.progress_of(tmp_path, [RUN], save_weights=wanted)

    assert standing(None).missing == () and standing(None).weightless == ()
    assert standing("end").missing == (RUN,) and standing("end").weightless == (RUN.id,)
    saved_weights.write(weights_of(), saved_weights.file_of(tmp_path, RUN.id))
    assert standing("end").missing == ()
    assert standing("every").weightless == (RUN.id,)
    for epoch in (0, 1):
        saved_weights.write(weights_of(), saved_weights.file_of(tmp_path, RUN.id, epoch))
    assert standing("every").weightless == ()


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_of_a_run_without_finite_numbers_no_weights_are_wanted(tmp_path: Path, status: str):
    records.write(record_of(RUN, status=status), tmp_path)
    assert resume.progress_of(tmp_path, [RUN], save_weights="every").missing == ()


def test_files_of_some_runs_are_found_and_no_others(tmp_path: Path):
    others = [f"{RUN.id}.npz", f"{RUN.id}{checkpoints.SUFFIX}", "rffffffffffff.safetensors"]
    others += [f".{RUN.id}.safetensors.x1", f"{RUN.id}-pruned.safetensors"]
    for name in others:
        (tmp_path / "runs").mkdir(exist_ok=True)
        (tmp_path / "runs" / name).write_bytes(b"")
    own = [saved_weights.file_of(tmp_path, RUN.id, epoch) for epoch in (0, 11, None)]
    for file in own:
        save_file({}, file)
    assert saved_weights.files_of(tmp_path, {RUN.id}) == sorted(own)


def parsed(**changes: Any) -> Any:
    return parse_sweep({"name": "s", "base": {"dataset": "blobs"}} | changes)


@pytest.mark.parametrize("when", ["end", "every"])
def test_a_sweep_file_says_when(when: str):
    assert parsed().save_weights is None and "save_weights" not in sweep_toml(parsed())
    saving = parsed(save_weights=when)
    assert saving.save_weights == when and f'save_weights = "{when}"' in sweep_toml(saving)
    assert [r.id for r in expand(saving).runs] == [r.id for r in expand(parsed()).runs]
    assert merged(saving, expand(saving).runs, []).save_weights == when


def test_what_a_sweep_file_may_not_say():
    for value, more in ((True, ""), ("evry", "; did you mean 'every'?"), (3, "")):
        with pytest.raises(InputError) as refused:
            parsed(save_weights=value)
        fault = f"save_weights: got {value!r}; allowed is one of end, every{more}"
        assert refused.value.faults == (fault,)


@pytest.mark.parametrize("part", [(1, 1), (1, 2)])
@pytest.mark.parametrize("epoch", ["", "-e3"])
def test_a_cut_off_write_is_cleaned_up(tmp_path: Path, part: tuple[int, int], epoch: str):
    plan = parsed(seeds=2, save_weights="every")
    runs = expand(plan).runs
    torn, others = (tmp_path / "runs" / f".{r.id}{epoch}.safetensors.x1" for r in runs)
    torn.parent.mkdir()
    for file in (torn, others):
        file.write_bytes(b"half")
    with occupied(Claim(tmp_path, plan, runs, part)):
        pass
    assert not torn.exists()
    assert others.exists() == (part == (1, 2))  # the other slice may be at work on it
