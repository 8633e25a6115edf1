"""What a terminal shows while a run trains, read from a terminal that can be asked."""

import io
from collections.abc import Iterator

import pyte
import pytest
from rich.console import Console
from rich.text import Text

import study_runs
from reluprobe.cli import console, live_view

EPOCHS = 3
STRIP = ["L1 .▂▂▂", "L2 .▄▄▄"]


class Terminal:
    """Stdout and stderr on one screen, as a user has them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
        self.written = io.StringIO()
        self.screen = pyte.Screen(80, lines)
        self.stream = pyte.Stream(self.screen)
        for name in ("out", "err"):
            shared = Console(
                file=self.written, force_terminal=True, width=80, height=lines, highlight=False,
                _environ={"TERM": "xterm"},
            )  # fmt: skip
            monkeypatch.setattr(console, name, shared)

    def rows(self) -> list[str]:
        """What is on the screen, without the blank lines at its end."""
        # A terminal's driver puts the carriage return before each line feed.
        self.stream.feed(self.written.getvalue().replace("\n", "\r\n"))
        self.written.seek(0)
        self.written.truncate()
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip().split("\n")


@pytest.fixture
def record():
    return study_runs.record((0.2, 0.5), epochs=EPOCHS)


def train(record, lines: int, monkeypatch) -> Iterator[list[str]]:
    terminal = Terminal(monkeypatch, lines)
    with live_view.watched(record.config, len(record.final.layers)) as watch:
        for epoch in record.history:
            watch.see(epoch, Text(f"row {epoch.epoch}"))
            yield terminal.rows()
    yield terminal.rows()


def test_below_the_rows_a_strip_grows_and_a_bar_says_how_far_it_is(record, monkeypatch):
    *live, end = train(record, 24, monkeypatch)
    for n, shown in enumerate(live):
        rows = [f"row {e}" for e in range(n + 1)]
        assert shown[: n + 2] == [*rows, ""]
        assert shown[n + 3 : n + 5] == [line[: 4 + n] for line in STRIP]
        assert shown[n + 5].startswith("epoch ") and f"{n}/{EPOCHS}" in shown[n + 5]
        assert len(shown) == n + 6
    # The bar goes, the rows and the strip stay.
    assert end == live[-1][:-1]


def test_nothing_is_left_of_what_was_drawn_over_where_the_screen_is_small(record, monkeypatch):
    *_, end = train(record, 6, monkeypatch)
    assert [line for line in end if line.startswith("L")] == STRIP
    assert not any("epoch  " in line for line in end)


def test_off_a_terminal_there_are_rows_alone(record, monkeypatch):
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=out))
    monkeypatch.setattr(console, "err", Console(file=err))
    with live_view.watched(record.config, len(record.final.layers)) as watch:
        watch.see(record.history[0], Text("row 0"))
    assert (out.getvalue(), err.getvalue()) == ("row 0\n", "")
