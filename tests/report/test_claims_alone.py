"""A reference of claims and no numbers: terminal, JSON, page, figure and library say the same."""

from __future__ import annotations

import json

import pytest

import reluprobe as rp
from claim_records import run, text
from reluprobe import records
from reluprobe.analysis import replication
from reluprobe.config import parse_sweep, sweep_toml
from reluprobe.records.folder import open_all
from reluprobe.report.page.model import _reference as on_page
from reluprobe.report.terminal import claims as claims_table

CLAIMS = (
    {"text": "Adam kills more", "less": "optimizer=momentum", "more": "optimizer=adam"},
    {"text": "Adam kills half", "of": "optimizer=adam", "least": 50, "source": "Somebody"},
    {"text": "the dead grow", "of": "optimizer=adam", "over": "phases", "goes": "up"},
    {"text": "not run", "of": "optimizer=sgd", "most": 5},
)
VERDICTS = ["holds", "does not hold", "holds"]


@pytest.fixture
def swept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / "grid"
    for seed, noise in enumerate((0.0, 0.01, 0.02)):
        for optimizer, more in (("momentum", 0.0), ("adam", 0.1 + noise / 10)):
            shares = ((0.1 + noise,), (0.2 + noise + more,))
            records.write(run(*shares, seed=seed, phased=True, optimizer=optimizer), folder)
    (folder / "said.json").write_text(text(*CLAIMS))
    plan = parse_sweep({"reference": "said.json", "seeds": 3}, name="grid", folder=folder)
    toml = sweep_toml(plan).replace(str(folder / "said.json"), "said.json")
    (folder / "sweep.toml").write_text(toml)
    return folder


def test_the_terminal_has_no_table_of_numbers_and_one_of_claims(swept, reluprobe):
    code, out, err = reluprobe("report", "grid", "--no-figures", "--full")
    words = " ".join(out.split())
    assert (code, err) == (0, "")
    assert "published (said): claims, and no numbers" in words
    assert "of 3 claims, 2 can be said to hold and 1 not to; 0 cannot be told" in words
    assert "sgd: no such run in this sweep" in words
    assert "published beside ours" not in words
    assert "Adam kills more (dead, adam − momentum)" in words
    assert "Somebody: adam: Adam kills half (dead)" in words
    assert "adam: the dead grow (dead, slope over phases)" in words
    assert max(map(len, out.splitlines())) <= 80
    short = " ".join(reluprobe("report", "grid", "--no-figures")[1].split())
    assert "of 3 published with said 2 hold, 1 does not" in short


def test_brackets_in_what_somebody_said_are_no_markup(swept, reluprobe):
    claim = {"text": "dead: 5 [red]points[/nope]", "of": "optimizer=adam", "least": 5}
    (swept / "said.json").write_text(text(claim, source="A [et al.]"))
    code, out, err = reluprobe("report", "grid", "--no-figures", "--full")
    words = " ".join(out.split())
    assert (code, err) == (0, "")
    assert "adam: dead: 5 [red]points[/nope] (dead)" in words


def test_json_page_and_library_have_the_same(swept, reluprobe):
    (sweep,) = json.loads(reluprobe("report", "grid", "--json")[1])["sweeps"]
    made = sweep["reference"]
    first, second, third = made["claims"]
    assert [claim["verdict"] for claim in made["claims"]] == VERDICTS
    assert [first["over"], first["activation"], first["high"]] == ["pairs", None, None]
    assert first["written"]["more"] == "optimizer=adam" and "layer" not in first["written"]
    assert first["found"]["mean"] == pytest.approx(0.101)
    assert [second["source"], third["source"]] == ["Somebody", "a paper"]
    assert [one["settings"] for one in made["compared"]] == [
        {"optimizer": "momentum"}, {"optimizer": "adam"},
    ]  # fmt: skip
    assert {one["published_epoch"] for one in made["compared"]} == {None}
    (archive,) = open_all([swept])
    page = on_page(archive, archive.reference)
    assert page["published"] is None
    assert [row[0] for row in page["claims"]["rows"]] == VERDICTS
    table = rp.load(swept).claims().to_pylist()
    assert [row["verdict"] for row in table] == VERDICTS
    assert table[0]["measured"] == first["found"]["mean"]
    assert (table[1]["true_from"], table[1]["true_to"]) == (0.5, None)


def test_figures_have_claims_and_say_that_there_are_no_numbers(swept):
    results = rp.load(swept)
    assert "of 3" not in results.figure("claims").alt
    assert "Adam kills more" in results.figure("claims").alt
    with pytest.raises(rp.ReluprobeError, match="claims, and no numbers"):
        results.figure("published")


def test_a_sweep_without_a_reference_has_no_claims(swept):
    (swept / "sweep.toml").unlink()
    assert rp.load(swept).claims().num_rows == 0


def test_where_no_run_is_claimed_of_nothing_is_judged(swept, reluprobe):
    (swept / "said.json").write_text(text(CLAIMS[-1]))
    code, out, _ = reluprobe("report", "grid", "--no-figures", "--full")
    words = " ".join(out.split())
    assert code == 0 and "sgd: no such run in this sweep" in words and "of 1 claim" not in words
    (archive,) = open_all([swept])
    compared = replication.compare(archive.records, archive.reference)
    assert any("no such run" in line.plain for line in claims_table.heading(compared))
