"""The page in a real headless Chromium: it sorts, filters and opens runs, by keyboard too."""

from __future__ import annotations

import dataclasses
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

import figure_runs
import page_figures
from reluprobe.report import page

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs a headless Chromium: playwright is not installed"
)
pytestmark = [
    pytest.mark.browser,
    # Playwright's own event loop is closed when Python ends, not before.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

HOSTILE = "<img src=x onerror=alert(1)>"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


def made():
    """Two activations at two rates, one run of which failed; by no means well named."""
    runs = [
        figure_runs.record(dead, activation=a, learning_rate=rate, seed=seed)
        for a, dead in (("relu", 0.4), ("leaky_relu", 0.2))
        for rate in (1e-3, 1e-1)
        for seed in range(2)
    ]
    runs[0] = dataclasses.replace(runs[0], status="failed", error=HOSTILE)
    return dataclasses.replace(figure_runs.archive(runs), name=HOSTILE)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The page of it, with a figure that follows all settings, and one that folds the rate."""
    sweep = made()
    relu = [run for run in sweep.records if run.config.activation == "relu"]
    drawn = (
        page_figures.by_activation(sweep.records),
        page_figures.by_rate(sweep.records, HOSTILE),
        dataclasses.replace(page_figures.by_rate(relu), name="training"),
    )
    model = page.model(sweep, figures=[page_figures.with_picture(figure) for figure in drawn])
    with ThreadPoolExecutor(1) as pool:
        text = page.html(model, page.charts_script(pool))
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        if CHROMIUM is None and not shutil.which(driver.chromium.executable_path):
            pytest.skip("needs a headless Chromium: there is none")
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, written):
    """Opens the page; whatever it complained of or asked for fails the test."""
    complaints, asked, contexts = [], [], []

    def opened(width=1280, **how):
        contexts.append(chromium.new_context(viewport={"width": width, "height": 800}, **how))
        shown = contexts[-1].new_page()
        shown.on("console", lambda message: complaints.append(message.text))
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        shown.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(written.as_uri())
        return shown

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert {url for url in asked if not url.startswith("data:")} == {written.as_uri()}


@pytest.fixture
def opened(open_page):
    """The page on a screen."""
    return open_page()


@pytest.fixture
def alive(opened):
    """The page, once its figures answer."""
    for name in ("effects", "learning_rate", "training"):
        opened.locator(f"[data-figure={name}]").scroll_into_view_if_needed()
        opened.locator(f"[data-figure={name}] .chart svg").wait_for()
    return opened


def column(shown, number):
    """The texts of a column's cells in the rows that are seen, from the top."""
    return shown.locator(f"#table tbody tr:visible > :nth-child({number})").all_inner_texts()


def sorts(shown):
    heads = shown.locator("#table thead th[aria-sort]")
    return {
        text.strip(): order
        for text, order in zip(
            heads.all_inner_texts(),
            heads.evaluate_all("heads => heads.map((head) => head.ariaSort)"),
            strict=True,
        )
        if order != "none"
    }


def test_headings_sort_up_down_and_back(opened):
    dead = opened.get_by_role("button", name="dead %", exact=True)
    before = column(opened, 4)
    assert len(before) == 4
    # By keys: a figure that is drawn as it comes into view may move the heading from under a mouse.
    dead.press("Enter")
    assert sorts(opened) == {"dead %": "ascending"}
    up = [float(re.split(" ", text)[0]) for text in column(opened, 4)]
    assert up == sorted(up) and up != [float(text.split()[0]) for text in before]
    dead.press("Enter")
    assert [float(text.split()[0]) for text in column(opened, 4)] == up[::-1]
    dead.press("Space")
    assert sorts(opened) == {} and column(opened, 4) == before


def test_rates_are_sorted_as_numbers_and_names_as_words(opened):
    opened.get_by_role("button", name="lr", exact=True).press("Enter")
    assert column(opened, 3) == ["1e-3", "1e-3", "0.1", "0.1"]
    opened.get_by_role("button", name="activation", exact=True).press("Enter")
    assert column(opened, 2) == ["leaky_relu", "leaky_relu", "relu", "relu"]


def test_words_and_ends_filter_and_the_count_is_told(opened):
    field = opened.get_by_label("Configurations with")
    field.focus()
    opened.keyboard.type("relu 0.1")
    assert (column(opened, 2), column(opened, 3)) == (["relu"], ["0.1"])
    assert opened.locator("output.count").inner_text() == "1 of 4 configurations shown"
    field.fill("")
    opened.get_by_role("combobox", name="Runs").select_option("failed")
    assert (column(opened, 2), column(opened, 3)) == (["relu"], ["1e-3"])
    opened.get_by_role("combobox", name="Runs").select_option("ended")
    assert len(column(opened, 2)) == 3


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("relu", ["relu"] * 2),  # and no leaky_relu
        ("leaky", ["leaky_relu"] * 2),
        ("lr 0.001", ["relu", "leaky_relu"]),
        ("learning_rate=1e-3 relu", ["relu"]),
        ("activation 0.1", []),
        ("0.10", ["relu", "leaky_relu"]),
    ],
)
def test_a_word_is_a_whole_value_of_the_setting_before_it(opened, words, kept):
    opened.get_by_label("Configurations with").fill(words)
    assert column(opened, 2) == kept


