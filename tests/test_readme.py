"""README and the pages that it leads to: definitions, the example sweep, the test command."""

import re
import tomllib
from pathlib import Path

import pytest

from reluprobe.config import parse_sweep, read_sweep
from reluprobe.config.choices import DEFINITIONS
from reluprobe.plan.runs import expand

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text("utf-8")


def test_readme_is_read_in_one_sitting():
    assert len(README.splitlines()) <= 250


def test_every_definition_stands_in_its_page():
    page = (DOCS / "definitions.md").read_text("utf-8")
    assert all(f"| `{name}` |" in page for name in DEFINITIONS)


def test_the_example_sweep_and_the_phases_are_sweeps():
    page = (DOCS / "sweep-file.md").read_text("utf-8")
    example, _, phased = re.findall(r"```toml\n(.*?)```", page, re.S)
    plan = expand(parse_sweep(tomllib.loads(example)))
    # 2 activations x 7 rates x 2 shapes, less the 7 of elu at depth 5, and one include; 3 seeds.
    assert len(plan.runs) == 3 * (2 * 7 * 2 - 7 + 1)
    (run,) = expand(parse_sweep(tomllib.loads(phased))).runs
    assert run.config.phases == "permuted_pixels*99" and run.config.epochs == 1


def test_readme_asks_every_sweep_that_is_there():
    named = set(re.findall(r"sweeps/(\w+)\.toml", README))
    assert named == {file.stem for file in (ROOT / "sweeps").glob("*.toml")}


@pytest.mark.parametrize("file", sorted((ROOT / "sweeps").glob("*.toml")), ids=lambda p: p.stem)
def test_every_sweep_opens_with_what_it_asks_expects_takes_and_its_command(file):
    head = file.read_text("utf-8").split("\n\n", 1)[0]
    assert all(line.startswith("#") for line in head.splitlines())
    for part in ("# Asks: ", "# Expected", "# Wall time: ", f"reluprobe sweep sweeps/{file.name}"):
        assert part in head
    assert expand(read_sweep(file)).runs


def test_readmes_test_command_is_the_one_that_ci_runs():
    assert 'pip install -e ".[dev]" && pytest' in README.splitlines()
