"""One run as it trains: a row an epoch, and what it came to. Nothing here prints."""

from __future__ import annotations

from rich.text import Text

from reluprobe.analysis.aggregate import share
from reluprobe.config import RunConfig, labels
from reluprobe.records import EpochRecord, RunRecord
from reluprobe.report import formatting
from reluprobe.report.terminal.tables import DIVERGED_LATE, NARROW, heat, shown_layers


class EpochRows:
    """The live table of ``train``: a heading, then a row whenever an epoch ends."""

    def __init__(self, config: RunConfig, width: int = NARROW) -> None:
        self.layers = shown_layers(config.depth, max(2, (max(width, 60) - 44) // 6))

    def heading(self) -> Text:
        """The column names."""
        layers = "".join(f"{f'L{i + 1}':>6}" for i in self.layers)
        text = f"{'epoch':>5} {'train loss':>11} {'test acc %':>11}  {layers} {'dead %':>8}"
        return Text(text, style="bold")

    def row(self, epoch: EpochRecord, diverged: bool) -> Text:
        """One epoch. What does not apply is n/a."""
        row = Text(f"{epoch.epoch:>5} {formatting.number(epoch.train_loss):>11} ")
        row.append(f"{formatting.percent(epoch.test_accuracy):>11}  ")
        for i in self.layers:
            found = epoch.layers[i].dead
            row.append(f"{formatting.percent(found):>6}", style=heat(found))
        mean = share(epoch.layers, "dead")
        row.append(f" {formatting.percent(mean):>8}", style=f"bold {heat(mean)}")
        return row.append("  diverged", style="bold red") if diverged else row


def train_headline(record: RunRecord) -> Text:
    """What one run came to, in a sentence."""
    if record.status == "failed":
        return Text(f"failed: {record.error}", style="bold red")
    if record.status != "ok":
        epoch = record.diverged_at
        text = DIVERGED_LATE if epoch is None else f"diverged: not finite from epoch {epoch} on"
        return Text(text, style="bold red")
    last = record.final
    worst = max(range(len(last.layers)), key=lambda i: last.layers[i].dead or 0.0)
    text = (
        f"{formatting.percent(share(last.layers, 'dead'))}% of hidden units are dead on "
        f"{record.probe.examples:,} training examples after {labels.count(last.epoch, 'epoch')}"
    )
    if last.layers[worst].dead:
        text += f", most in layer {worst + 1}: {formatting.percent(last.layers[worst].dead)}%"
    if last.test_accuracy is not None:
        return Text(
            f"{text}; test accuracy {formatting.percent(last.test_accuracy)}%", style="bold"
        )
    return Text(f"{text}; test loss {formatting.number(last.test_loss)}", style="bold")
