import dataclasses
import io
import json
import math
import sys
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from reluprobe import archive, claims, claims_table, cli, grid, occupy, published, records, summary
from reluprobe.claims import Verdict
from reluprobe.config import load_reference, make_run, parse_sweep, read_sweep, sweep_toml
from reluprobe.errors import InputError
from reluprobe.grid import make
from reluprobe.records import SCHEMA, EpochRecord, LayerRecord, ProbeRecord, RunRecord, SampleRecord

STUDY = load_reference("mnist_study")
#: Near what the study printed after epoch 12, in [0, 1].
RELU = (0.27, 0.12, 0.35, 0.45, 0.70)


def record(dead=RELU, never=None, accuracy=0.975, status="ok", epochs=12, **settings):
    """A run whose layers have these shares from epoch 1 on, and none before."""
    config = make_run({"depth": len(dead), "epochs": epochs, **settings})
    run = make(config)

    def layer(epoch, d, n):
        d, n = (d, n) if epoch else (0.0, 0.0)
        mask = np.arange(config.width) < round(d * config.width)
        return LayerRecord(config.width, d, d, n, d, d, None, np.packbits(mask).tobytes().hex())

    history = tuple(
        EpochRecord(
            e, None, None, 0.1, accuracy,
            tuple(layer(e, d, n) for d, n in zip(dead, never or dead, strict=True)),
        )
        for e in range(epochs + 1)
    )  # fmt: skip
    return RunRecord(
        SCHEMA,
        run.id, config, status, {"device": "cpu", "devices": 2, "jax": "0"}, 1.0,
        ProbeRecord("train", 1000), history,
    )  # fmt: skip


def seeds(n=5, spread=0.002, **settings):
    """Runs about the same numbers, a little apart."""
    dead = settings.pop("dead", RELU)
    moved = [spread * (s - (n - 1) / 2) for s in range(n)]
    return [
        record(tuple(max(0.0, d + m) for d in dead), seed=s, **settings)
        for s, m in enumerate(moved)
    ]


def text(shown, width=120):
    console = Console(width=width, record=True, file=io.StringIO())
    for part in shown if isinstance(shown, list) else [shown]:
        console.print(part)
    return console.export_text()


# The published record


def test_the_shipped_record_is_what_the_study_printed():
    last = STUDY.runs["relu"][-1]
    assert (last.epoch, last.layers[0], last.layers[4]) == (12, 27.73, 65.62)
    assert {name: len(epochs) for name, epochs in STUDY.runs.items()} == {
        "relu": 12, "leaky_relu": 12, "elu": 12,
    }  # fmt: skip
    assert STUDY.runs["elu"][0].layers == (1.17, 0.0, 0.0, 3.12, 6.25)
    assert STUDY.runs["leaky_relu"][11].test_accuracy == 0.9746
    assert (STUDY.name, STUDY.definition) == ("mnist_study", "never_positive")


def test_the_default_run_is_the_protocols_and_what_cannot_be_compared_is_named():
    found = published.compare([record()], STUDY)
    assert found.chosen["relu"].differences == ()
    assert STUDY.unchecked() == ["last_partial_batch"]
    other = published.compare([record(pixels="centred", adam_epsilon=1e-8)], STUDY)
    assert other.chosen["relu"].differences == (
        "adam epsilon 1e-08 instead of 1e-07", "pixels centred instead of unit",
    )  # fmt: skip


# In a sweep file


def faults(written, folder):
    with pytest.raises(InputError) as caught:
        parse_sweep({"reference": written}, folder=folder)
    assert caught.value.exit_code == 2
    return caught.value.faults


