"""On how many devices a sweep runs, and that its results do not depend on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from reluprobe.engine import devices, runner
from reluprobe.errors import InputError

#: Five runs: with two and with three devices the last chunk is padded. An activation with a program
#: of its own, which is compiled sooner.
CODE = """
import json
from reluprobe import data, records
from reluprobe.config import make_run
from reluprobe.engine import runner
from reluprobe.plan.runs import as_run

base = dict(dataset="blobs", activation="crelu", depth=1, width=8, epochs=2, probe_examples=200)
runs = [as_run(make_run({**base, "seed": seed})) for seed in range(5)]
for most in (1, 2, 3):
    found = {}
    for event in runner.execute(runs, data.load, most=most):
        if isinstance(event, runner.RunDone):
            found[event.run.id] = json.loads(records.to_json(event.record))
            del found[event.run.id]["seconds"]
            devices = found[event.run.id].pop("environment")["devices"]
    print(json.dumps([devices, found]))
"""


def test_one_two_and_three_devices_give_the_same_records_bit_for_bit():
    three = os.environ | {"JAX_NUM_CPU_DEVICES": "3", "JAX_PLATFORMS": "cpu"}
    three["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # three programs are compiled for little work
    done = subprocess.run([sys.executable, "-c", CODE], env=three, stdout=-1, text=True, check=True)
    (one, alone), (two, pair), (many, trio) = map(json.loads, done.stdout.splitlines())
    assert (one, two, many) == (1, 2, 3)
    assert len(alone) == 5 and alone == pair == trio


@pytest.mark.parametrize("most", [-1, 0, 3])
def test_devices_that_are_not_there_are_refused_before_anything_is_loaded(run_of: Any, most: int):
    with pytest.raises(InputError) as caught:
        next(runner.execute([run_of()], lambda name: pytest.fail("loaded"), most=most))
    assert caught.value.faults == (f"--devices {most}: allowed is 1 to 2; here are 2 × cpu",)


def test_without_a_limit_every_device_is_used_and_the_first_ones_with_it():
    assert [device.id for device in devices.local_devices()] == [0, 1]
    assert [device.id for device in devices.local_devices(1)] == [0]
