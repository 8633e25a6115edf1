"""docs/library.md: every call is run, and prints what the page shows."""

from __future__ import annotations

import doctest
import math
import re
from pathlib import Path

import pytest

from reluprobe.data.names import BUILT_IN

PAGE = Path(__file__).parents[1] / "docs" / "library.md"
NUMBER = re.compile(r"(?<![\w.])[-−]?\d+\.\d+(?![\w.])")
#: How long it took, on what.
MACHINE = re.compile(r"(\d+ min )?[\d.]+ s on \d+ × \w+ \(JAX [\d.]+\)")
#: Training is chaotic: another kind of processor ends a few points away.
POINTS, SHARE = 8.0, 0.08


class WithinAFewPercent(doctest.OutputChecker):
    """The same words and whole numbers; decimal fractions within a few points."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        want, got = (MACHINE.sub("on this machine", text) for text in (want, got))
        words = [re.sub(r"\s+", " ", NUMBER.sub("#", text)) for text in (want, got)]
        pairs = [[float(n.replace("−", "-")) for n in NUMBER.findall(t)] for t in (want, got)]
        if words[0] != words[1] or len(pairs[0]) != len(pairs[1]):
            return super().check_output(want, got, optionflags)
        return all(
            math.isclose(a, b, abs_tol=SHARE if abs(a) <= 1 else POINTS)
            for a, b in zip(*pairs, strict=True)
        )


def test_every_example_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    # The fences' ends are no output.
    text = re.sub(r"^```\w*$", "", PAGE.read_text("utf-8"), flags=re.M)
    parsed = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(parsed.examples) > 20 and "blobs" in BUILT_IN
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(WithinAFewPercent(), optionflags=flags)
    runner.run(parsed)
    assert runner.failures == 0, capsys.readouterr().out
