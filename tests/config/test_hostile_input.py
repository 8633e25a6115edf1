"""Input that is too deep, too long, endless or no text at all: one fault each, and no traceback."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

import reluprobe as rp
from reluprobe.cli import options
from reluprobe.cli.commands.compare import parse_baseline
from reluprobe.config import SETTINGS, arguments, documents, parse_sweep, read_sweep
from reluprobe.config.sweep_keys import KEYS
from reluprobe.errors import InputError, shown
from reluprobe.plan.runs import LARGEST_PLAN, expand

DEEP = "[" * 5000 + "]" * 5000
DIGITS = "9" * 5000
TOO_DEEP, TOO_LONG = "nested too deeply", "an integer has more than 4,300 digits"

#: What no file may hold, and what is said of it.
TEXTS = {
    f"x = {DEEP}": TOO_DEEP,
    "x = " + "{a = " * 2000 + "1" + "}" * 2000: TOO_DEEP,
    f"seeds = {DIGITS}": TOO_LONG,
    f"seeds = 0x{DIGITS}": "an integer of about 6,02",
    f"[base]\nepochs = 0x{DIGITS}": "epochs = an integer of about 6,02",
    "[base]\nlearning_rate = " + "9" * 400: "magnitudes from 1.17549e-38 to 3.40282e+38",
    f"[base]\nactivation = 'leaky_relu({DIGITS})'": "leaky_slope = inf: allowed is",
    f"[base]\nphases = 'same*{DIGITS}'": "allowed are at most 100,000 phases",
    f"[[phase]]\nrepeat = 0x{DIGITS}": "repeat = an integer of about",
    f"[base]\nrevive = 'redo'\nrevive_at = '{DIGITS} steps'": "at most 2147483647 epochs or steps",
    f"[grid]\nlearning_rate = {{ log = [1, {'9' * 400}], num = 3 }}": "finite numbers > 0 of a",
    f"[grid]\nlearning_rate = {{ linear = [1, {'9' * 400}], num = 3 }}": "finite numbers of a",
    "[grid]\nlearning_rate = { linear = [-1e308, 1e308], num = 3 }": "finite numbers of a",
    "[grid]\nlearning_rate = { log = [1, 2], num = 1_000_000_000 }": "from 2 to 100000",
    f"[grid]\nseed = {list(range(100_001))}": "100,001 values; allowed are at most 100,000",
    f"seeds = {list(range(100_001))}": "100,001 values; allowed are at most 100,000",
    "[[zip]]": "[[zip]] 1: is empty; name at least one axis",
    f"reference = {'[' * 300}{']' * 300}": "reference = [[[[[...]]]]]: allowed is",
}


def longest_line(error: InputError) -> int:
    return max(map(len, str(error).splitlines()))


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:50])
def test_what_no_file_may_hold_is_one_short_fault(text: str, tmp_path: Path):
    (tmp_path / "grid.toml").write_text(text)
    for read in (lambda: read_sweep(tmp_path / "grid.toml"), lambda: rp.sweep(f"\n{text}")):
        with pytest.raises(InputError) as caught:
            read()
        assert TEXTS[text] in str(caught.value) and len(caught.value.faults) <= 1
        assert longest_line(caught.value) < 800


@pytest.mark.parametrize("text", [DEEP, '{"source": ' * 5000, f'{{"source": {DIGITS}}}', "\0"])
def test_a_reference_that_cannot_be_read_is_one_short_fault(text: str, tmp_path: Path):
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(InputError) as caught:
        parse_sweep({"reference": "mine.json"}, folder=tmp_path)
    (fault,) = caught.value.faults
    assert "mine.json: is not JSON: " in fault and len(fault) < 500


def within_itself() -> list[Any]:
    endless: list[Any] = []
    endless.append(endless)
    return endless


def deep() -> list[Any]:
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    return nested


@pytest.mark.parametrize("made", [within_itself, deep, lambda: 10**5000, lambda: range(10**12)])
def test_values_without_end_are_refused_by_every_call(made: Callable[[], Any]):
    value = made()
    table: dict[str, Any] = {"base": {"epochs": value}, "seeds": value}
    table["grid"] = table
    for call in (
        lambda: rp.sweep(table, out=None),
        lambda: rp.sweep({}, overrides={"epochs": value}, out=None),
        lambda: rp.sweep({}, devices=value, out=None),
        lambda: rp.train(epochs=value),
        lambda: rp.born_dead(seed=value),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert longest_line(caught.value) < 800


def test_an_array_of_numpy_is_a_list_at_any_place():
    axes = {"learning_rate": np.array([0.1, 0.2]), "seed": np.arange(2)}
    assert len(expand(parse_sweep(arguments.plain({"grid": axes}))).runs) == 4


@pytest.mark.parametrize("value", [DIGITS, DEEP, f"0x{DIGITS}"])
def test_options_take_no_value_without_end(value: str):
    for read in (
        lambda: parse_sweep({}, overrides=options.parse_overrides([f"epochs={value}"])),
        lambda: parse_baseline([f"epochs={value}"]),
        lambda: options.parse_part(f"1/{value}"),
        lambda: options.parse_part(f"{value}/3"),
    ):
        with pytest.raises(InputError) as caught:
            read()
        assert longest_line(caught.value) < 300


def test_a_slice_of_more_than_the_largest_plan_is_refused():
    assert options.parse_part(f"1/{LARGEST_PLAN}") == (1, LARGEST_PLAN)
    for text in (f"1/{LARGEST_PLAN + 1}", "0/3", "4/3", "1/3/5", "1", "-1/3"):
        with pytest.raises(InputError, match="cannot read --chunk"):
            options.parse_part(text)


def test_a_column_of_wrong_values_is_not_a_fault_a_value():
    with pytest.raises(InputError) as caught:
        parse_sweep({"grid": {"depth": ["two"] * 50_000}})
    assert len(caught.value.faults) == 11
    assert caught.value.faults[-1] == "[grid]: depth: 49,990 more such values"


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path):
    text = "seeds = 2\n[base]\nepochs = 1\n"
    (tmp_path / "grid.toml").write_text(text, "utf-8-sig")
    marked = read_sweep(tmp_path / "grid.toml")
    (tmp_path / "grid.toml").write_text(text, "utf-8")
    assert marked == read_sweep(tmp_path / "grid.toml")
    assert documents.from_toml(f"\ufeff{text}") == tomllib.loads(text)


def test_what_is_quoted_is_the_value_as_far_as_a_line_takes_it():
    for value in ("it's", 5.0, True, [1, "a"], {"log": [1, 2], "num": 3}, None):
        assert shown(value) == repr(value)
    assert len(shown("x" * 10**6)) == len(shown(10**400)) == 80
    assert shown(10**5000) == "an integer of about 5,000 digits"
    assert shown(deep()) == shown(within_itself()) == "[[[[[...]]]]]"


# --- at random ---------------------------------------------------------------------------------

SHIPPED = [p.read_text("utf-8") for p in (Path(__file__).parents[2] / "sweeps").glob("*.toml")]
NAMES = st.sampled_from([*SETTINGS, *KEYS, "log", "linear", "num", "task", "repeat", "x"])
WORDS = st.sampled_from(
    [
        *("relu", "leaky_relu(0.1)", "leaky_relu(1e999)", "redo", "all", "none", "mnist_study"),
        *("same*999999999", "same@2,blobs", "3 steps", "", "\0", "\ufeff", "../x", "ü" * 300),
    ]
)
NUMBERS = st.one_of(
    st.integers(-3, 9),
    st.sampled_from([2**31, 2**32, 2**63, 10**20, 10**400, 1e39, 1e-320, -0.0, 1e308]),
    st.floats(),
)
VALUES = st.recursive(
    st.one_of(NUMBERS, WORDS, st.booleans(), st.dates(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(NAMES, inner, max_size=4),
        st.builds(lambda a, n: {"log": a, "num": n}, st.lists(NUMBERS, max_size=3), inner),
    ),
    max_leaves=8,
)
TABLES = st.dictionaries(NAMES, VALUES, max_size=5)
RANGES = st.builds(
    lambda kind, ends, num: {kind: ends, "num": num},
    st.sampled_from(["log", "linear"]),
    st.lists(NUMBERS, min_size=2, max_size=2),
    st.integers(2, 4),
)
AXES = st.dictionaries(
    st.sampled_from([*SETTINGS]),
    st.one_of(RANGES, st.lists(st.one_of(NUMBERS, WORDS), min_size=1, max_size=3)),
    max_size=3,
)
SWEEPS = st.fixed_dictionaries(
    {},
    optional={
        "seeds": VALUES,
        "reference": VALUES,
        "base": TABLES,
        "grid": st.one_of(AXES, TABLES),
        **{key: st.lists(TABLES, max_size=3) for key in ("zip", "phase", "include", "exclude")},
    },
)


def refused_or_planned(text: bytes, folder: Path) -> None:
    (folder / "grid.toml").write_bytes(text)
    try:
        expand(read_sweep(folder / "grid.toml"))
    except InputError as error:
        assert str(error)


@settings(max_examples=60)
@given(tables=SWEEPS)
def test_any_tables_are_a_plan_or_faults(tables: dict[str, Any], tmp_path_factory: Any):
    try:
        text = tomli_w.dumps(tables).encode("utf-8", "surrogatepass")
    except ValueError:  # more digits than Python writes
        return
    refused_or_planned(text, tmp_path_factory.getbasetemp())


@settings(max_examples=100)
@given(axes=AXES, base=TABLES)
def test_any_axes_are_a_plan_or_faults(axes: dict[str, Any], base: dict[str, Any]):
    for written in ({"grid": axes}, {"zip": [axes], "base": base}):
        try:
            expand(parse_sweep(written))
        except InputError as error:
            assert str(error)


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32), text=st.sampled_from(SHIPPED), times=st.integers(1, 6))
def test_a_shipped_sweep_with_some_of_it_changed_is_a_plan_or_faults(
    seed: int, text: str, times: int, tmp_path_factory: Any
):
    chance = random.Random(seed)
    for _ in range(times):
        start, length = chance.randrange(len(text)), chance.choice([0, 1, 1, 5, 40])
        other = chance.randrange(len(text))
        piece = chance.choice(["", "9" * 30, "[", "]", '"', "=", "-", text[other : other + 20]])
        text = text[:start] + piece + text[start + length :]
    refused_or_planned(text.encode(), tmp_path_factory.getbasetemp())


@settings(max_examples=100)
@given(text=st.binary(max_size=60))
def test_any_bytes_are_a_plan_or_faults(text: bytes, tmp_path_factory: Any):
    refused_or_planned(text, tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("number", range(12))
def test_a_dry_run_of_any_of_it_ends_with_0_or_2_and_writes_nothing(
    number: int, reluprobe: Any, tmp_path: Path
):
    chance = random.Random(number)
    text = chance.choice(SHIPPED)
    for _ in range(number % 4):
        start = chance.randrange(len(text))
        text = text[:start] + text[start + chance.choice([1, 9]) :]
    (tmp_path / "grid.toml").write_text(text, "utf-8")
    result = reluprobe("sweep", "grid.toml", "--dry-run")
    assert result.code in (0, 2) and "Traceback" not in result.err
    assert (result.code == 2) == result.err.startswith("error: ")
    assert [p.name for p in tmp_path.iterdir()] == ["grid.toml"]
