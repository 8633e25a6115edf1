"""Table of networks born dead, beside what theory bounds."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from reluprobe.born import bounds
from reluprobe.born.result import Cell, Result
from reluprobe.config import BornDeadConfig, labels
from reluprobe.report import formatting
from reluprobe.report.terminal import tables
from reluprobe.report.terminal.layout import plain_table


def percent(share: float | None) -> str:
    """``0.15625`` → ``15.63``: two digits, as ten thousand networks can tell."""
    return formatting.NOT_APPLICABLE if share is None else f"{100 * share:.2f}"


def headline(result: Result) -> Text:
    """From the least likely to be born dead to the most, in a sentence."""
    least = min(result.cells, key=lambda c: c.probability)
    most = max(result.cells, key=lambda c: c.probability)
    if least is most:
        return Text(f"born dead: {_share(most)} of networks ({_at(most)})", style="bold")
    return Text(
        f"born dead: from {_share(least)} of networks ({_at(least)}) to "
        f"{_share(most)} ({_at(most)})",
        style="bold",
    )


def _share(cell: Cell) -> str:
    return f"{percent(cell.probability)}%"


def _at(cell: Cell) -> str:
    return f"depth {cell.depth} · width {cell.width}"


def table(result: Result) -> Table:
    """One row per depth and width: measured, its interval, and between what it is proved to be."""
    table = plain_table()
    names = ("depth", "width", "born dead %", "95% interval", "lower %", "exact %", "upper %")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for cell in result.cells:
        measured = Text(percent(cell.probability), style=tables.heat(cell.probability))
        interval = f"{percent(cell.low)}–{percent(cell.high)}"
        known = [percent(p) for p in (cell.lower, cell.exact, cell.upper)]
        table.add_row(str(cell.depth), str(cell.width), measured, interval, *known)
    return table


def legend(config: BornDeadConfig) -> Text:
    """What born dead is, and whose the bounds are."""
    text = "born dead: some hidden layer outputs 0 on every input, so the network is constant; "
    return Text(f"{text}{_bounds(config)}", style="dim")


def _bounds(config: BornDeadConfig) -> str:
    source = "lower, exact, upper: Lu et al. 2019 (their L = depth + 1)"
    if not bounds.covered(config):
        return f"{source} do not speak of {_init(config)}: n/a"
    if config.examples > 1 and config.inputs > 1:
        return f"{source}; the first two are for inputs = 1"
    if config.examples == 1:
        return f"{source}; for a single input all three are one"
    return f"{source}; exact is n/a where no closed form is known"


def drawn(config: BornDeadConfig) -> Text:
    """What was drawn."""
    sizes = f"{labels.count(config.networks, 'network')} a width"
    examples = labels.count(config.examples, "example")
    text = (
        f"{sizes}, {_init(config)}, {examples} of {labels.count(config.inputs, 'input')}, "
        f"seed {config.seed}; a shallower network is the beginning of a deeper one"
    )
    return Text(text, style="dim")


def _init(config: BornDeadConfig) -> str:
    if config.init == "rai":
        return "rai"
    scale = f" {labels.setting(config.init_scale)}" * (config.init in ("normal", "uniform"))
    return f"{config.init}{scale}, bias {labels.setting(config.bias_init)}"


def next_command(config: BornDeadConfig) -> str:
    """The same grid with the init that was made against it, or against the usual one."""
    other = "he_normal" if config.init == "rai" else "rai"
    axes = " ".join(f"--{n} {','.join(map(str, getattr(config, n)))}" for n in ("depth", "width"))
    return f"next: reluprobe born-dead {axes} --init {other}"
