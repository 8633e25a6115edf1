"""What a dead unit is, in plain words first; and how many are usual."""

from __future__ import annotations

from rich.text import Text

#: Of a definition, what such a unit does, before its formula.
PLAIN = {
    "dead": "a dead unit no longer learns: no probe example sends it a gradient (f′(z) = 0)",
    "silent": "a silent unit gives out 0 on every probe example",
    "never_positive": "a never positive unit stays at or below 0 on every probe example (z ≤ 0)",
    "constant": "a constant unit gives out the same on every probe example",
    "dormant": "a dormant unit gives out next to nothing: at most 2.5% (or dormant_threshold) of "
    "its layer's mean",
    "saturated": "a saturated unit stands at an end of its range on every probe example",
    "rare": "a rare unit fires (z > 0) on at most 1% of the probe's examples, and on one at least",
    "linear": "a linear unit fires (z > 0) on every probe example: it never bends",
}
#: What the study published of its network, and what networks like it have before the first step.
USUAL = "usual: 0 to 2% untrained, 25 to 40% in the MNIST study's trained ReLU network"


def lines(definition: str) -> list[Text]:
    """What is counted; and of dead units, how many are usual."""
    shown = [PLAIN[definition], *([USUAL] if definition == "dead" else [])]
    return [Text(line, style="dim") for line in shown]
