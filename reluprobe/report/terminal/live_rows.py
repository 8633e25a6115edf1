"""Live table of ``train``: one row per epoch, then a headline."""

from __future__ import annotations

from rich.text import Text

from reluprobe.analysis.aggregate import share
from reluprobe.analysis.trained_badly import trained_badly
from reluprobe.config import labels
from reluprobe.records import EpochRecord, RunRecord
from reluprobe.report import formatting, quality_terms
from reluprobe.report.terminal.layout import NARROW, shown_layers
from reluprobe.report.terminal.mishaps import DIVERGED_LATE, failure
from reluprobe.report.terminal.tables import heat


class EpochRows:
    """A heading, then one row whenever an epoch ends.

    Args:
        layers: hidden ones that the network has.
        regression: whether it fits numbers, and has R² in the place of accuracy.
        width: columns of the terminal.
    """

    def __init__(self, layers: int, *, regression: bool, width: int = NARROW) -> None:
        self.quality = quality_terms.OF_REGRESSION if regression else quality_terms.OF_CLASSES
        self.layers = shown_layers(layers, max(2, (max(width, 60) - 44) // 6))

    def heading(self) -> Text:
        """The column names."""
        layers = "".join(f"{f'L{i + 1}':>6}" for i in self.layers)
        heading = self.quality.heading
        text = f"{'epoch':>5} {'train loss':>11} {heading:>11}  {layers} {'dead %':>8}"
        return Text(text, style="bold")

    def row(self, epoch: EpochRecord, diverged: bool) -> Text:
        """One epoch. What does not apply is n/a."""
        row = Text(f"{epoch.epoch:>5} {formatting.number(epoch.train_loss):>11} ")
        row.append(f"{self.quality.write(self.quality.quality.at(epoch)):>11}  ")
        for i in self.layers:
            dead = epoch.layers[i].dead
            row.append(f"{formatting.percent(dead):>6}", style=heat(dead))
        mean = share(epoch.layers, "dead")
        row.append(f" {formatting.percent(mean):>8}", style=f"bold {heat(mean)}")
        return row.append("  diverged", style="bold red") if diverged else row


def train_headline(record: RunRecord) -> Text:
    """What one run came to, in a sentence."""
    if record.status == "failed":
        return Text(failure(record), style="bold red")
    if record.status == "diverged":
        epoch = record.diverged_at
        text = DIVERGED_LATE if epoch is None else f"diverged: not finite from epoch {epoch} on"
        return Text(text, style="bold red")
    if not record.history:
        return Text("no epoch was recorded", style="bold red")
    text = Text(_outcome(record), style="bold")
    if (badly := trained_badly(record)) is not None:
        text.append(f"\ntrained badly, few dead units or many: {badly.reason}", "bold yellow")
    return text


def _outcome(record: RunRecord) -> str:
    """How many units are dead, where most, and how good the network is."""
    last = record.final
    worst = max(range(len(last.layers)), key=lambda i: last.layers[i].dead or 0.0)
    text = (
        f"{formatting.percent(share(last.layers, 'dead'))}% of hidden units are dead on "
        f"{formatting.probe_examples(record.probe)} after {labels.count(last.epoch, 'epoch')}"
    )
    if last.layers[worst].dead:
        text += f", most in layer {worst + 1}: {formatting.percent(last.layers[worst].dead)}%"
    (terms,) = quality_terms.terms_of_quality([record])
    if (value := terms.quality.at(last)) is not None:
        text = f"{text}; {terms.name} {terms.value(value)}"
    if last.rmse is not None:
        rmse = f"{quality_terms.RMSE} {formatting.significant(last.rmse)}"
        return f"{text}{';' if value is None else ','} {rmse}"
    return text if value is not None else f"{text}; test loss {formatting.number(last.test_loss)}"
