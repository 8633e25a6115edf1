"""Phases: their text, and the blocks of a sweep file that say the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluprobe.config import choices, make_run, parse_sweep, phases, sweep_toml
from reluprobe.config.phases import Phase
from reluprobe.errors import InputError, shown
from reluprobe.plan.runs import expand

# --- the text ----------------------------------------------------------------------------------


TABLES = st.fixed_dictionaries(
    {},
    optional=dict(
        dataset=st.sampled_from(["mnist", "fashion_mnist", "emnist/letters", "a/b.c-d:1.0.0"]),
        task=st.sampled_from(choices.TASKS),
        epochs=st.integers(1, 10**6),
        repeat=st.integers(1, 50),
    ),
)


@given(tables=st.lists(TABLES, min_size=1, max_size=4))
def test_a_table_as_text_is_read_as_the_table(tables: list[dict[str, Any]]):
    texts, faults = zip(*map(phases.written, tables), strict=True)
    assert not any(faults)
    text = ", ".join(texts)
    assert phases.fault(text) is None
    expected = [
        Phase(t.get("dataset"), t.get("task", "same"), t.get("epochs"))
        for t in tables
        for _ in range(t.get("repeat", 1))
    ]
    assert list(phases.parse(text)) == expected
    # A run has them written in one way, which says the same and is its own normal form.
    normal = make_run({"phases": text}).phases
    assert list(phases.parse(normal)) == expected and phases.normal(normal) == normal
    assert phases.total_epochs(text, 3) == 3 + sum(p.epochs or 3 for p in expected)


def test_phases_are_numbered_and_follow_each_other():
    config = make_run(dict(epochs=3, phases="permuted_pixels@2*2,blobs+shuffled_labels"))
    stretches = [
        (s.index, s.first, s.last, s.phase) for s in phases.stretches(config.phases, config.epochs)
    ]
    assert stretches == [
        (0, 1, 3, Phase()),
        (1, 4, 5, Phase(None, "permuted_pixels", 2)),
        (2, 6, 7, Phase(None, "permuted_pixels", 2)),
        (3, 8, 10, Phase("blobs", "shuffled_labels", None)),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot read ''"),
        ("same,", "cannot read ''"),
        ("same@", "cannot read 'same@'"),
        ("same@x", "cannot read 'same@x'"),
        ("same@-1", "cannot read 'same@-1'"),
        ("same@1.5", "cannot read 'same@1.5'"),
        ("same*2@3", "cannot read 'same*2@3'"),
        ("same same", "cannot read 'same same'"),
        ("same@0", "'same@0': a phase has at least one epoch"),
        ("same*0", "'same*0': a phase is run at least once"),
        ("blobs+permuted_pixel", "did you mean 'permuted_pixels'?"),
        ("blobs+relu", "allowed after a dataset's + is same, permuted_pixels, shuffled_labels"),
        ("same+permuted_pixels", "'same+permuted_pixels': allowed after a dataset's +"),
        ("permuted_pixel", "did you mean 'permuted_pixels'?"),
        ("shufled_labels@2", "did you mean 'shuffled_labels'?"),
        ("none,same", "none stands alone"),
        ("same,none@2", "none stands alone"),
        ("same*100001", "100,001 phases; allowed are at most 100,000"),
        ("same*60000,same*60000", "120,000 phases; allowed are at most 100,000"),
        ("same*99999999999999999999", "allowed are at most 100,000"),
        ("same@2147483648", "'same@2147483648': a phase has at most 2,147,483,647 epochs"),
        ("same@0009,same*" + "9" * 5000, "allowed are at most 100,000 phases"),
        ("same@" + "9" * 5000, "a phase has at most 2,147,483,647 epochs"),
    ],
)
def test_a_text_that_names_no_phases_is_refused_in_these_words(text: str, said: str):
    assert said in str(phases.fault(text))
    with pytest.raises(InputError) as caught:
        make_run({"phases": text})
    (fault,) = caught.value.faults
    assert fault.startswith(f"phases = {shown(text)}: ") and said in fault


def test_as_many_phases_as_are_allowed_are_read():
    assert phases.fault(f"same*{phases.MOST}") is None
    assert phases.parse(phases.NONE) == ()
    assert phases.fault(phases.NONE) is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"taks": "same"}, "unknown key 'taks'; did you mean 'task'?"),
        ({"task": "permute_pixels"}, "did you mean 'permuted_pixels'?"),
        ({"task": 3}, "task = 3"),
        ({"task": ["same"]}, "task = ['same']"),
        ({"epochs": 0}, "epochs = 0: allowed is an integer >= 1"),
        ({"epochs": True}, "epochs = True"),
        ({"epochs": 1.0}, "epochs = 1.0"),
        ({"repeat": "2"}, "repeat = '2'"),
        ({"dataset": 3}, "dataset = 3"),
        ({"dataset": ""}, "dataset = ''"),
        ({"dataset": "none"}, "dataset = 'none'"),
        ({"dataset": "permuted_pixels"}, "dataset = 'permuted_pixels'"),
        ({"dataset": "mnist,blobs"}, "dataset = 'mnist,blobs'"),
        ({"dataset": "mnist@3"}, "dataset = 'mnist@3'"),
        ({"dataset": "mnist*3"}, "dataset = 'mnist*3'"),
        ({"dataset": "mnist+same"}, "dataset = 'mnist+same'"),
        ({"repeat": 100_001}, "repeat = 100001: allowed is an integer >= 1 and <= 100000"),
        ({"epochs": 2**31}, "epochs = 2147483648: allowed is an integer >= 1 and <= 2147483647"),
    ],
)
def test_a_table_that_is_no_phase_is_refused_in_these_words(table: dict[str, Any], said: str):
    _, faults = phases.written(table)
    assert len(faults) == 1 and said in faults[0]
    with pytest.raises(InputError) as caught:
        parse_sweep({"base": {}, "phase": [{"task": "same"}, table]})
    assert caught.value.faults == (f"[[phase]] 2: {faults[0]}",)


# --- in a sweep file ---------------------------------------------------------------------------


def test_blocks_of_phases_are_the_setting():
    blocks = [{"dataset": "fashion_mnist", "epochs": 2}, {"task": "permuted_pixels", "repeat": 3}]
    text = "fashion_mnist@2,permuted_pixels*3"
    one, other = parse_sweep({"phase": blocks}), parse_sweep({"base": {"phases": text}})
    assert one == other and one.base["phases"] == text
    assert expand(one) == expand(other)


def test_blocks_beside_the_setting_are_refused():
    for more in ({"base": {"phases": "same"}}, {"grid": {"phases": ["same", "none"]}}):
        with pytest.raises(InputError) as caught:
            parse_sweep({"phase": [{"task": "same"}]} | more)
        assert len(caught.value.faults) == 1 and "phases" in caught.value.faults[0]
    with pytest.raises(InputError, match="fault"):
        parse_sweep({"phase": [{"task": "same"}]}, overrides={"phases": "same"})
    with pytest.raises(InputError) as caught:
        parse_sweep({"phase": {"task": "same"}})
    assert "double brackets" in caught.value.faults[0]


@given(tables=st.lists(TABLES, min_size=1, max_size=3), seeds=st.integers(1, 3))
def test_the_resolved_sweep_gives_the_same_runs(tables: list[dict[str, Any]], seeds: int):
    import tomllib

    written = {"phase": tables, "seeds": seeds, "grid": {"activation": ["relu", "elu(2)"]}}
    once = parse_sweep(written)
    twice = parse_sweep(tomllib.loads(sweep_toml(once)))
    assert expand(once) == expand(twice)
