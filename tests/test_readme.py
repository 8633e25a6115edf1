"""README is what a newcomer has: what it says of commands, settings and sweeps must be so."""

import re
import tomllib
from pathlib import Path

import pytest

from reluprobe.config import parse_sweep, read_sweep
from reluprobe.config.choices import DEFINITIONS
from reluprobe.plan.runs import expand

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_every_definition_stands_in_readme():
    assert all(f"| `{name}` |" in README for name in DEFINITIONS)


def test_the_example_sweep_of_readme_is_a_sweep():
    example, phased = re.findall(r"```toml\n(.*?)```", README, re.S)
    sweep = parse_sweep(tomllib.loads(example))
    plan = expand(sweep)
    # 2 activations x 7 rates x 2 shapes, less the 7 of elu at depth 5, and one include; 3 seeds.
    assert len(plan.runs) == 3 * (2 * 7 * 2 - 7 + 1)
    written = tomllib.loads(phased)
    (run,) = expand(
        parse_sweep({"phase": written["phase"], "base": {"epochs": written["epochs"]}})
    ).runs
    assert run.config.phases == "permuted_pixels*99" and run.config.epochs == 1


@pytest.mark.parametrize("file", sorted((ROOT / "sweeps").glob("*.toml")), ids=lambda p: p.stem)
def test_every_sweep_opens_with_what_it_asks_expects_takes_and_its_command(file):
    head = file.read_text("utf-8").split("\n\n", 1)[0]
    assert all(line.startswith("#") for line in head.splitlines())
    for part in ("# Asks: ", "# Expected", "# Wall time: ", f"reluprobe sweep sweeps/{file.name}"):
        assert part in head
    assert expand(read_sweep(file)).runs


def test_readmes_test_command_is_the_one_that_ci_runs():
    assert 'pip install -e ".[dev]" && pytest' in README.splitlines()
