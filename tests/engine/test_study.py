"""The MNIST study's network on real MNIST: what independent code found must come out here too."""

from collections.abc import Sequence

import pytest

from reluprobe import data, records
from reluprobe.config import make_run
from reluprobe.engine import runner
from reluprobe.plan.runs import as_run
from sweep_events import records_in


@pytest.fixture(scope="module")
def study(as_for_users: None) -> dict[str, records.RunRecord]:
    """One epoch of the study's run, ReLU and leaky ReLU."""
    runs = [as_run(make_run({"activation": a, "epochs": 1})) for a in ("relu", "leaky_relu")]
    done = records_in(runner.execute(runs, data.load)).values()
    return {record.config.activation: record for record in done}


def shares(record: records.RunRecord, definition: str, epoch: int = -1) -> Sequence[float]:
    return [getattr(layer, definition) for layer in record.history[epoch].layers]


def test_a_fresh_relu_network_has_hardly_a_dead_unit(study):
    assert max(shares(study["relu"], "dead", epoch=0)) < 0.1


def test_after_one_epoch_a_fifth_of_the_relus_is_dead_and_the_network_works(study):
    dead = shares(study["relu"], "dead")
    # Published after epoch 1, one seed: 21.88, 14.84, 22.66, 23.05, 35.16 %.
    assert 0.15 <= dead[0] <= 0.30
    assert 0.05 <= dead[1] <= 0.22
    assert 0.25 <= dead[4] <= 0.50
    assert 0.94 <= study["relu"].final.test_accuracy <= 0.98


def test_a_leaky_unit_is_never_dead_though_often_never_positive(study):
    assert shares(study["leaky_relu"], "dead") == [0.0] * 5
    assert max(shares(study["leaky_relu"], "never_positive")) > 0.1


def test_for_relu_the_first_four_definitions_agree(study):
    for epoch in (0, 1):
        by_definition = [
            shares(study["relu"], d, epoch) for d in ("dead", "silent", "never_positive")
        ]
        assert by_definition[0] == by_definition[1] == by_definition[2]
        constant = shares(study["relu"], "constant", epoch)
        assert all(c >= d for c, d in zip(constant, by_definition[0], strict=True))
