"""The table ``layers``: a row for every run, epoch and hidden layer."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from reluprobe.config.choices import DEFINITIONS
from reluprobe.report.export.columns import Column, Kind, Layer, Value, keys, measures
from reluprobe.report.terminal.tables import CALLED

Columns = list[Column[Layer]]


def _of(name: str, kind: Kind, said: str, field: str = "") -> Column[Layer]:
    """A field of the layer's record, by default the one of that name; null where it has none."""
    part, _, inner = (field or name).partition(".")

    def value(row: Layer) -> Value:
        found: Any = getattr(row.layer, part)
        return getattr(found, inner) if inner and found is not None else found

    return Column(name, kind, said, value)


def _place() -> Columns:
    number: Kind = "whole number"
    said = "Epoch that ended; 0 is before the first step, null a probe between epochs."
    return [
        Column("epoch", number, said, lambda row: getattr(row.probe, "epoch", None)),
        Column("step", number, "Steps of the run so far.", attrgetter("probe.step")),
        Column("layer", number, "Hidden layer; 1 is next to the input.", attrgetter("number")),
        _of("units", number, "Units of the layer."),
    ]


def _shares() -> Columns:
    found = [
        _of(name, "fraction", f"Share of the layer's units that are {word}: {rule}.")
        for name, (word, rule) in ((name, CALLED[name]) for name in DEFINITIONS)
    ]
    said = "Share of the layer's units dead for every input in the training data's box."
    return [*found, _of("certified", "fraction", said)]


def _changes() -> Columns:
    """What happened since the last probe, and why."""
    moved = (
        "What {} moved the largest pre-activation of the units that died since the last probe, "
        "summed over them (Shapley values); below 0: down."
    )
    whose = {"weights": "the weights", "bias": "the biases", "upstream": "the layers before"}
    return [
        _of("deaths", "whole number", "Units dead now and alive at the last probe."),
        _of("revived", "whole number", "Units drawn anew since the last probe."),
        *(
            _of(f"moved_by_{part}", "number", moved.format(words), f"causes.{part}")
            for part, words in whose.items()
        ),
    ]


def _outputs() -> Columns:
    when = "on the first 1,000 probe examples; at the first and the last epoch."
    told: dict[str, tuple[Kind, str]] = {
        "mean": ("number", "Mean of the layer's outputs"),
        "variance": ("number", "Variance of the layer's outputs"),
        "zeros": ("fraction", "Share of the layer's outputs that are 0"),
    }
    return [
        _of(f"output_{part}", kind, f"{said} {when}", f"activations.{part}")
        for part, (kind, said) in told.items()
    ]


LAYERS: tuple[Column[Layer], ...] = (
    *keys(attrgetter("run")),
    *_place(),
    *_shares(),
    *_changes(),
    *_outputs(),
    *measures(attrgetter("probe"), "; of the epoch, the same for all its layers"),
)