LINES = "[data-figure=learning_rate] .mark-line path"
BARS = "[data-figure=effects] .mark-rect.role-mark path"
DOTS = "[data-figure=learning_rate] .mark-symbol.role-mark path"


def pressed(shown):
    return shown.locator("button[aria-pressed=true]").all_inner_texts()


def test_a_values_button_filters_all_figures_and_the_table(alive):
    assert (alive.locator(LINES).count(), alive.locator(BARS).count()) == (2, 2)
    alive.get_by_role("button", name="leaky_relu", exact=True).click()
    playwright.expect(alive.locator(LINES)).to_have_count(1)
    playwright.expect(alive.locator(BARS)).to_have_count(1)
    assert column(alive, 2) == ["leaky_relu"] * 2 and pressed(alive) == ["leaky_relu"]
    alive.get_by_role("button", name="show all").click()
    playwright.expect(alive.locator(LINES)).to_have_count(2)
    assert pressed(alive) == [] and len(column(alive, 2)) == 4


def test_values_are_chosen_by_keyboard_and_all_of_them_are_none(alive):
    (first, second) = (alive.get_by_role("button", name=n, exact=True) for n in ("1e-3", "0.1"))
    first.focus()
    alive.keyboard.press("Enter")
    assert column(alive, 3) == ["1e-3"] * 2
    alive.keyboard.press("Tab")
    alive.keyboard.press("Space")
    assert pressed(alive) == [] and len(column(alive, 3)) == 4
    assert second.evaluate("button => button === document.activeElement")


def test_a_figure_that_folds_a_setting_says_so(alive):
    said = alive.locator("figure", has=alive.locator("[data-figure=effects]")).locator(".fixed")
    alive.get_by_role("button", name="1e-3", exact=True).click()
    playwright.expect(said).to_have_text(re.compile("is of all of lr, whatever is chosen"))
    assert alive.locator(BARS).count() == 2
    alive.get_by_role("button", name="1e-3", exact=True).click()
    playwright.expect(said).to_have_text("")


def test_a_figure_without_what_is_chosen_says_so(alive):
    alive.get_by_role("button", name="leaky_relu", exact=True).click()
    place = alive.locator("[data-figure=training]")
    playwright.expect(place).to_be_hidden()
    said = alive.locator("figure", has=place).locator(".fixed")
    playwright.expect(said).to_have_text("Nothing of what is chosen above is in this figure.")
    alive.get_by_role("button", name="show all").click()
    playwright.expect(place).to_be_visible()


