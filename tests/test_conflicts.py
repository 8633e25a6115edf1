"""Settings that do not mix are refused, in a sweep and by ``train``."""

from __future__ import annotations

from typing import Any

import pytest

from reluprobe import grid
from reluprobe.config import parse_sweep
from reluprobe.errors import InputError

MIXED = [
    (dict(activation="crelu", residual=True), "cannot be added to their input"),
    (dict(norm="batch", batch_size=1), "one example has no variance"),
    (dict(init="rai", use_bias=False), "use_bias = false has none"),
    (dict(freeze_layers=6), "freeze_layers is larger than depth"),
]


@pytest.mark.parametrize(("given", "reason"), MIXED)
def test_what_does_not_mix_is_refused_in_a_sweep(given: dict[str, Any], reason: str):
    with pytest.raises(InputError, match="do not mix") as caught:
        grid.expand(parse_sweep({"base": given}))
    (fault,) = caught.value.faults
    assert reason in fault


def test_all_that_does_not_mix_is_told_at_once_and_each_reason_once():
    base = dict(norm="batch", batch_size=1, init="rai", use_bias=False)
    with pytest.raises(InputError) as caught:
        grid.expand(parse_sweep({"base": base, "grid": {"depth": [2, 3]}}))
    assert len(caught.value.faults) == 2


def test_what_just_mixes_is_let_through():
    for given in (
        dict(activation="crelu"),
        dict(residual=True),
        dict(norm="batch", batch_size=2),
        dict(norm="layer", batch_size=1),
        dict(init="rai"),
        dict(use_bias=False),
        dict(freeze_layers=5),
    ):
        assert len(grid.expand(parse_sweep({"base": given})).runs) == 1


@pytest.mark.parametrize(("given", "reason"), MIXED)
def test_what_does_not_mix_is_refused_by_train(
    given: dict[str, Any], reason: str, reluprobe: Any, tmp_path: Any
):
    args = []
    for name, value in given.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            args.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            args += [f"--{flag}", str(value)]
    found = reluprobe("train", "--dataset", "blobs", *args)
    err = " ".join(found.err.split())
    assert found.code == 2
    assert "settings that do not mix" in err and reason in err
    assert not list(tmp_path.iterdir())
