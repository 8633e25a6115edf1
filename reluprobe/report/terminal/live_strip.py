"""Live strip of ``train``: dead % by hidden layer and epoch, one column per epoch."""

from __future__ import annotations

from rich.text import Text

from reluprobe.records import EpochRecord
from reluprobe.report.terminal import blocks
from reluprobe.report.terminal.layout import shown_layers
from reluprobe.report.terminal.tables import heat

#: A terminal has rows for the table above, too.
MOST_LAYERS = 10
TITLE = f"dead % by epoch ({blocks.HEIGHTS_LEGEND})"


class Strip:
    """One row per hidden layer, one column per epoch; of many of both, as many as fit.

    What is shown of an epoch is what its probe saw: the epochs between two columns are left out.
    """

    def __init__(self, layers: int, width: int) -> None:
        self.layers = shown_layers(layers, MOST_LAYERS)
        self.name = len(f"L{layers}")
        self.room = max(2, width - self.name - 1)
        self.shares: list[list[float | None]] = []

    def see(self, epoch: EpochRecord) -> None:
        """Grow by an epoch."""
        self.shares.append([epoch.layers[i].dead for i in self.layers])

    def __rich__(self) -> Text:
        """The strip so far, under its title and a blank line."""
        columns = [self.shares[t] for t in shown_layers(len(self.shares), self.room)]
        text = Text(f"\n{TITLE}", style="dim", no_wrap=True, overflow="crop")
        for at, layer in enumerate(self.layers):
            text.append(f"\n{f'L{layer + 1}':<{self.name}} ", style="not dim")
            for shares in columns:
                text.append(blocks.height(shares[at]), style=f"not dim {heat(shares[at])}")
        return text
