"""Records of schemas 1 and 2, as earlier versions wrote them, are still read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reluprobe import records
from reluprobe.config import SETTINGS, make_run
from reluprobe.plan.runs import run_id, without_letter
from reluprobe.records import RunRecord

#: A run of schema 2, as reluprobe wrote it before the settings and fields of schema 3.
LAYER_2 = """{"units": 8, "dead": 0.25, "silent": 0.25, "never_positive": 0.25, "constant": 0.25,
    "dormant": 0.5, "saturated": null, "dead_units": "81", "certified": 0.125, "deaths": 1,
    "causes": {"weights": -0.5, "bias": -0.25, "upstream": 0.0}, "activations": null}"""
SCHEMA_2 = f"""{{
  "schema": "reluprobe/run/2", "id": "4492fe0fd043",
  "config": {{
    "activation": "leaky_relu", "learning_rate": 0.1, "init": "glorot_uniform",
    "init_scale": 0.05, "bias_init": 0.0, "depth": 1, "width": 8, "optimizer": "adam",
    "batch_size": 128, "epochs": 1, "leaky_slope": 0.1, "elu_alpha": 1.0, "dataset": "mnist",
    "probe_examples": "all", "probe_every": 7, "seed": 3
  }},
  "status": "ok", "environment": {{"jax": "0.10", "devices": 2}}, "seconds": 1.5,
  "probe": {{"split": "train", "examples": 60000}},
  "history": [
    {{"epoch": 1, "train_loss": 0.5, "train_accuracy": 0.75, "test_loss": 0.25,
      "test_accuracy": 0.875, "layers": [{LAYER_2}], "step": 469}}
  ],
  "steps": [{{"step": 7, "layers": [{LAYER_2}]}}],
  "samples": [
    {{"sample": "test", "examples": 10000, "loss": 0.25, "accuracy": 0.875,
      "layers": [{LAYER_2}]}}
  ]
}}"""


def as_schema_1(fields: dict[str, Any]) -> dict[str, Any]:
    for key in ("steps", "samples"):
        del fields[key]
    for epoch in fields["history"]:
        del epoch["step"]
        for layer in epoch["layers"]:
            for key in ("certified", "deaths", "causes", "activations"):
                del layer[key]
    del fields["config"]["probe_every"]
    id_ = without_letter(run_id(make_run(fields["config"])))
    return fields | {"schema": "reluprobe/run/1", "id": id_}


def read_text(text: str, folder: Path) -> RunRecord:
    path = folder / "old.json"
    path.write_text(text)
    return records.read(path)


def test_a_record_of_the_second_schema_is_read_still(tmp_path: Path):
    old = read_text(SCHEMA_2, tmp_path)
    (epoch,), (step,), (sample,) = old.history, old.steps, old.samples
    for layer in (*epoch.layers, *step.layers, *sample.layers):
        assert (layer.dead, layer.dead_units, layer.deaths, layer.revived) == (0.25, "81", 1, None)
        assert layer.causes == records.CausesRecord(-0.5, -0.25, 0.0)
    assert (old.phases, old.error) == ((), None)
    assert old.timeline() == [(7 / 469, step.layers), (1.0, epoch.layers)]
    # What it says nothing of was not there: the settings' defaults do nothing.
    written = json.loads(SCHEMA_2)["config"]
    assert old.config == make_run(written)
    new = {name: getattr(old.config, name) for name in SETTINGS if name not in written}
    assert len(new) > 20 and new == {name: SETTINGS[name].default for name in new}
    assert old.id == run_id(old.config)


def test_a_record_of_the_first_schema_is_read_still(tmp_path: Path):
    fields = as_schema_1(json.loads(SCHEMA_2))
    old, second = read_text(json.dumps(fields), tmp_path), read_text(SCHEMA_2, tmp_path)
    assert old.history[0].layers[0].dead == second.history[0].layers[0].dead == 0.25
    assert (old.steps, old.samples, old.phases) == ((), (), ())
    assert old.history[0].layers[0].causes is None
    assert old.config == make_run({**json.loads(SCHEMA_2)["config"], "probe_every": 0})


def test_an_old_record_written_again_is_read_as_the_same(tmp_path: Path):
    old = read_text(SCHEMA_2, tmp_path)
    assert records.read(records.write(old, tmp_path)) == old
