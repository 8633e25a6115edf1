"""The page in a real headless Chromium: it sorts, filters and opens runs, by keyboard too."""

from __future__ import annotations

import dataclasses
import re
import shutil

import pytest

import figure_runs
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
    runs = figure_runs.sweep(seeds=2)
    runs[0] = dataclasses.replace(runs[0], status="failed", error=HOSTILE)
    return dataclasses.replace(figure_runs.archive(runs), name=HOSTILE)


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        if CHROMIUM is None and not shutil.which(driver.chromium.executable_path):
            pytest.skip("needs a headless Chromium: there is none")
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path):
    """The page, at a phone's width; whatever it complained of or asked for fails the test."""
    file = tmp_path / "report.html"
    file.write_text(page.html(page.model(made())), encoding="utf-8")
    shown = chromium.new_page(viewport={"width": 390, "height": 800})
    complaints, asked = [], []
    shown.on("console", lambda message: complaints.append(message.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(file.as_uri())
    yield shown
    shown.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]


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
    before = column(opened, 3)
    assert len(before) == 4
    dead.click()
    assert sorts(opened) == {"dead %": "ascending"}
    up = [float(re.split(" ", text)[0]) for text in column(opened, 3)]
    assert up == sorted(up) and up != [float(text.split()[0]) for text in before]
    dead.press("Enter")
    assert [float(text.split()[0]) for text in column(opened, 3)] == up[::-1]
    dead.press("Space")
    assert sorts(opened) == {} and column(opened, 3) == before


def test_rates_are_sorted_as_numbers_and_names_as_words(opened):
    opened.get_by_role("button", name="lr", exact=True).click()
    assert column(opened, 2) == ["1e-3", "1e-3", "0.1", "0.1"]
    opened.get_by_role("button", name="activation", exact=True).click()
    assert column(opened, 1) == ["elu", "elu", "relu", "relu"]


def test_words_and_ends_filter_and_the_count_is_told(opened):
    field = opened.get_by_label("Configurations with")
    field.focus()
    opened.keyboard.type("relu 0.1")
    assert (column(opened, 1), column(opened, 2)) == (["relu"], ["0.1"])
    assert opened.get_by_role("status").inner_text() == "1 of 4 shown"
    field.fill("")
    opened.get_by_role("combobox", name="Runs").select_option("failed")
    assert (column(opened, 1), column(opened, 2)) == (["relu"], ["1e-3"])
    opened.get_by_role("combobox", name="Runs").select_option("ended")
    assert len(column(opened, 1)) == 3


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


def test_a_phone_scrolls_one_way(opened):
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