def test_a_name_stays_a_name_and_a_path_starts_at_the_sweep_file(tmp_path):
    assert parse_sweep({"reference": "mnist_study"}).reference == "mnist_study"
    shipped = resources.files("reluprobe") / "references" / "mnist_study.json"
    (tmp_path / "mine.json").write_text(shipped.read_text())
    (tmp_path / "grid.toml").write_text('reference = "mine.json"')
    sweep = read_sweep(tmp_path / "grid.toml")
    assert sweep.reference == str(tmp_path / "mine.json")
    assert load_reference(sweep.reference) == dataclasses.replace(STUDY, name="mine")
    (tmp_path / "again.toml").write_text(sweep_toml(sweep))
    assert read_sweep(tmp_path / "again.toml").reference == sweep.reference
    assert "reference" not in sweep_toml(parse_sweep({}))


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("mnist_studdy", "did you mean 'mnist_study'?"),
        (3, "reference = 3: allowed is mnist_study, or the path of a .json file"),
        ("mnie.json", "did you mean 'mine.json'?"),
    ],
)
def test_a_reference_that_is_not_there_is_named_with_the_nearest(tmp_path, written, part):
    (tmp_path / "mine.json").write_text("{}")
    assert any(part in f for f in faults(written, tmp_path))


def broken(**changes):
    written = {
        "source": "a paper", "criterion": "z <= 0", "protocol": {"epochs": 2},
        "runs": {"relu": [{"epoch": 1, "layers": [10.0]}]},
    }  # fmt: skip
    return json.dumps(written | changes)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("{", "is not JSON"),
        ("[]", "is a list; allowed is an object"),
        (broken(runs={}), "runs: "),
        (broken(runs={"relu": [{"epoch": 1, "layers": [101.0]}]}), "relu.0.layers.0"),
        (broken(runs={"relu": [{"epoch": 1, "layers": []}]}), "relu.0.layers"),
        (broken(runs={"relu": [{"epoch": 1}]}), "relu.0.layers: Field required"),
        (broken(runs={"rleu": [{"epoch": 1, "layers": [1.0]}]}), "did you mean 'relu'?"),
        (broken(definition="ded"), "did you mean 'dead'?"),
        (broken(protocol={"epochs": "many"}), "epochs = 'many': allowed is an integer"),
        (broken(sources="two"), "sources"),
    ],
)
def test_a_broken_reference_is_named_with_its_fault(tmp_path, content, part):
    (tmp_path / "mine.json").write_text(content)
    found = faults("mine.json", tmp_path)
    assert all(str(tmp_path / "mine.json") in f for f in found)
    assert any(part in f for f in found), found


# Beside ours


def test_a_prediction_is_wider_than_the_interval_of_the_mean_by_the_root_of_n_plus_1():
    values = [0.1, 0.4, 0.35, 0.2]
    found, mean = published.predict([*values, None]), summary.estimate(values)
    assert found.mean == mean.mean
    assert (found.high - found.low) / 2 == pytest.approx(mean.half_width * math.sqrt(5))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_a_prediction_holds_the_interval_of_the_mean(values):
    found, mean = published.predict(values), summary.estimate(values)
    assert found.low <= mean.mean - mean.half_width + 1e-12
    assert found.high >= mean.mean + mean.half_width - 1e-12


def test_a_prediction_covers_one_new_value_95_percent_of_the_time():
    rng = np.random.default_rng(0)
    draws = rng.normal(3, 2, size=(2000, 6))
    hits = sum(published.predict(draw[:5]).holds(draw[5]) for draw in draws)
    assert abs(hits / 2000 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 2000)


def test_one_run_predicts_nothing_and_none_has_no_prediction():
    assert published.predict([0.5]) == published.Prediction(0.5, None, None, 1)
    assert published.predict([0.5]).holds(0.5) is None
    assert published.predict([None]) is None