def test_a_legends_entry_is_its_values_button(alive):
    alive.locator(
        "[data-figure=learning_rate] .role-legend-label text", has_text=re.compile("^relu$")
    ).click()
    playwright.expect(alive.locator(LINES)).to_have_count(1)
    assert pressed(alive) == ["relu"] and column(alive, 2) == ["relu"] * 2


def test_hovering_tells_the_run_and_a_click_opens_it(alive):
    dot = alive.locator(DOTS).last
    dot.hover(force=True)
    told = alive.locator("#vg-tooltip-element").inner_text()
    run = made().records[-1]
    assert run.id in told and "leaky_relu" in told and "0.1" in told
    dot.click(force=True)
    dialog = alive.get_by_role("dialog")
    assert f"runs/{run.id}.json" in dialog.inner_text()


def test_an_axis_of_rates_zooms_and_comes_back(alive):
    def labels():
        alive.evaluate("drawings.get('learning_rate').view.runAsync().then(() => null)")
        axes = alive.locator("[data-figure=learning_rate] .role-axis-label text")
        return sorted(axes.all_text_contents())

    whole = labels()
    figure = alive.locator("figure", has=alive.locator("[data-figure=learning_rate]"))
    figure.get_by_role("button", name="zoom in on").click()
    assert "1" in whole and "1" not in labels()
    figure.get_by_role("button", name="whole axis").click()
    assert labels() == whole
    folded = alive.locator("figure", has=alive.locator("[data-figure=effects]"))
    assert not folded.get_by_role("button", name="whole axis").is_visible()


def test_a_run_opens_by_keyboard_and_hands_the_focus_back(opened):
    button = opened.get_by_role("button", name="seed 1 of relu · lr 0.1")
    button.focus()
    opened.keyboard.press("Enter")
    dialog = opened.get_by_role("dialog")
    assert "relu · lr 0.1" in dialog.get_by_role("heading", level=2).inner_text()
    rows = dialog.locator("tbody tr, table > tr").all_inner_texts()
    run = made().records[3]
    share = 100 * run.final.layers[0].dead
    assert rows[-1].split()[:4] == [
        str(run.final.epoch), f"{100 * run.final.test_accuracy:.1f}", "0.500", f"{share:.1f}",
    ]  # fmt: skip
    opened.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert button.evaluate("button => button === document.activeElement")


def test_a_hostile_name_stays_text(opened):
    assert opened.get_by_role("heading", level=1).inner_text() == HOSTILE
    opened.get_by_role("button", name="seed 0 of relu · lr 1e-3").click()
    assert HOSTILE in opened.locator("#run-status").inner_text()
    assert opened.locator("img").count() == 0


def test_a_phone_scrolls_one_way_and_shows_deadness_and_accuracy_first(open_page):
    shown = open_page(390)
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    for head in ("dead %", "test acc %"):
        box = shown.get_by_role("columnheader", name=head, exact=True).bounding_box()
        assert box["x"] + box["width"] <= 390


def test_a_page_without_javascript_has_pictures_and_table(open_page):
    shown = open_page(java_script_enabled=False)
    for name in ("effects", "learning_rate"):
        assert shown.locator(f"[data-figure={name}] svg text").first.is_visible()
    assert shown.locator("#table tbody tr").count() == 4
    assert not shown.locator("#choices").is_visible()
    assert shown.get_by_text("need JavaScript").is_visible()


@pytest.mark.parametrize(("scheme", "ink"), [("light", "#1a1a1a"), ("dark", "#e8e8e8")])
def test_figures_turn_with_the_scheme(open_page, scheme, ink):
    shown = open_page(color_scheme=scheme)
    place = shown.locator("[data-figure=learning_rate]")
    place.scroll_into_view_if_needed()
    place.locator(".chart svg").wait_for()
    drawn = place.locator(".role-axis-title text").first
    assert drawn.get_attribute("fill") == ink
    other = "dark" if scheme == "light" else "light"
    shown.emulate_media(color_scheme=other)
    playwright.expect(place.locator(".role-axis-title text").first).not_to_have_attribute(
        "fill", ink
    )
