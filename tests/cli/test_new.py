"""``reluprobe new``: a file that is a sweep, as it stands and with each of its options put in."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from reluprobe.cli.commands import new
from reluprobe.config import parse_sweep, read_sweep
from reluprobe.plan.runs import Run, expand

TEXT = new.starter("mine", Path("mine.toml"))
#: What is commented out: single keys, and paragraphs that are whole tables.
KEYS = re.findall(r"^# (?:reference|norm|probe_examples|init) = .*$", TEXT, re.M)
BLOCKS = [part for part in TEXT.split("\n\n") if part.startswith("# [")]


def runs(text: str) -> tuple[Run, ...]:
    return expand(parse_sweep(tomllib.loads(text))).runs


def put_in(part: str) -> str:
    return TEXT.replace(part, re.sub(r"^# ", "", part, flags=re.M))


def test_it_runs_two_activations_at_three_rates_with_three_seeds():
    configs = [run.config for run in runs(TEXT)]
    assert len({(c.activation, c.learning_rate, c.seed) for c in configs}) == len(configs) == 18
    assert {c.epochs for c in configs} == {2}


def test_every_key_and_table_says_what_it_does():
    written = [line for line in re.sub(r"^# ", "", TEXT, flags=re.M).splitlines() if line[:1]]
    keys = [line for line in written if re.match(r"\[|\w+ = ", line)]
    assert len(keys) == 25 and all(re.search(r"  # \S", line) for line in keys)


def test_every_option_may_be_put_in_and_changes_the_sweep():
    assert [len(runs(put_in(key))) for key in KEYS] == [18, 18, 18, 36]
    sizes = {part.split("]]")[0]: len(runs(put_in(part))) for part in BLOCKS}
    assert sizes == {"# [[zip": 36, "# [[phase": 18, "# [[include": 21, "# [[exclude": 15}
    for part in KEYS[1:] + BLOCKS:
        assert runs(put_in(part)) != runs(TEXT)
    assert parse_sweep(tomllib.loads(put_in(KEYS[0]))).reference == "mnist_study"


@pytest.mark.parametrize("name", ["first_sweep", "a b", "q'uote", "naïve"])
def test_new_writes_a_sweep_of_its_name_and_says_how_to_run_it(
    reluprobe: Any, tmp_path: Path, name: str
):
    result = reluprobe("new", name)
    assert result.code == 0, result.err
    wrote, following = result.out.splitlines()
    assert wrote == f"wrote {name}.toml"
    sweep = read_sweep(tmp_path / f"{name}.toml")
    assert sweep.name == name and len(expand(sweep).runs) == 18
    _, *command = shlex.split(following.removeprefix("next: "))
    assert reluprobe(*command, "--dry-run").out.startswith(f"{name}: 18 runs")


def test_the_name_of_the_file_names_the_sweep(reluprobe: Any, tmp_path: Path):
    assert reluprobe("new", "mine.toml").out.startswith("wrote mine.toml\n")
    assert read_sweep(tmp_path / "mine.toml").name == "mine"


def test_new_never_writes_over_a_file(reluprobe: Any, tmp_path: Path):
    (tmp_path / "mine.toml").write_text("mine")
    for args in (["mine"], ["other", "--out", "mine.toml"]):
        result = reluprobe("new", *args)
        assert result.code == 2 and "mine.toml is there already" in result.err
    assert (tmp_path / "mine.toml").read_text() == "mine"
    assert reluprobe("new", "mine", "--out", "other.toml").code == 0
    assert read_sweep(tmp_path / "other.toml").name == "mine"


@pytest.mark.parametrize("args", [["a/b"], [".."], ["a\nb"], ["x", "--out", "y\nz.toml"]])
def test_a_name_that_no_sweep_may_have_is_refused(reluprobe: Any, tmp_path: Path, args: list[str]):
    result = reluprobe("new", *args)
    assert result.code == 2 and "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []
