"""Terms of a report: what time, accuracy and layers are called, of runs of ours or foreign ones.

Of a foreign run nobody knows on which data its owner took the accuracy, and a layer is none of
``L1``, ``L2``, …: it has a name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reluprobe.analysis.layers import names_of
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting


@dataclass(frozen=True)
class Terms:
    """What is called how.

    Attributes:
        clock: what time is counted in, ``epoch`` or ``step``; ``number``, how that is written.
        accuracy, loss: the measures of the finished network; ``short`` the former in a heading.
        units: what is counted; ``layer``, what they lie in.
        first: what is said of the order of layers.
    """

    clock: str
    number: str
    accuracy: str
    short: str
    loss: str
    units: str
    layer: str
    first: str

    @property
    def foreign(self) -> bool:
        """Whether they are for runs that reluprobe did not train."""
        return self is FOREIGN

    def span(self, first: float, last: float) -> str:
        """``epochs 0–12``, ``steps 0–1,200``."""
        return f"{self.clock}s {first:{self.number}}–{last:{self.number}}"

    def at(self, when: float) -> str:
        """``epoch 12``, ``step 1,200``."""
        return f"{self.clock} {when:{self.number}}"


OURS = Terms(
    clock="epoch",
    number="g",
    accuracy="test accuracy",
    short="test acc",
    loss="test loss",
    units="hidden units",
    layer="hidden layer",
    first="L1 is nearest the input",
)
FOREIGN = Terms(
    clock="step",
    number=",.0f",
    accuracy="accuracy",
    short="acc",
    loss="loss",
    units="units",
    layer="layer",
    first="in the order in which they are computed",
)


def terms_of(runs: Iterable[RunRecord]) -> Terms:
    """The terms for these runs, which are all of ours or all foreign; of none those of ours."""
    first = next(iter(runs), None)
    return OURS if first is None or first.ours is not None else FOREIGN


def row_names(runs: Iterable[RunRecord]) -> tuple[str, ...]:
    """What the layers of these runs are called in a column of their own: ``1``, ``2``, …."""
    runs = tuple(runs)
    names = names_of(runs)
    return names if terms_of(runs).foreign else tuple(name.removeprefix("L") for name in names)


def run_label(run: RunRecord) -> str:
    """One run in one line: its network, its settings, its seed."""
    if run.ours is not None:
        return labels.network(run.ours)
    return f"{labels.settings(run.settings)} · seed {run.seed}"


def probe_examples(run: RunRecord) -> str:
    """``1,000 training examples``, ``1,000 examples``: what the units of a run are probed on."""
    if run.ours is not None:
        return formatting.probe_examples(run.probe)
    named = "" if run.probe.split == "probe" else f" of {run.probe.split}"
    return f"{labels.count(run.probe.examples, 'example')}{named}"