def test_published_values_stand_beside_ours_by_the_references_criterion():
    never = (0.27, 0.25, 0.45, 0.59, 0.27)
    runs = seeds(activation="leaky_relu", dead=(0.0,) * 5, never=never)
    rows = published.compare(runs, STUDY).rows
    assert [row.layer for row in rows] == [1, 2, 3, 4, 5, 0, None]
    assert rows[0].published == pytest.approx(0.2695)
    assert rows[0].ours.mean == pytest.approx(0.27)
    assert rows[0].dead.mean < 0.01
    assert rows[5].published == pytest.approx((26.95 + 25.0 + 44.92 + 59.38 + 27.34) / 500)
    assert rows[6].published == 0.9746


def test_inside_and_outside():
    published_layers = tuple(x / 100 for x in STUDY.runs["relu"][-1].layers)
    near = published.compare(seeds(dead=published_layers), STUDY).rows
    far = published.compare(seeds(dead=tuple(x + 0.1 for x in published_layers)), STUDY).rows
    assert [row.inside for row in near[:6]] == [True] * 6
    assert [row.inside for row in far[:6]] == [False] * 6
    assert [row.inside for row in published.compare([record()], STUDY).rows] == [None] * 7


def test_shares_are_predicted_within_0_and_1():
    runs = [record((0.0, 1.0), seed=0, epochs=1), record((0.4, 0.6), seed=1, epochs=1)]
    first, second, *_ = published.compare(runs, STUDY).rows
    assert (first.ours.low, second.ours.high) == (0.0, 1.0)


def test_differences_from_the_protocol_are_named_and_the_common_epoch_is_compared():
    found = published.compare(seeds(epochs=2, learning_rate=0.1), STUDY)
    chosen = found.chosen["relu"]
    assert chosen.differences == (
        "learning rate 0.1 instead of 0.005", "epochs 2 instead of 12",
    )  # fmt: skip
    assert (chosen.epoch, chosen.entry.epoch) == (2, 2)
    shown = text(claims_table.heading(found), 200)
    assert (
        "runs differ from the reference's protocol in: learning rate 0.1 instead of 0.005, "
        "epochs 2 instead of 12"
    ) in shown
    assert "elu: no such run in this sweep" in shown


def test_of_a_grid_the_runs_nearest_the_protocol_are_compared():
    runs = [*seeds(learning_rate=0.1), *seeds(), *seeds(init="he_normal")]
    chosen = published.compare(runs, STUDY).chosen["relu"]
    assert {r.config.learning_rate for r in chosen.runs} == {0.005}
    assert (len(chosen.runs), chosen.left_out, chosen.differences) == (5, 10, ())


def test_what_cannot_be_compared_is_skipped_with_a_word():
    lost = dataclasses.replace(record(activation="elu"), status="diverged")
    runs = [record(), record(seed=1, status="diverged"), record(activation="selu"), lost]
    found = published.compare(runs, STUDY)
    assert set(found.chosen) == {"relu"}
    assert set(found.skipped) == {
        "selu: not in the reference",
        "relu: 1 without an end left out",
        "leaky_relu: no such run in this sweep",
        "elu: no run ended with finite numbers",
    }


def test_any_reference_of_the_form_will_do(tmp_path):
    (tmp_path / "mine.json").write_text(broken(definition="dead"))
    mine = load_reference(str(tmp_path / "mine.json"))
    found = published.compare(seeds(dead=(0.1,), depth=1, epochs=2), mine)
    assert [(row.layer, row.inside) for row in found.rows] == [(1, True), (0, True), (None, None)]
    assert claims.judge_all(found) == []
    assert "n/a" in text(claims_table.table(found))


def test_without_a_common_epoch_both_are_named(tmp_path):
    late = {"relu": [{"epoch": 9, "layers": [10.0]}]}
    (tmp_path / "mine.json").write_text(broken(runs=late))
    found = published.compare(seeds(epochs=2), load_reference(str(tmp_path / "mine.json")))
    shown = text(claims_table.heading(found))
    assert "no epoch in common; epoch 9 as published beside epoch 2 of ours" in shown


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
    assert claims.verdict(summary.Estimate(mean, half, 9), 0.25, 0.28) is expected


