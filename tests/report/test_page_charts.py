"""The page's figures in a real headless Chromium: values filter all of them and the table."""

from __future__ import annotations

import re

import pytest
from test_page_browser import chromium, playwright  # noqa: F401

import figure_runs
from reluprobe.report import figures, page
from reluprobe.report.figures import pipeline

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

HOSTILE = "</script><b onclick='x'>\\\""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A page of two figures; a value of its sweep means ill."""
    archive = figure_runs.archive(figure_runs.sweep(seeds=2))
    drawn = figures.drawn(archive, only=["training", "definitions"])
    shown = [(d, files and files["svg"]) for d, files in pipeline.rendered(drawn, ["svg"])]
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page.html(page.model(archive, figures=shown)), encoding="utf-8")
    return path


@pytest.fixture
def opened(chromium, file):  # noqa: F811
    """The page; whatever it complained of or asked for fails the test."""
    shown = chromium.new_page(viewport={"width": 1280, "height": 900})
    complaints, asked = [], []
    shown.on("console", lambda message: complaints.append(message.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(file.as_uri())
    for name in ("training", "definitions"):
        place = shown.locator(f'[data-figure="{name}"]')
        place.scroll_into_view_if_needed()
        place.locator(".chart svg").wait_for()
    yield shown
    shown.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]


def lines(shown, name):
    """How many lines a figure draws."""
    return shown.locator(f'[data-figure="{name}"] .mark-line path[d]').count()


def counted(shown):
    return shown.locator("#count").inner_text()


def test_a_value_s_button_filters_every_figure_and_the_table(opened):
    before = {name: lines(opened, name) for name in ("training", "definitions")}
    button = opened.get_by_role("group", name="lr").get_by_role("button", name="1e-3")
    button.focus()
    opened.keyboard.press("Space")
    assert button.get_attribute("aria-pressed") == "false"
    opened.wait_for_timeout(200)
    assert {name: 2 * lines(opened, name) for name in before} == before
    assert counted(opened) == "2 of 4 shown"
    opened.get_by_role("button", name="show all").click()
    opened.wait_for_timeout(200)
    assert {name: lines(opened, name) for name in before} == before
    assert counted(opened) == "4 of 4 shown"


def test_an_entry_of_a_legend_is_its_value_s_button(opened):
    before = lines(opened, "definitions")
    opened.locator('[data-figure="training"] .role-legend-label text').first.click()
    opened.wait_for_timeout(200)
    assert opened.locator("button[data-field][aria-pressed=false]").count() == 1
    assert lines(opened, "definitions") == before / 2
    assert counted(opened) == "2 of 4 shown"


def test_the_last_value_of_a_setting_cannot_be_taken_away(opened):
    group = opened.get_by_role("group", name="activation")
    for button in group.get_by_role("button").all():
        button.click()
    assert counted(opened) == "4 of 4 shown"


def test_a_word_means_a_whole_value(chromium, tmp_path):  # noqa: F811
    runs = [figure_runs.record(activation=name) for name in ("relu", "leaky_relu", "relu6")]
    file = tmp_path / "report.html"
    file.write_text(page.html(page.model(figure_runs.archive(runs))), encoding="utf-8")
    shown = chromium.new_page()
    shown.goto(file.as_uri())
    field = shown.get_by_label("Configurations with")
    kept = {}
    for word in ("relu", "rel", "leaky", "5"):
        field.fill(word)
        kept[word] = shown.locator("#table tbody tr:visible th").all_inner_texts()
    shown.close()
    assert kept["relu"] == ["relu"]
    assert kept["rel"] == ["relu", "relu6"]
    assert kept["leaky"] == ["leaky_relu"]
    assert kept["5"] == []


def test_without_javascript_pictures_and_table_are_there(chromium, file):  # noqa: F811
    context = chromium.new_context(java_script_enabled=False)
    shown = context.new_page()
    shown.goto(file.as_uri())
    assert shown.locator("figure svg").count() == 2
    assert shown.locator("#table tbody tr").count() == 4
    assert not shown.locator("#choices").is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chart_has_the_reader_s_colours(chromium, file, scheme):  # noqa: F811
    context = chromium.new_context(color_scheme=scheme)
    shown = context.new_page()
    shown.goto(file.as_uri())
    place = shown.locator('[data-figure="training"]')
    place.scroll_into_view_if_needed()
    place.locator(".chart svg").wait_for()
    inks = set(re.findall(r'fill="(#[0-9a-f]{6})"', place.inner_html()))
    context.close()
    assert ("#1a1a1a" in inks) == (scheme == "light")
    assert ("#e8e8e8" in inks) == (scheme == "dark")


def test_a_phone_scrolls_one_way_with_charts_too(chromium, file):  # noqa: F811
    shown = chromium.new_page(viewport={"width": 390, "height": 800})
    shown.goto(file.as_uri())
    place = shown.locator('[data-figure="training"]')
    place.scroll_into_view_if_needed()
    place.locator(".chart svg").wait_for()
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    shown.close()
