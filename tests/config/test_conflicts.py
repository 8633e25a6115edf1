"""Conflicts: settings that do not mix are refused, in a sweep and by ``train``."""

from __future__ import annotations

from typing import Any

import pytest

from reluprobe.config import SETTINGS, conflicts, make_run, parse_sweep
from reluprobe.config.conflicts import RULES
from reluprobe.errors import InputError
from reluprobe.plan.runs import expand

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"network": "nets:build", "revive": "redraw"}, "revive", "which weights go in and out"),
    ({"network": "nets:build", "freeze_layers": 1}, "freeze_layers", "an order of its own"),
    ({"network": "nets:build", "network_settings": "depth=2"}, "network_settings", "names depth, "),
    ({"network": "nets:build", "network_settings": "outputs=2"}, "network_settings", "outputs, "),
    ({"revive": "redo", "revive_definition": "saturated"}, "revive_definition", "bounded"),
    (
        {"revive": "redo", "revive_definition": "linear", "activation": "tanh"},
        "revive_definition",
        "a stretch that does not bend",
    ),
    ({"network": "cnn", "residual": True}, "residual", "a cnn's differ in shape"),
    ({"network": "cnn", "init": "rai"}, "init", "is of dense layers"),
    ({"residual": True, "width": [8, 4]}, "width", "of one width"),
    ({"residual": True, "activation": "crelu"}, "activation", "twice as many"),
    ({"residual": True, "revive": "random"}, "revive", "outgoing weights"),
    ({"norm": "batch", "batch_size": 1}, "norm", "no variance"),
    ({"init": "rai", "use_bias": False}, "init", "use_bias = false has none"),
    ({"use_bias": False, "bias_init": 0.1}, "bias_init", "use_bias = false has none"),
    ({"revive": "redo", "revive_at": "phases"}, "revive_at", "needs further phases"),
    ({"freeze_layers": 6}, "freeze_layers", "larger than the number"),
    (
        {"dataset": "a.npz", "standardize": True, "pixels": "centred"},
        "standardize",
        "scales each feature already",
    ),
    (
        {"dataset": "a.npz", "task": "regression", "label_noise": 0.1},
        "task",
        "task = regression has none",
    ),
    ({"epochs": 0, "phases": "same"}, "phases", "phases need epochs >= 1"),
    ({"epochs": 2**31 - 1, "phases": "same@1"}, "phases", "come to more than 2147483647"),
    ({"revive": "redo", "revive_at": "12"}, "revive_at", "after which the run goes on"),
]
GOOD: list[dict[str, Any]] = [
    {},
    {"activation": "crelu"},
    {"residual": True},
    {"norm": "batch", "batch_size": 2},
    {"init": "rai"},
    {"use_bias": False},
    {"revive": "redo", "revive_definition": "saturated", "activation": "tanh"},
    {"revive_definition": "saturated"},
    {"residual": True, "revive": "redraw"},
    {"norm": "layer", "batch_size": 1},
    {"revive": "redo", "revive_at": "phases", "phases": "same"},
    {"freeze_layers": 5},
    {"revive": "redo", "revive_at": "11,40"},
    {"revive": "redo", "revive_at": "12", "phases": "same@1"},
    {"revive_at": "99"},
    {"revive": "redo", "epochs": 0},
    {"standardize": True, "pixels": "centred"},  # of a dataset by name it has no effect
    {"dataset": "a.npz", "standardize": True},
    {"epochs": 2**31 - 2, "phases": "same@1"},
]


def test_every_rule_is_broken_by_one_run_here():
    ruled = [s for s, *_ in BAD if "network_settings" not in s]  # these are by no rule
    broken = [[rule(make_run(s)) for rule, _ in RULES] for s in ruled]
    assert [row.index(True) for row in broken] == list(range(len(RULES)))
    assert all(sum(row) == 1 for row in broken)
    for settings in GOOD:
        assert not conflicts(make_run(settings))
        assert len(expand(parse_sweep({"base": settings})).runs) == 1


@pytest.mark.parametrize(("settings", "key", "said"), BAD, ids=str)
def test_runs_that_do_not_mix_are_refused_unless_excluded(
    settings: dict[str, Any], key: str, said: str
):
    base = {k: v for k, v in settings.items() if k != key}
    good = {"activation": "tanh", "init": "he_normal", "norm": "layer"}.get(
        key, SETTINGS[key].default
    )
    swept = {"base": base, "grid": {key: [good, settings[key]]}}
    with pytest.raises(InputError) as caught:
        expand(parse_sweep(swept))
    (reason,) = caught.value.faults
    assert said in reason and caught.value.exit_code == 2
    plan = expand(parse_sweep(swept | {"exclude": [settings]}))
    assert [run.config for run in plan.runs] == [make_run(base | {key: good})]


def test_all_that_does_not_mix_is_told_at_once_and_each_reason_once():
    base = dict(norm="batch", batch_size=1, init="rai", use_bias=False)
    with pytest.raises(InputError) as caught:
        expand(parse_sweep({"base": base, "grid": {"depth": [2, 3]}}))
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (dict(activation="crelu", residual=True), "cannot be added to their input"),
        (dict(norm="batch", batch_size=1), "one example has no variance"),
        (dict(init="rai", use_bias=False), "use_bias = false has none"),
        (dict(freeze_layers=6), "freeze_layers is larger than the number of hidden layers"),
    ],
)
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
    result = reluprobe("train", "--dataset", "blobs", *args)
    err = " ".join(result.err.split())
    assert result.code == 2
    assert "settings that do not mix" in err and reason in err
    assert not list(tmp_path.iterdir())
