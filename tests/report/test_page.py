"""The page's plain values against runs made by hand; and what its HTML may not hold."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser

import altair as alt
import pytest

import figure_runs
import page_figures
import study_runs
from reluprobe.analysis import aggregate, sorting
from reluprobe.config.choices import DEFINITIONS
from reluprobe.records import write
from reluprobe.report import page
from reluprobe.report.figures import DrawnFigure
from reluprobe.report.page import histories, images, words

HOSTILE = "<img src=x onerror=alert(1)>"
BREAKING = "</script><script>alert(1)</script><!-- boom & 'bust' \\"


def no_charts():
    """The script that draws charts, where nobody looks at them."""
    return "/* charts */"


class Seen(HTMLParser):
    """Every tag with its attributes, every text, and what stands in the JSON."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append((self.tags[-1] if self.tags else None, data))

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def json(self, name):
        text, *_ = [text for at, text in self.texts if at and at[1].get("id") == name]
        return json.loads(text)


def model(records, definition="dead", figures=(), **more):
    return page.model(figure_runs.archive(records, **more), definition, None, figures)


def test_configurations_are_the_summary_with_what_sorts_it():
    table = model(figure_runs.sweep())["table"]
    assert table["names"] == ["activation", "lr"]
    relu = table["rows"][1]
    assert [cell["text"] for cell in relu["names"]] == ["relu", "0.1"]
    assert relu["names"][1]["value"] == 0.1
    # 0.8 of 16 units are 13, and one more with each further seed, but for the last unit.
    shares = [13 / 16, 14 / 16, 15 / 16]
    assert relu["ends"][0]["value"] == pytest.approx(sum(shares) / 3)
    # t = 4.303, s = 1/16: ±15.5, of which no share is above 100%.
    assert relu["ends"][0]["text"] == "87.5 ≥72.0"
    assert relu["ends"][1]["text"].startswith("89.9")
    assert [run["seed"] for run in relu["members"]] == [0, 1, 2]


def test_what_has_no_value_is_sorted_last_and_says_why():
    runs = [figure_runs.record(0.5), figure_runs.record(0.5, "failed", activation="elu")]
    (ended, lost) = model(runs)["table"]["rows"]
    assert ended["fates"] == ["ended"]
    assert lost["fates"] == ["failed"] and lost["runs"] == "1 (1 failed)"
    assert lost["ends"][0] == {"text": "n/a", "value": None}


def test_a_layer_that_a_network_has_not_is_empty():
    runs = [study_runs.record((0.1, 0.2)), study_runs.record((0.3,))]
    deep, shallow = model(runs)["table"]["rows"]
    assert [cell["text"] for cell in deep["layers"]] == ["10.0", "20.0"]
    assert [cell["text"] for cell in shallow["layers"]] == ["30.0", ""]


def test_the_headline_has_accuracy_beside_deadness():
    runs = [
        *(
            study_runs.record((0.0,), accuracy=a, activation=f)
            for a, f in ((0.8, "elu"), (0.9, "gelu"))
        ),
        study_runs.record((0.6,), accuracy=0.7),
        study_runs.record((0.5,), status="failed", activation="tanh"),
    ]
    content = model(runs)
    assert content["headline"] == [
        "dead: gelu 0.0% (accuracy 90.0%), elu 0.0% (80.0%), relu 60.0% (70.0%).",
        "At the end of training, from 0.0% to 60.0% of hidden units are dead, depending on the "
        "configuration; test accuracy is from 70.0% to 90.0%.",
        "Without any dead unit: 2 of 4 configurations.",
        "1 of 4 runs could not be finished (failed) and count in no mean.",
    ]  # fmt: skip
    # Of those without a dead unit the more accurate one; it is the most accurate of all, too.
    assert [(e["title"], e["label"], *e["measures"].values()) for e in content["ends"]] == [
        ("Fewest dead and most accurate", "gelu", "0.0%", "90.0%"),
        ("Most dead", "relu", "60.0%", "70.0%"),
    ]


@pytest.mark.parametrize(
    ("runs", "definition", "said"),
    [
        ([study_runs.record((0.5,), status="failed")], "dead", "No run ended"),
        ([study_runs.record((0.25,), accuracy=0.9)], "dead", "training, 25.0% of hidden units are"),
        ([study_runs.record((0.5,))], "saturated", "“saturated” does not apply"),
        ([study_runs.record((0.5,), (0.75,))], "never_positive", "75.0% of hidden units are never"),
        ([study_runs.record((0.5,), epochs=0)], "dead", "Before training, 0.0%"),
    ],
)
def test_the_headline_of_a_sweep_with_less(runs, definition, said):
    assert said in model(runs, definition)["headline"][0]


