"""The documentation: made pages are current, commands parse, keys exist, links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import typer

import reluprobe
from reluprobe.cli import tab, tab_table
from reluprobe.cli.app import app
from reluprobe.cli.lazy import COMMANDS
from reluprobe.config import SETTINGS, faults_of, parse_sweep, read_sweep
from reluprobe.plan.runs import expand
from reluprobe.report.export.files import TABLES

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
assert _SPEC is not None and _SPEC.loader is not None
generate = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(generate)

PAGES = sorted((ROOT / "docs").glob("*.md"))
TEXTS = {page.name: page.read_text("utf-8") for page in [*PAGES, ROOT / "README.md"]}
LINKED = [*PAGES, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))]


def code(language: str) -> list[tuple[str, str]]:
    """Every block of code in this language, with the page that it is on."""
    fence = re.compile(rf"^```{language}\n(.*?)^```", re.M | re.S)
    return [(page, block) for page, text in TEXTS.items() for block in fence.findall(text)]


# --- what is made --------------------------------------------------------------------------------


def drawn_by_others() -> str:
    """Which libraries that lay out --help are not those the page was made with."""
    lock = (ROOT / "requirements.lock").read_text()
    versions = {name: metadata.version(name) for name in ("typer", "rich")}
    return ", ".join(f"{n} {v}" for n, v in versions.items() if f"{n}=={v}\n" not in lock)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_as_the_code_makes_it(page: Path):
    text = page.read_text("utf-8")
    if "generate.py: commands" in text and (other := drawn_by_others()):
        pytest.skip(f"requirements.lock has another than {other}, which lays --help out")
    assert generate.made(text) == text, f"{page.name} is behind: run python docs/generate.py"


def test_the_table_of_a_shells_tab_is_as_the_code_makes_it():
    text = tab.TABLE.read_text("utf-8")
    assert tab_table.text() == text, f"{tab.TABLE.name} is behind: run python docs/generate.py"


def test_every_made_part_is_on_one_page():
    assert sorted(re.findall(r"generate.py: (\w+)", "".join(TEXTS.values()))) == sorted(
        generate.BLOCKS
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_documented(name: str):
    _, section = TEXTS["commands.md"].split(f"## `reluprobe {name}`")
    section = section.split("\n## ")[0]
    assert all(opt in section for param in command(name).params for opt in param.opts if "-" in opt)


def test_every_setting_is_documented_with_its_default():
    rows = re.findall(r"^\| `(\w+)`.*?\| [^|]+ \| `([^|]+)` \|", TEXTS["sweep-file.md"], re.M)
    defaults = {
        name: tomllib.loads(f"x = {default}")["x"] for name, default in rows if name in SETTINGS
    }
    assert defaults == {name: setting.default for name, setting in SETTINGS.items()}


# --- what is shown -------------------------------------------------------------------------------


def command(name: str) -> Any:
    return typer.main.get_command(app).get_command(None, name)  # type: ignore[attr-defined, arg-type]


def command_lines() -> list[str]:
    """Every reluprobe command of a shell block or between backticks, without what is around it."""
    lines = []
    for _, block in code("sh"):
        lines += re.findall(r"^.*?\b(reluprobe .*?)\s*(?:#.*|>.*|&& .*)?$", block, re.M)
    for text in TEXTS.values():
        lines += [line.split(" > ")[0] for line in re.findall(r"`(reluprobe [a-z-][^`\n]*)`", text)]
    # What is left of `reluprobe --help` says nothing that could be wrong.
    return sorted({re.sub(r" --help$", "", line) for line in lines} - {"reluprobe"})


@pytest.mark.parametrize("line", command_lines())
def test_every_command_that_is_shown_parses(line: str):
    _, name, *args = shlex.split(line)
    if name.startswith("-"):
        root = typer.main.get_command(app)
        assert name in [opt for param in root.params for opt in param.opts]
        return
    assert name in COMMANDS, line
    optional = [] if args or name in ("train", "born-dead", "new", "schema") else ["results"]
    params = command(name).make_context(name, args + optional).params
    if name == "train":
        assert faults_of({n: params[n] for n in SETTINGS}) == []
    if name == "sweep" and args and args[0].startswith("sweeps/"):
        assert (ROOT / args[0]).exists()


def test_there_are_commands_to_check():
    assert len(command_lines()) > 20


@pytest.mark.parametrize("block", [block for _, block in code("toml")])
def test_every_sweep_that_is_shown_is_one(block: str):
    assert expand(parse_sweep(tomllib.loads(block))).runs


def test_the_walks_sweeps_have_the_runs_that_they_speak_of():
    (what,) = [block for _, block in code("toml") if 'name = "what"' in block]
    runs = expand(parse_sweep(tomllib.loads(what))).runs
    assert len(runs) == 6 * 4 and all(run.config.epochs == 3 for run in runs)
    rates = expand(read_sweep(ROOT / "sweeps" / "learning_rate.toml")).runs
    shown = re.findall(r"^(\S+) +(sgd|adam) ", TEXTS["walks.md"], re.M)
    pairs = {(run.config.learning_rate, run.config.optimizer) for run in rates}
    assert len(shown) == 10 and {(float(rate), name) for rate, name in shown} <= pairs


def test_the_columns_that_the_examples_name_are_there():
    columns = {column.name for table in TABLES.values() for column in table}
    blocks = "\n".join(block for page, block in code("python") if page == "export.md")
    ((_, block),) = code("r")
    quoted = re.findall(r"\[+((?:\"\w+\"(?:, )?)+)\]", blocks)
    quoted += re.findall(r"c\(((?:\"\w+\"(?:, )?)+)\)", block)
    named = {name for some in quoted for name in re.findall(r"\w+", some)}
    named |= set(re.findall(r"\b[a-z]+\b", block.split("aggregate(")[1].split(", both")[0]))
    assert {"folder", "id", "activation", "dead"} <= named <= columns


# --- where links lead ----------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """What a link to a page may name after its #: the headings, as GitHub and MyST write them."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", prose, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_every_link_to_a_page_or_heading_leads_there(page: Path):
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            file = page.parent / path if path else page
            assert file.exists(), target
            assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_every_table_has_a_head_and_a_blank_line_before_it(page: Path):
    lines = ["", "", *page.read_text("utf-8").splitlines()]
    for before, head, line in zip(lines, lines[1:], lines[2:], strict=False):
        if re.fullmatch(r"\|[-:| ]+-[-:| ]*\|", line):
            assert head.startswith("|") and before == "", line


