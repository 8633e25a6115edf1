"""What a dead unit is, in plain words first; and how many are usual."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from reluprobe.records import RunRecord
from reluprobe.report.terminal import meanings, tables

#: Of a definition, what such a unit does, before its formula.
PLAIN = {
    "dead": "a dead unit no longer learns: no probe example sends it a gradient (f′(z) = 0)",
    "silent": "a silent unit gives out 0 on every probe example",
    "never_positive": "a never positive unit stays at or below 0 on every probe example (z ≤ 0)",
    "constant": "a constant unit gives out the same on every probe example",
    "dormant": f"a dormant unit gives out next to nothing: at most {tables.USUAL['dormant']} of "
    "its layer's mean",
    "saturated": "a saturated unit stands at an end of its range on every probe example",
    "rare": f"a rare unit fires (z > 0) on at most {tables.USUAL['rare']} of the probe's examples, "
    "and on one at least",
    "linear": "a linear unit fires (z > 0) on every probe example: it never bends",
}
#: What the study published of its network, and what networks like it have before the first step.
USUAL = "usual: 0 to 2% untrained, 25 to 40% in the MNIST study's trained ReLU network"


def lines(definition: str, runs: Sequence[RunRecord]) -> list[Text]:
    """What is counted in these runs; and of dead units, how many are usual."""
    plain = meanings.with_threshold(PLAIN[definition], definition, runs)
    shown = [plain, *([USUAL] if definition == "dead" else [])]
    return [Text(line, style="dim") for line in shown]