def test_histories_have_shares_in_tenths_of_a_percent_and_settings_once():
    runs = [
        study_runs.record((0.123, 0.5), accuracy=0.9876, epochs=1, activation=f)
        for f in ("relu", "elu")
    ]
    content = histories.runs(runs, "dead")
    assert content["settings"]["epochs"] == "1" and "activation" not in content["settings"]
    one = content["runs"][runs[1].id]
    assert one["settings"] == {"activation": "elu"}
    assert content["measures"] == [["test acc %", 1]]
    assert (one["e"], one["q"], one["t"]) == ([0, 1], [[98.8], [98.8]], [0.1, 0.1])
    assert (one["l"], one["d"]) == (["L1", "L2"], [[0, 0], [123, 500]])


def test_long_histories_are_thinned_evenly_ends_and_all(monkeypatch):
    monkeypatch.setattr(histories, "MOST_NUMBERS", 40)
    runs = [study_runs.record((0.5,), epochs=8, seed=s) for s in range(2)]
    one = histories.runs(runs, "dead")["runs"][runs[0].id]
    assert (one["e"], one["of"]) == ([0, 2, 4, 6, 8], 9)


def test_claims_are_told_where_the_sweep_has_a_reference():
    assert model(figure_runs.sweep())["reference"] is None
    reference = model(study_runs.seeds(), reference="mnist_study")["reference"]
    verdicts = {row[3]: row[0] for row in reference["claims"]["rows"]}
    assert verdicts["relu: layer 5: over 65% dead (dead)"] == "holds"
    assert reference["published"]["head"][2:4] == ["published", "our mean"]
    assert reference["published"]["numeric"][2]


def test_every_definition_is_explained():
    assert [d["name"] for d in words.definitions()] == list(DEFINITIONS)
    assert all(d["formula"] and d["whose"] for d in words.definitions())


def test_the_origin_is_that_of_the_records(tmp_path):
    runs = [figure_runs.record(seed=s) for s in range(2)]
    other = {**runs[1].environment, "jax": "9"}
    runs[1] = dataclasses.replace(runs[1], environment=other)
    for run in runs:
        write(run, tmp_path)
    (tmp_path / "sweep.toml").write_text('name = "made"')
    origin = model(runs, "silent", folder=tmp_path)["origin"]
    facts = dict(origin["facts"])
    assert facts["jax"] == "0, 9"
    assert facts["Training and probing took"] == "2.0 s"
    assert f"report {tmp_path} --definition silent" in facts["This page was written by"]
    assert origin["sweep"] == 'name = "made"'


def test_the_most_dead_are_named_as_the_terminal_orders_them():
    runs = [
        study_runs.record((0.6,), accuracy=a, activation=f)
        for a, f in ((0.9, "relu"), (0.8, "elu"), (0.7, "gelu"))
    ]
    ends = model(runs)["ends"]
    rows = aggregate.summarize(runs)
    fewest, most = sorting.extremes(rows, 1)
    named = [fewest[0].settings["activation"], most[0].settings["activation"]]
    assert [e["label"] for e in ends] == named == ["relu", "gelu"]


def test_runs_that_trained_badly_are_named_above_all_figures():
    runs = [
        study_runs.record((0.0,), accuracy=a, activation=f)
        for a, f in ((0.11, "elu"), (0.9, "relu"))
    ]
    said = model(runs)["headline"][-1]
    assert said.startswith("1 of 2 runs trained badly") and "elu · seed 42: accuracy 11.0%" in said


def test_the_table_is_filtered_by_what_configurations_have_not_by_how_they_are_called():
    # Of many settings a configuration is called by its change; a button names a setting's value.
    changes = [
        {},
        {"l2": 0.1},
        {"dropout": 0.2},
        {"depth": 3},
        {"width": 8},
        {"momentum": 0.5},
        {"batch_size": 7},
    ]
    runs = [figure_runs.record(optimizer="sgd", **change) for change in changes]
    content = model(runs)
    assert content["table"]["names"] == ["change"]
    fields = {axis["field"]: axis["values"] for axis in content["axes"]}
    for row in content["table"]["rows"]:
        assert set(row["settings"]) == set(fields)
        assert all(value in fields[field] for field, value in row["settings"].items())


def test_a_setting_of_very_many_values_has_no_buttons():
    runs = [
        figure_runs.record(activation=f, l2=n / 100) for f in ("relu", "elu") for n in range(30)
    ]
    content = model(runs)
    assert [axis["field"] for axis in content["choices"]] == ["activation"]
    assert {len(axis["values"]) for axis in content["axes"]} == {2, 30}


