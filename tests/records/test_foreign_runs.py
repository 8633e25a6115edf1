"""Foreign runs: their ids, what may be recorded of them, and their place in a folder."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from foreign_records import foreign_record
from reluprobe.errors import InputError
from reluprobe.records import Foreign, RecordError, foreign_id, write
from reluprobe.records.foreign_claim import claim_foreign

RUN = Foreign("cnn", 3, {"lr": 1e-3, "aug": True, "note": None})
LOOKS = [["x...", ".."], ["xx..", "x."]]


def test_an_id_follows_name_settings_and_seed_and_not_the_order_of_settings():
    other = Foreign("cnn", 3, {"note": None, "aug": True, "lr": 1e-3})
    assert foreign_id(RUN) == foreign_id(other)
    assert len({
        foreign_id(RUN),
        foreign_id(Foreign("mlp", 3, RUN.settings)),
        foreign_id(Foreign("cnn", 4, RUN.settings)),
        foreign_id(Foreign("cnn", 3, {**RUN.settings, "lr": 1e-2})),
        foreign_id(Foreign("cnn", 3, {"lr": 1e-3, "aug": False})),
    }) == 5  # fmt: skip


def test_what_is_folded_as_one_setting_has_one_id():
    assert foreign_id(RUN) == foreign_id(Foreign("cnn", 3, {"lr": 1e-3, "aug": True}))
    one = foreign_id(Foreign("cnn", 0, {"width": 1}))
    assert one == foreign_id(Foreign("cnn", 0, {"width": 1.0}))
    assert one != foreign_id(Foreign("cnn", 0, {"width": "1"}))


def test_an_id_is_a_letter_and_twelve_digits_that_stay_as_they_are():
    assert foreign_id(Foreign("cnn")) == "r847432f425ce"


@pytest.mark.parametrize(
    ("run", "named"),
    [
        (Foreign(""), "name"),
        (Foreign(" cnn"), "name"),
        (Foreign("c\x1b[31m"), r"name: 'c\x1b[31m'"),
        (Foreign("c" * 201), "longer than 200"),
        (Foreign("cnn", 2**63), "seed"),
        (Foreign("cnn", settings={"seed": 1}), "settings.seed"),
        (Foreign("cnn", settings={"name": "x"}), "settings.name"),
        (Foreign("cnn", settings={"a\nb": 1}), r"'a\nb'"),
        (Foreign("cnn", settings={"lr": math.nan}), "settings.lr: is nan"),
        (Foreign("cnn", settings={"lr": math.inf}), "settings.lr: is inf"),
        (Foreign("cnn", settings={"n": 2**63}), "64 bits"),
        (Foreign("cnn", settings={"text": "a\x07"}), "settings.text"),
        (Foreign("cnn", settings={"text": "\ud800"}), "settings.text"),
    ],
)
def test_what_cannot_be_recorded_is_named(run: Foreign, named: str):
    with pytest.raises(InputError) as caught:
        foreign_id(run)
    assert named in str(caught.value)


def test_settings_that_are_no_plain_values_are_named():
    shape: Any = {"shape": [1, 2]}
    with pytest.raises(InputError, match=r"settings.shape: is \[1, 2\]; allowed is text, a number"):
        foreign_id(Foreign("cnn", settings=shape))


def test_a_new_folder_is_free_and_nothing_is_left_in_it(tmp_path: Path):
    assert claim_foreign(tmp_path / "mine", RUN) is None
    assert not [*tmp_path.iterdir()]


def test_other_seeds_and_settings_go_side_by_side(tmp_path: Path):
    for seed in range(3):
        record = foreign_record(LOOKS, seed=seed)
        assert record.foreign is not None
        assert claim_foreign(tmp_path, record.foreign) is None
        write(record, tmp_path)
    assert len([*(tmp_path / "runs").iterdir()]) == 3


def test_a_record_of_the_same_run_is_refused_gone_on_from_or_set_aside(tmp_path: Path):
    record = foreign_record(LOOKS, settings={"lr": 1e-3})
    assert record.foreign is not None
    file = write(record, tmp_path)
    with pytest.raises(InputError, match=r"cnn · seed 0 · lr 0.001\n.*fresh=True"):
        claim_foreign(tmp_path, record.foreign)
    assert claim_foreign(tmp_path, record.foreign, resume=True) == record
    written = file.read_bytes()
    for number in (1, 2):
        assert claim_foreign(tmp_path, record.foreign, fresh=True) is None
        assert not file.exists()
        assert (tmp_path / f"old-{number}" / "runs" / file.name).read_bytes() == written
        write(record, tmp_path)
    with pytest.raises(InputError, match="exclude"):
        claim_foreign(tmp_path, record.foreign, fresh=True, resume=True)


def test_a_damaged_record_is_not_gone_on_from(tmp_path: Path):
    record = foreign_record(LOOKS)
    assert record.foreign is not None
    write(record, tmp_path).write_text("{")
    with pytest.raises(RecordError, match="not whole JSON"):
        claim_foreign(tmp_path, record.foreign, resume=True)


def test_the_folder_of_a_planned_sweep_is_refused(tmp_path: Path):
    (tmp_path / "sweep.toml").write_text("")
    with pytest.raises(InputError, match="planned sweep"):
        claim_foreign(tmp_path, RUN)
