"""Claims from the literature: verdicts follow from the runs, and ``report`` prints them."""

from __future__ import annotations

import dataclasses
import json

import pytest

from reluprobe import records
from reluprobe.analysis import aggregate, claims, replication
from reluprobe.analysis.claims import Verdict
from reluprobe.config import parse_sweep, sweep_toml
from reluprobe.plan.runs import expand
from reluprobe.records import SampleRecord
from reluprobe.records.folder import open_all
from reluprobe.records.ownership import Claim, occupied
from study_runs import RELU, STUDY, broken, record, seeds

# Claims


@pytest.mark.parametrize(
    ("mean", "half", "expected"),
    [
        (0.27, 0.01, Verdict.HOLDS), (0.265, 0.014, Verdict.HOLDS), (0.27, 0.03, Verdict.OPEN),
        (0.24, 0.02, Verdict.OPEN), (0.22, 0.02, Verdict.FAILS), (0.35, 0.02, Verdict.FAILS),
        (0.27, None, Verdict.OPEN),
    ],
)  # fmt: skip
def test_a_verdict_is_where_the_interval_lies(mean, half, expected):
    low, high = (None, None) if half is None else (mean - half, mean + half)
    estimate = aggregate.Estimate(mean, half, 9, low, high)
    assert claims.verdict(estimate, 0.25, 0.28) is expected


def test_what_was_not_measured_cannot_be_told():
    assert claims.verdict(None, 0, 1) is Verdict.OPEN


def judged(*runs):
    every = claims.judge_all(replication.compare([r for group in runs for r in group], STUDY))
    return {(j.activation, j.source, j.claim.text, j.claim.counted): j for j in every}


def verdict_of(by_claim, words, counted=None, activation="relu"):
    (one,) = [
        j for (act, source, said, by), j in by_claim.items()
        if words in f"{source} {said}" and act == activation and counted in (None, by)
    ]  # fmt: skip
    return one.verdict


def moved(layer, to):
    return tuple(to if i == layer - 1 else d for i, d in enumerate(RELU))


@pytest.mark.parametrize(
    ("words", "true", "false"),
    [
        ("layer 1: 25", {"dead": moved(1, 0.265)}, {"dead": moved(1, 0.30)}),
        ("layer 5: over 65", {"dead": moved(5, 0.70)}, {"dead": moved(5, 0.60)}),
        ("mean near 40", {"dead": (0.4,) * 5}, {"dead": (0.5,) * 5}),
        ("test accuracy", {"accuracy": 0.97}, {"accuracy": 0.99}),
        ("dead by epoch 1", {"dead": (0.15,) * 5}, {"dead": (0.05,) * 5}),
        ("each layer", {"dead": (0.1, 0.2, 0.3, 0.4, 0.5)}, {"dead": RELU}),
        ("layer 5 has more", {"dead": RELU}, {"dead": moved(5, 0.1)}),
        ("counted on the probe", {"dead": (0.45,) * 5}, {"dead": (0.35,) * 5}),
    ],
)
def test_a_verdict_flips_when_the_numbers_move(words, true, false):
    assert verdict_of(judged(seeds(**true)), words) is Verdict.HOLDS
    assert verdict_of(judged(seeds(**false)), words) is Verdict.FAILS


@pytest.mark.parametrize(("share", "verdict"), [(0.2, Verdict.FAILS), (0.5, Verdict.HOLDS)])
def test_what_cs231n_says_of_the_training_set_is_judged_there(share, verdict):
    words = "counted on the training set"
    runs = seeds(dead=(0.45,) * 5)
    assert verdict_of(judged(runs), words) is Verdict.OPEN
    layers = tuple(dataclasses.replace(run, dead=share) for run in runs[0].final.layers)
    sample = SampleRecord("train", 60_000, 0.1, 0.9, layers)
    looked = [dataclasses.replace(run, samples=(sample,)) for run in runs]
    assert verdict_of(judged(looked), words) is verdict


@pytest.mark.parametrize("activation", ["leaky_relu", "elu"])
def test_staying_low_depends_on_who_counts(activation):
    runs = seeds(activation=activation, dead=(0.0,) * 5, never=(0.5,) * 5)
    by_claim = judged(runs)
    assert verdict_of(by_claim, "stays low", "dead", activation) is Verdict.HOLDS
    assert verdict_of(by_claim, "stays low", "never_positive", activation) is Verdict.FAILS


def test_no_recovery_is_decided_by_the_masks():
    runs = seeds()
    assert verdict_of(judged(runs), "no recovery") is Verdict.HOLDS
    back = [_revived(run) for run in runs]
    assert verdict_of(judged(back), "no recovery") is Verdict.FAILS
    assert verdict_of(judged(seeds(dead=(0.0,) * 5, spread=0)), "no recovery") is Verdict.OPEN


def _revived(run):
    """The same run, but for one probe at which no unit is dead."""
    none = tuple(dataclasses.replace(x, dead_units="00" * 32) for x in run.history[5].layers)
    epoch = dataclasses.replace(run.history[5], layers=none)
    return dataclasses.replace(run, history=(*run.history[:5], epoch, *run.history[6:]))


def test_one_seed_decides_nothing_and_a_missing_layer_has_no_number():
    assert {j.verdict for j in judged([record()]).values()} == {Verdict.OPEN}
    shallow = judged(seeds(dead=(0.27, 0.3)))
    assert verdict_of(shallow, "layer 5: over") is Verdict.OPEN
    assert verdict_of(shallow, "layer 5 has more") is Verdict.OPEN