def test_what_was_not_measured_cannot_be_told():
    assert claims.verdict(None, 0, 1) is Verdict.OPEN


def judged(*runs):
    found = claims.judge_all(published.compare([r for group in runs for r in group], STUDY))
    return {(j.claim.activation, j.claim.source, j.claim.text, j.claim.counted): j for j in found}


def verdict_of(found, words, counted=None, activation="relu"):
    (one,) = [
        j for (act, source, said, by), j in found.items()
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
    found = judged(runs)
    assert verdict_of(found, "stays low", "dead", activation) is Verdict.HOLDS
    assert verdict_of(found, "stays low", "never_positive", activation) is Verdict.FAILS


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


def test_every_claim_has_an_activation_of_its_reference_and_a_range():
    for name, listed in claims.CLAIMS.items():
        reference = load_reference(name)
        assert all(c.activation in reference.runs for c in listed)
        assert all(c.low <= c.high and (c.low, c.high) != (-math.inf, math.inf) for c in listed)


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


@pytest.fixture
def reluprobe(monkeypatch, capsys):
    def run(*args):
        monkeypatch.setattr(sys, "argv", ["reluprobe", *args])
        code = 0
        try:
            cli.main()
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_report_prints_what_was_published_and_claimed(swept, reluprobe):
    code, out, err = reluprobe("report", "study")
    assert (code, err) == (0, "")
    words = " ".join(out.split())
    assert "published beside ours, never_positive % at epoch 12" in words
    assert "relu layer 1 27.7 27.0" in words
    assert "leaky_relu: no such run in this sweep" in words
    assert "of 13 claims" in words
    assert "does not hold" in words
    assert "lives of units" not in words


def test_report_without_a_reference_says_nothing_of_one(swept, reluprobe):
    (swept / "sweep.toml").unlink()
    _, out, _ = reluprobe("report", "study", "--lives")
    assert "published" not in out
    assert "lives of units: 13 probes a run, epochs 0–12" in out
    assert "reference" not in json.loads(reluprobe("report", "study", "--json")[1])["sweeps"][0]


def test_json_holds_the_same(swept, reluprobe):
    (sweep,) = json.loads(reluprobe("report", "study", "--json", "--lives")[1])["sweeps"]
    there = sweep["reference"]
    assert (there["name"], there["definition"]) == ("mnist_study", "never_positive")
    assert there["published"][0]["published"] == pytest.approx(0.2773)
    assert there["compared"][0]["differences"] == []
    verdicts = [c["verdict"] for c in there["claims"]]
    assert len(verdicts) == 13
    assert set(verdicts) <= {v.value for v in Verdict}
    relu, _ = sweep["configurations"]
    assert [layer["revives"]["mean"] for layer in relu["lives"]["layers"]] == [0.0] * 5
    assert relu["collapsed"] == 0
    assert sweep["collapsed"] == []


def test_a_reference_that_is_gone_does_not_hide_the_records(swept, reluprobe):
    plan = (swept / "sweep.toml").read_text().replace('"mnist_study"', '"gone.json"')
    (swept / "sweep.toml").write_text(plan)
    code, out, err = reluprobe("report", "study")
    assert code == 1
    assert "6 runs of mnist" in out
    assert "no such file" in err
    assert archive.open_all([swept])[0].reference is None


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
    claim = occupy.Claim(tmp_path / "results" / "grid", plan, grid.expand(plan).runs)
    with occupy.occupied(claim):
        pass
    records.write(record(epochs=1, seed=42), tmp_path / "results" / "grid")
    (tmp_path / "mine.json").unlink()
    (tmp_path / "results" / "grid").rename(tmp_path / "elsewhere")
    code, out, err = reluprobe("report", "elsewhere")
    assert (code, err) == (0, "")
    assert "published (mine)" in out
    assert "epochs 1 instead of 2" in " ".join(out.split())