def test_figures_that_answer_come_before_the_table_and_the_others_after(tmp_path):
    runs = figure_runs.sweep(seeds=1)
    other = dataclasses.replace(page_figures.by_activation(runs), name="training")
    shown = [page_figures.with_picture(f) for f in (other, page_figures.by_rate(runs))]
    text = page.html(model(runs, figures=shown), no_charts)
    order = [
        text.index(f'id="{name}"')
        for name in (
            "headline",
            "choices",
            "figure-learning_rate",
            "table",
            "figure-training",
            "definitions",
            "origin",
        )
    ]
    assert order == sorted(order)


@pytest.fixture(scope="module")
def hostile():
    """A page of a sweep whose every text means ill."""
    runs = [
        figure_runs.record(0.5),
        dataclasses.replace(figure_runs.record(0.5, "failed", seed=1), error=BREAKING),
    ]
    swept = dataclasses.replace(figure_runs.archive(runs), name=HOSTILE, faults=(BREAKING,))
    rows = [{BREAKING: HOSTILE, "value": 1, "setting": value} for value in (BREAKING, HOSTILE, '"')]
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_point()
        .encode(x=alt.X("value:Q", title=BREAKING), color=alt.Color("setting:N", title=HOSTILE))
    )
    figure = DrawnFigure("one", HOSTILE, BREAKING, '" onload="alert(1)', chart)
    shown = [
        page_figures.with_picture(figure),
        (DrawnFigure("none", HOSTILE, skipped=HOSTILE), None),
    ]
    return page.html(page.model(swept, figures=shown), no_charts), runs, figure


def test_text_stays_text(hostile):
    text, runs, figure = hostile
    seen = Seen(text)
    assert seen.of("img") == [] and [a for a in seen.of("script") if "type" not in a] == [{}, {}]
    assert not any("onload" in a or "onerror" in a for _, a in seen.tags)
    assert (("h1", {}), HOSTILE) in seen.texts
    assert seen.json("runs")["runs"][runs[1].id]["status"] == f"failed: {BREAKING}"
    assert seen.json("spec-one") == {k: v for k, v in figure.spec.items() if k != "config"}
    assert "<!--" not in text


def test_only_the_scripts_of_the_page_may_run_and_nothing_may_be_evaluated(hostile):
    seen = Seen(hostile[0])
    (policy,) = [a["content"] for a in seen.of("meta") if "http-equiv" in a]
    assert policy.startswith("default-src 'none'") and "unsafe-eval" not in policy
    scripts = re.findall("<script>(.*?)</script>", hostile[0], re.S)
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert re.findall("'sha256-([^']+)'", policy) == digests and len(digests) == 2


def test_nothing_outside_the_page_is_asked_for(hostile):
    seen = Seen(hostile[0])
    asked = [v for _, a in seen.tags for k, v in a.items() if k in ("src", "href", "xlink:href")]
    assert asked and all(v.startswith(("#", "data:")) for v in asked)
    # The grammar of a chart is called by a URL, which nobody opens.
    named = {*re.findall(r"https?://[^\s\"'<]+", hostile[0])}
    assert named <= {alt.SCHEMA_URL, alt.SCHEMA_URL.rsplit("/", 1)[0]} | {
        "http://www.w3.org/2000/svg"
    }


def test_every_reference_within_the_page_has_its_target(hostile):
    seen = Seen(hostile[0])
    ids = [a["id"] for _, a in seen.tags if "id" in a]
    assert len(ids) == len(set(ids))
    keys = ("aria-labelledby", "aria-controls")
    wanted = [a[k] for _, a in seen.tags for k in keys if k in a]
    wanted += [a["href"][1:] for a in seen.of("a")]
    assert set(wanted) <= set(ids)


def test_a_figure_becomes_a_part_of_the_page(hostile):
    seen = Seen(hostile[0])
    (figure,) = seen.of("svg")
    assert re.fullmatch(r"width:[\d.]+rem;min-width:[\d.]+rem", figure["style"])
    assert not {"xmlns", "width", "height"} & set(figure)
    # The page is its paper, whatever the scheme.
    assert (
        'fill="#ffffff"' not in re.search("<svg.*?</svg>", hostile[0], re.S)[0].split("</style>")[1]
    )


def test_places_are_rounded_and_other_numbers_are_not():
    drawn = b"""<?xml version="1.0"?>
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="200pt" height="100pt" \
viewBox="0 0 200 100" xmlns="http://www.w3.org/2000/svg">
<path d="M 1.23456 2.5" style="stroke-width: 0.123456"/><text>0.123456</text></svg>"""
    seen = Seen(str(images.inline(drawn)))
    assert seen.of("path") == [{"d": "M 1.2 2.5", "style": "stroke-width: 0.123456"}]
    assert "0.123456</text>" in images.inline(drawn)
