"""Table of effects: each value of each setting, means over all else, with intervals over blocks."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from reluprobe.analysis.effects import Effects
from reluprobe.config import labels
from reluprobe.report import formatting
from reluprobe.report.terminal.layout import plain_table
from reluprobe.report.terminal.tables import CALLED, cell
from reluprobe.report.terms import Terms


def title(effects: Effects, definition: str) -> Text:
    """What the table shows."""
    text = f"what each setting does to {CALLED[definition][0]} %, means over all else"
    return Text(text, style="italic")


def table(effects: Effects, definition: str, terms: Terms, most: int) -> Table:
    """A row a value, the setting that matters most first; of many settings as many as fit."""
    explained = {part.axes[0]: part.share for part in effects.dead if len(part.axes) == 1}
    listed = plain_table()
    listed.add_column("setting", no_wrap=True)
    listed.add_column("explains", justify="right", no_wrap=True)
    listed.add_column("value", no_wrap=True)
    for name in (f"{CALLED[definition][0]} %", f"{terms.short} %", "runs"):
        listed.add_column(name, justify="right", no_wrap=True)
    for axis in shown(effects, most):
        values = [effect for effect in effects.effects if effect.axis == axis]
        for number, effect in enumerate(values):
            alone = explained.get(axis)
            share = formatting.NOT_APPLICABLE if alone is None else f"{100 * alone:.0f}%"
            head = (labels.name(axis), share) if number == 0 else ("", "")
            listed.add_row(
                *head,
                labels.setting(effect.value),
                cell(effect.dead),
                formatting.plus_minus(effect.accuracy),
                str(effect.runs),
            )
    return listed


def shown(effects: Effects, most: int) -> list[str]:
    """The axes whose values fit so many rows, those that matter most; one at least."""
    axes: list[str] = []
    rows = 0
    for axis in effects.axes:
        rows += sum(effect.axis == axis for effect in effects.effects)
        if axes and rows > most:
            break
        axes.append(axis)
    return axes


def legend(effects: Effects, most: int) -> list[Text]:
    """What stands beside means, how shares were computed, and what is left out."""
    lines = []
    if any(e.dead is not None and e.dead.half_width is not None for e in effects.effects):
        lines.append(
            "±: 95% over blocks that differ in this setting alone: what does not meet differs"
        )
    lines.append(f"explains: its share of the variance of dead %; {effects.method}")
    if hidden := [labels.name(axis) for axis in effects.axes if axis not in shown(effects, most)]:
        lines.append(f"not shown: {', '.join(hidden)} (--full)")
    return [Text(line, style="dim") for line in lines]
