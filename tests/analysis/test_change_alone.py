"""What a change alone does: over all blocks at once, never the best of them."""

from __future__ import annotations

import pytest

import grid_runs
from paired_runs import BASE, ELU, RELU, record
from reluprobe.analysis import compare
from reluprobe.analysis.change_alone import changes_alone
from reluprobe.analysis.contrast import Question, untold, verdict

WITHIN = Question({"activation": "relu"}, ("learning_rate",))


def of(runs, question=RELU):
    return {c.differs["activation"]: c for c in changes_alone(compare.compare(runs, question))}


def test_groups_of_the_quickstart_are_pooled_and_none_is_picked():
    whole, apart = (of(grid_runs.quickstart(), question) for question in (RELU, WITHIN))
    for changes in (whole, apart):
        leaky = changes["leaky_relu"]
        assert leaky.pooled.changes["dead"].n == 12
        assert leaky.pooled.changes["dead"].mean == pytest.approx(-0.29388, abs=1e-5)
        assert leaky.pooled.changes["accuracy"].mean < 0
        assert (leaky.agree, leaky.parts) == (12, 12)
        assert set(leaky.same) == {"learning_rate", "init", "depth"}
    for name in whole:
        assert whole[name].pooled.changes == apart[name].pooled.changes


def test_a_change_that_shines_at_one_rate_alone_is_not_its_best():
    # At 0.1 the baseline is dead and anything is better; elsewhere the change costs accuracy.
    runs = [
        record(f, s, dead, accuracy, learning_rate=rate)
        for s in range(4)
        for rate, sides in {
            1e-3: (("relu", 0.1, 0.97), ("elu", 0.0, 0.95)),
            1e-2: (("relu", 0.2, 0.97), ("elu", 0.0, 0.95)),
            3e-2: (("relu", 0.3, 0.96), ("elu", 0.0, 0.94)),
            0.1: (("relu", 0.95, 0.12), ("elu", 0.3, 0.60)),
        }.items()
        for f, dead, accuracy in sides
    ]
    elu = of(runs, WITHIN)["elu"]
    assert elu.pooled.changes["accuracy"].mean == pytest.approx((-0.06 + 0.48) / 4)
    assert elu.pooled.changes["accuracy"].low < 0
    assert (elu.pooled.badly, elu.pooled.baseline_badly) == (0, 4)
    assert elu.same == ("learning_rate",)


def test_with_one_seed_it_cannot_be_told():
    changes = changes_alone(compare.compare([BASE[0], ELU[0]], RELU))
    (elu,) = changes
    assert str(elu.untold) == "cannot tell: 1 seed, 4 needed"
    assert (elu.agree, elu.parts) == (1, 1)
    assert verdict(elu.pooled) == str(untold(elu.pooled))


def test_three_blocks_cannot_tell_how_many_seeds_they_have():
    runs = [
        record(f, s, 0.4 - 0.3 * (f == "elu"), learning_rate=r)
        for f in ("relu", "elu") for r in (1e-3, 1e-2, 0.1) for s in range(9)
    ]  # fmt: skip
    elu = of(runs, WITHIN)["elu"]
    assert str(elu.untold) == "cannot tell: 3 blocks, 4 needed"
    assert (elu.agree, elu.parts) == (3, 3)


def test_blocks_that_move_the_other_way_do_not_agree():
    changes = {1e-3: -0.2, 3e-3: -0.2, 1e-2: -0.3, 0.1: 0.1}
    runs = [
        record(f, s, 0.4 + (f == "elu") * change, learning_rate=rate)
        for rate, change in changes.items() for f in ("relu", "elu") for s in range(2)
    ]  # fmt: skip
    elu = of(runs)["elu"]
    assert (elu.agree, elu.parts) == (3, 4)
    assert elu.untold is None


def test_one_block_agrees_seed_by_seed():
    elu = of([*BASE, *ELU])["elu"]
    assert (elu.pooled.over, elu.agree, elu.parts) == ("seeds", 5, 5)
    assert elu.same == ()


def test_nothing_that_pairs_is_no_change():
    lost = [record("elu", s, status="diverged") for s in range(5)]
    elu = of([*BASE, *lost])["elu"]
    assert (elu.agree, elu.parts, elu.untold) == (0, 0, None)
    assert verdict(elu.pooled) == "diverged"


def test_fewer_dead_is_no_help_where_more_train_badly():
    elu = [record("elu", s, 0.1, accuracy) for s, accuracy in enumerate((0.97, 0.96, 0.98, 0.12))]
    (change,) = changes_alone(compare.compare([*BASE[:4], *elu], RELU))
    assert change.pooled.badly == 1
    assert not change.pooled.helps
    assert verdict(change.pooled) == "fewer dead, 1 trained badly"
    # Where as many of the baseline's do, it is not the change's fault.
    base = [record("relu", s, 0.4, a) for s, a in enumerate((0.97, 0.96, 0.98, 0.12))]
    (change,) = changes_alone(compare.compare([*base, *elu], RELU))
    assert change.pooled.helps


def test_the_best_comes_first():
    (first, *_) = changes_alone(compare.compare(grid_runs.quickstart(), WITHIN))
    assert first.differs == {"activation": "leaky_relu"}
    (first, *_) = changes_alone(compare.compare(grid_runs.quickstart(), WITHIN), "accuracy")
    assert first.differs == {"activation": "elu"}