def test_every_claim_of_the_study_is_of_an_activation_that_it_ran():
    assert len(STUDY.claims) == 16
    assert {claim.of for claim in STUDY.claims} == {"relu", "leaky_relu", "elu"}
    assert {claim.source for claim in STUDY.claims} == {"", "CS231n"}


# The command line


@pytest.fixture
def swept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    written = {"reference": "mnist_study", "seeds": 3, "grid": {"activation": ["relu", "elu"]}}
    sweep = parse_sweep(written, name="study")
    for activation in ("relu", "elu"):
        for run in seeds(3, activation=activation):
            records.write(run, tmp_path / "study")
    (tmp_path / "study" / "sweep.toml").write_text(sweep_toml(sweep))
    return tmp_path / "study"


def test_report_prints_what_was_published_and_claimed(swept, reluprobe):
    code, out, err = reluprobe("report", "study", "--no-figures", "--full")
    assert (code, err) == (0, "")
    words = " ".join(out.split())
    assert "published beside ours, never_positive % at epoch 12" in words
    assert "relu layer 1 27.7 27.0" in words
    assert "leaky_relu: no such run in this sweep" in words
    assert "of 13 claims" in words
    assert "does not hold" in words
    assert "lives of units" not in words


def test_a_record_without_claims_has_its_numbers_and_no_verdict(tmp_path, monkeypatch, reluprobe):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    written = {"reference": "tutorial", "seeds": 3, "base": {"width": [128, 64, 32], "epochs": 5}}
    sweep = parse_sweep(written | {"grid": {"learning_rate": [0.1]}}, name="study")
    dead = (0.95, 0.9, 0.9)
    for run in seeds(3, dead=dead, width="128-64-32", epochs=5, learning_rate=0.1, accuracy=0.3):
        records.write(run, tmp_path / "study")
    (tmp_path / "study" / "sweep.toml").write_text(sweep_toml(sweep))
    words = " ".join(reluprobe("report", "study", "--no-figures")[1].split())
    # A new seed's layer 2 ends at 90.99%, short of 91 to 100; all seeds have one accuracy.
    assert "published 3 of 4 values (tutorial) lie in a new seed's interval" in words
    assert "claims" not in words
    full = " ".join(reluprobe("report", "study", "--no-figures", "--full")[1].split())
    assert "lr 0.1 layer 1 94.0–97.0 95.0" in full
    assert "claim" not in full and "lr 0.5: no such run in this sweep" in full
    (made,) = json.loads(reluprobe("report", "study", "--json")[1])["sweeps"]
    reference = made["reference"]
    first = reference["published"][0]
    assert (first["activation"], first["settings"]) == (None, {"learning_rate": 0.1})
    assert first["published"] == [0.94, 0.97]
    assert reference["compared"][0]["settings"] == {"learning_rate": 0.1}
    assert reference["claims"] == []


def test_report_without_a_reference_says_nothing_of_one(swept, reluprobe):
    (swept / "sweep.toml").unlink()
    _, out, _ = reluprobe("report", "study", "--no-figures", "--lives")
    assert "published" not in out
    assert "lives of units: 13 probes a run, epochs 0–12" in out
    assert "reference" not in json.loads(reluprobe("report", "study", "--json")[1])["sweeps"][0]


def test_json_holds_the_same(swept, reluprobe):
    (sweep,) = json.loads(reluprobe("report", "study", "--json", "--lives")[1])["sweeps"]
    reference = sweep["reference"]
    assert (reference["name"], reference["definition"]) == ("mnist_study", "never_positive")
    assert reference["published"][0]["published"] == pytest.approx(0.2773)
    assert reference["compared"][0]["differences"] == []
    verdicts = [c["verdict"] for c in reference["claims"]]
    assert len(verdicts) == 13
    assert set(verdicts) <= {v.value for v in Verdict}
    relu, _ = sweep["configurations"]
    assert [layer["revives"]["mean"] for layer in relu["lives"]["layers"]] == [0.0] * 5
    assert relu["collapsed"] == 0
    assert sweep["collapsed"] == []


def test_a_reference_that_is_gone_does_not_hide_the_records(swept, reluprobe):
    plan = (swept / "sweep.toml").read_text().replace('"mnist_study"', '"gone.json"')
    (swept / "sweep.toml").write_text(plan)
    code, out, err = reluprobe("report", "study", "--no-figures", "--full")
    assert code == 1
    assert "6 runs of mnist" in out
    assert "no such file" in err
    assert open_all([swept])[0].reference is None


def test_a_bad_reference_is_exit_code_2_with_the_nearest(tmp_path, monkeypatch, reluprobe):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").write_text('reference = "mnist_stdy"\n')
    code, _, err = reluprobe("sweep", "grid.toml", "--dry-run")
    assert code == 2
    assert "did you mean 'mnist_study'?" in " ".join(err.split())


def test_a_reference_file_goes_with_the_results(tmp_path, monkeypatch, reluprobe):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.json").write_text(broken())
    plan = parse_sweep({"reference": "mine.json", "base": {"epochs": 1}}, name="grid")
    claim = Claim(tmp_path / "results" / "grid", plan, expand(plan).runs)
    with occupied(claim):
        pass
    records.write(record(epochs=1, seed=42), tmp_path / "results" / "grid")
    (tmp_path / "mine.json").unlink()
    (tmp_path / "results" / "grid").rename(tmp_path / "elsewhere")
    code, out, err = reluprobe("report", "elsewhere", "--no-figures", "--full")
    assert (code, err) == (0, "")
    assert "published (mine)" in out
    assert "epochs 1 instead of 2" in " ".join(out.split())
