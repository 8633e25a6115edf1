"""Names of sweeps: what cannot be a folder everywhere is refused, by checks and schema alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from reluprobe.config import parse_sweep
from reluprobe.config.schema import sweep_schema
from reluprobe.config.sweep_name import fault_of_name
from reluprobe.errors import InputError, shown

VALIDATOR = Draft4Validator(sweep_schema())

#: Each with what is said of it.
REFUSED = {
    "": "can name a folder",
    " ": "can name a folder",
    "runs": "hold something else",
    "Runs": "hold something else",
    "born-dead": "hold something else",
    "a/b": "no slash",
    "a\\b": "no slash",
    "../up": "no slash",
    "..": "begins with",
    ".lock": "begins with",
    ".hidden": "begins with",
    "-x": "begins with",
    "~": "begins with",
    "=cmd|calc": "none of",
    "=sum(a1)": "begins with",
    "+1": "begins with",
    "@sum": "begins with",
    " a": "begins with",
    "a:b": "none of",
    'a"b': "none of",
    "a*": "none of",
    "a|b": "none of",
    "a.": "ends with no dot",
    "a ": "ends with no dot",
    "CON": "for a device",
    "nul": "for a device",
    "aux.txt": "for a device",
    "com1.results": "for a device",
    "LPT¹": "for a device",
    "a\nb": "does not print",
    "a\x1b[31m": "does not print",
    "a\udcff": "does not print",
    "a" * 256: "255 bytes",
    "ä" * 128: "255 bytes",
}
TAKEN = ["report", "export", "old-1", "chunks", "sweep", "a b", "_x", "1e5", "2026-11-02", "NA"]
TAKEN += ["größe", "学習", "console", "com10", "a.b", "first_sweep", "a'b", "x" * 255, "lr=0.1"]


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_cannot_be_a_folder_everywhere_is_refused_in_words(name: str):
    with pytest.raises(InputError) as caught:
        parse_sweep({"name": name})
    (fault,) = caught.value.faults
    assert fault.startswith(f"name: got {shown(name)}; ") and REFUSED[name] in fault


@pytest.mark.parametrize("name", TAKEN)
def test_every_other_name_is_taken(name: str):
    assert parse_sweep({"name": name}).name == name
    VALIDATOR.validate({"name": name})


#: What JSON Schema cannot say: what prints, and how many bytes a text has.
UNSAYABLE = ("a\udcff", "ä" * 128, "a" * 256)


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in UNSAYABLE])
def test_the_schema_refuses_the_same_names(name: str):
    assert not VALIDATOR.is_valid({"name": name})


@given(st.text("aB1_-. /:\x1bconrusé", max_size=6))
def test_what_is_taken_the_schema_takes(name: str):
    if fault_of_name(name) is None:
        VALIDATOR.validate({"name": name})


def test_a_file_whose_own_name_cannot_be_the_sweeps_is_told_how_to_name_it(tmp_path):
    with pytest.raises(InputError) as caught:
        parse_sweep({}, name="runs")
    assert 'name = "…" in the file' in (caught.value.hint or "")
    assert parse_sweep({"name": "good"}, name="runs").name == "good"
    assert parse_sweep({}, name="runs", overrides={"name": "good"}).name == "good"
