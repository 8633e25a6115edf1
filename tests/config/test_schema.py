"""JSON Schema of sweep files: it takes what the checks take, and refuses what they refuse."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from reluprobe.config import SETTINGS, parse_sweep, read_sweep, sweep_toml
from reluprobe.config.schema import sweep_schema
from reluprobe.config.settings import fault_of
from reluprobe.errors import InputError

SCHEMA = sweep_schema()
VALIDATOR = Draft4Validator(SCHEMA)
SWEEPS = sorted((Path(__file__).parents[2] / "sweeps").glob("*.toml"))

#: Every keyword of draft 4 that is used: editors ignore, or fail at, those of later drafts.
DRAFT_4 = {"$schema", "$ref", "title", "description", "default", "definitions", "type", "enum"}
DRAFT_4 |= {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "pattern", "not", "anyOf"}
DRAFT_4 |= {"items", "minItems", "maxItems", "properties", "additionalProperties", "required"}
DRAFT_4 |= {"minProperties"}

#: One fault each, in TOML.
BAD = [
    'nam = "x"',
    "epochs = 3",
    'name = ""',
    'name = "a/b"',
    'name = ".."',
    "name = 3",
    "seeds = 0",
    "seeds = true",
    "seeds = []",
    "seeds = [1.5]",
    "seeds = [-1]",
    "seeds = { linear = [0, 4], num = 5 }",
    'reference = "mnist_stdy"',
    "base = 3",
    "[base]\nepohcs = 3",
    "[base]\nepochs = 3.0",
    '[base]\nepochs = "3"',
    "[base]\ndepth = 0",
    "[base]\ndropout = 1",
    "[base]\nlearning_rate = 0",
    "[base]\nlearning_rate = [1e-3]",
    "[base]\nlearning_rate = inf",
    "[base]\nuse_bias = 1",
    '[base]\nactivation = "rleu"',
    '[base]\nactivation = "relu(1)"',
    '[base]\nactivation = "leaky_relu(x)"',
    '[base]\nprobe_examples = "some"',
    '[base]\nrevive_at = "now"',
    '[base]\nphases = "permuted_pixels*"',
    "[grid]\nactivaton = ['relu']",
    "[grid]\nactivation = 'relu'",
    "[grid]\nactivation = []",
    "[grid]\nactivation = ['relu', 'rleu']",
    "[grid]\nactivation = { linear = [0, 1], num = 3 }",
    "[grid]\nlearning_rate = { log = [0, 1], num = 3 }",
    "[grid]\nlearning_rate = { log = [1e-3, 1], num = 1 }",
    "[grid]\nlearning_rate = { log = [1e-3, 1] }",
    "[grid]\nlearning_rate = { log = [1e-3], num = 3 }",
    "[grid]\nlearning_rate = { log = [1e-3, 1], linear = [1e-3, 1], num = 3 }",
    "[grid]\ndepth = { linear = [0, 4], num = 5 }",
    "[zip]\ndepth = [1]",
    "[[zip]]\ndepth = [0]",
    "[[include]]",
    "[[exclude]]\nactivation = ['relu']",
    "[[phase]]\ntask = 'permuted'",
    "[[phase]]\ntasks = 'same'",
    "[[phase]]\nrepeat = 0",
    "[[phase]]\nepochs = 1.5",
    "[[phase]]\ndataset = 'none'",
    "[[phase]]\ndataset = '9'",
]

#: What may be written in more than one way.
GOOD = [
    "",
    'name = "a b"\nseeds = 100000',
    "seeds = [3, 1, 4]",
    'reference = "mnist_study"',
    "[base]\nlearning_rate = 1\nprobe_examples = 'all'\nbias_init = -1",
    "[base]\nactivation = ' leaky_relu ( -1e-3 ) '",
    "[base]\nphases = 'same@2*2, permuted_pixels,fashion_mnist+shuffled_labels*3'",
    "[base]\nrevive = 'redo'\nrevive_at = '200 steps'",
    "[base]\nrevive = 'redo'\nrevive_at = '1, 3,6'",
    "[grid]\nlearning_rate = { log = [1e-3, 1], num = 3 }\nseed = [1]",
    "[grid]\nwarmup_steps = { linear = [0, 4], num = 5 }\nprobe_examples = [10, 'all']",
    "[grid]\nactivation = ['relu', 'prelu(.5)']\nuse_bias = [true, false]",
    "[[zip]]\ndepth = [1, 2]\nwidth = [8, 4]\n[[zip]]\nmomentum = [0]",
    "[[include]]\ndepth = 1\n[[exclude]]\nactivation = 'elu(2)'\n[base]\nactivation = 'elu(2)'",
    "[[phase]]\n[[phase]]\ntask = 'shuffled_labels'\ndataset = 'kmnist'\nepochs = 2\nrepeat = 9",
]


def refused(written: dict[str, Any]) -> bool:
    try:
        parse_sweep(written)
    except InputError:
        return True
    return False


def test_it_is_draft_4_and_uses_nothing_that_is_not():
    Draft4Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"].startswith("http://json-schema.org/draft-04/")

    def words(schema: Any) -> set[str]:
        """The keywords of a schema and of those within it; names of properties are none."""
        keywords = set(schema)
        inner = [*schema.get("properties", {}).values(), *schema.get("definitions", {}).values()]
        inner += [*schema.get("anyOf", ()), *(schema[k] for k in ("items", "not") if k in schema)]
        return keywords.union(*map(words, inner))

    assert words(SCHEMA) <= DRAFT_4
    # Beside a $ref, draft 4 reads nothing.
    assert '"$ref": ' not in json.dumps(SCHEMA).replace('{"$ref": ', "")


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_every_shipped_sweep_is_taken_as_written_and_as_resolved(file: Path):
    VALIDATOR.validate(tomllib.loads(file.read_text("utf-8")))
    VALIDATOR.validate(tomllib.loads(sweep_toml(read_sweep(file))))


@pytest.mark.parametrize("text", BAD)
def test_a_bad_file_is_refused_by_schema_and_checks_alike(text: str):
    written = tomllib.loads(text)
    assert not VALIDATOR.is_valid(written) and refused(written)


@pytest.mark.parametrize("text", GOOD)
def test_a_good_file_is_taken_by_schema_and_checks_alike(text: str):
    written = tomllib.loads(text)
    VALIDATOR.validate(written)
    assert not refused(written)


def candidates(name: str) -> list[Any]:
    """Values of every type, and on both sides of every bound."""
    setting = SETTINGS[name]
    edges = {0, 1, *(b for b in setting.bounds if b is not None)}
    numbers = [n for edge in edges for n in (edge, edge - 1, edge + 1, float(edge), edge - 0.5)]
    words = [*setting.choices, *setting.words, "", "none", "relu", "all", "1", "x y"]
    return [*numbers, *words, 1e39, -1e39, True, False, None, [], {}, setting.default]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_settings_schema_and_its_check_agree_on_every_value(name: str):
    alone = Draft4Validator({"$ref": f"#/definitions/{name}", "definitions": SCHEMA["definitions"]})
    for value in candidates(name):
        taken = fault_of(name, value) is None
        assert alone.is_valid(value) == taken, value
        assert VALIDATOR.is_valid({"grid": {name: [value]}}) == taken, value


def test_every_setting_and_axis_says_what_it_means_and_has_a_default_that_is_taken():
    for name, setting in SETTINGS.items():
        for defined in (name, f"{name}_axis"):
            definition = SCHEMA["definitions"][defined]
            assert definition["description"].startswith(setting.help)
        axis = SCHEMA["definitions"][f"{name}_axis"]["default"]
        assert VALIDATOR.is_valid({"base": {name: SCHEMA["definitions"][name]["default"]}})
        assert VALIDATOR.is_valid({"grid": {name: axis}})


def test_the_command_prints_it(reluprobe: Any):
    result = reluprobe("schema")
    assert result.code == 0 and json.loads(result.out) == json.loads(json.dumps(SCHEMA))
