"""Table of the finished networks on each split: dead units, what is certain, what wakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table
from rich.text import Text

from reluprobe.analysis.aggregate import Estimate
from reluprobe.analysis.splits import SplitShares, firing_bound
from reluprobe.config import labels
from reluprobe.config.choices import SPLITS
from reluprobe.report import formatting
from reluprobe.report.terminal.layout import Fitted, Settings, fitted, plain_table
from reluprobe.report.terminal.tables import CALLED, cell

#: Configurations and what each has on the splits; one at least.
SharesByConfiguration = Sequence[tuple[Settings, SplitShares]]

LACKING = "no run that ended was looked at on the probe, the test and the training set"
#: The same of foreign runs, whose owners choose the samples.
ALONE = "no run that ended was looked at on another sample than the probe"
#: What columns mean, where their names do not say it.
LEGEND = {
    "certain": "% of units dead for every input in the training data's box",
    "wakes": "% of the units dead on the probe that fire on the training set",
    "test wakes": "% of those dead on the training set that fire on the test set",
}


def title(configurations: SharesByConfiguration, definition: str) -> Text:
    """What the table shows."""
    listed = ", ".join(f"{n} {size:,}" for n, size in _sizes(configurations).items())
    word = CALLED[definition][0]
    return Text(f"{word} % of the finished networks, by sample ({listed} examples)", style="italic")


def _sizes(configurations: SharesByConfiguration) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for _, shares in configurations:
        sizes |= {n: max(size, sizes.get(n, 0)) for n, size in shares.examples.items()}
    return sizes


def headline(configurations: SharesByConfiguration) -> Text | None:
    """Where most units are dead on the probe: how many of them the training set wakes."""
    ranked = [(s.units.get("probe"), s.awake, settings) for settings, s in configurations]
    dead, awake, settings = max(ranked, key=lambda r: r[0].mean if r[0] else 0.0)
    if dead is None or awake is None or dead.mean == 0:
        return None
    name = f"{labels.settings(settings)}: " if labels.settings(settings) else ""
    total, woken = (formatting.plus_minus(e, lambda v: f"{v or 0:,.0f}") for e in (dead, awake))
    words = f"{name}of {total} units dead on the probe, {woken} fire on the training set"
    return Text(words, style="bold")


def table(configurations: SharesByConfiguration, width: int) -> Fitted:
    """One row per configuration. Where ``width`` is short, intervals go, then what wakes."""
    full, means = formatting.plus_minus, formatting.mean
    fullest = _table(configurations, full, 3)
    titles = [str(column.header) for column in fullest.columns]
    ends = [e for _, s in configurations for e in s.shares.values() if e is not None and e.ends]
    layouts = [(fullest, "")]
    for more in (3, 1):
        lacking = ["±"] * bool(ends) + [n for n in [*LEGEND][more:] if n in titles]
        layouts.append((_table(configurations, means, more), " and ".join(lacking)))
    return fitted(layouts, width)


def _table(
    configurations: SharesByConfiguration, write: Callable[[Estimate | None], str], more: int
) -> Table:
    table, samples = plain_table(), _sizes(configurations)
    rest = [(s.certified, s.awakened, s.asleep) for _, s in configurations]
    # Where the samples are others there is no set whose units could wake.
    known = [i for i in range(more) if {*samples} >= {*SPLITS} or any(row[i] for row in rest)]
    for key in configurations[0][0]:
        table.add_column(labels.name(key), no_wrap=True)
    for title in (*samples, *([*LEGEND][i] for i in known)):
        table.add_column(title, justify="right", no_wrap=True)
    for (settings, s), row in zip(configurations, rest, strict=True):
        names = [labels.setting(value) for value in settings.values()]
        shares = [cell(s.shares[n], write) if n in s.shares else Text("") for n in samples]
        table.add_row(*names, *shares, *(Text(write(row[i])) for i in known))
    return table


def legend(table: Fitted) -> Text:
    """The meaning of those columns that this table has."""
    shown = table.shown
    titles = [str(column.header) for column in shown.columns] if isinstance(shown, Table) else []
    meanings = [f"{n}: {words}" for n, words in LEGEND.items() if n in titles]
    return Text("; ".join(meanings), style="dim")


def bounds(configurations: SharesByConfiguration) -> Text:
    """What silence on each split bounds, at 95%."""
    parts = [
        f"{n}: {size:,} examples, up to {100 * firing_bound(size):.2g}%"
        for n, size in _sizes(configurations).items()
    ]
    return Text(
        "a unit that fires on none of n examples may still fire on this much of such data (95%): "
        + "; ".join(parts)
    )