def test_every_page_is_in_the_sites_contents():
    trees = re.findall(r"```{toctree}\n(.*?)```", TEXTS["index.md"], re.S)
    listed = [line for tree in trees for line in tree.split() if not line.startswith(":")]
    pages = {page.stem for page in PAGES} - {"index"}
    assert pages <= set(listed)


def test_every_public_name_is_in_the_reference():
    described = set(re.findall(r"^\.\. auto\w+:: reluprobe\.(\w+)", TEXTS["reference.md"], re.M))
    assert set(getattr(reluprobe, "__all__", ())) <= described


def test_the_site_builds_without_a_warning(tmp_path: Path):
    """Sphinx is in the extra ``docs`` alone: without it this is skipped."""
    for module in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(module, reason='the site needs pip install -e ".[docs]"')
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    folders = [str(ROOT / "docs"), str(tmp_path / "site")]
    done = subprocess.run(
        [*build, "-d", str(tmp_path / "trees"), *folders], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "index.html").exists()


# --- what lies beside README ---------------------------------------------------------------------


def test_contributing_names_every_package_and_no_file_that_is_not_there():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (.+) \|$", text, re.M))
    packages = {path.parent.name for path in (ROOT / "reluprobe").glob("*/__init__.py")}
    assert packages <= set(rows)
    for package in packages:
        for name in re.findall(r"`([\w/]+(?:\.py|/))`", rows[package]):
            assert (ROOT / "reluprobe" / package / name).exists(), f"{package}/{name}"
    for name in re.findall(r"`((?:reluprobe|tests|benchmarks)/[\w/]+\.py)`", text):
        assert (ROOT / name).exists(), name


def test_the_citation_is_of_this_version():
    assert f"\nversion: {reluprobe.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
