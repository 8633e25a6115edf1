"""Columns of the table ``layers``: one row per run, probe and hidden layer.

After the ids come the settings in which the exported runs differ, so that nobody has to join.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any

from reluprobe.analysis import dead_masks
from reluprobe.config.choices import DEFINITIONS
from reluprobe.records.looks import FIRING_ENDS
from reluprobe.report.export.columns import Column, Kind, Layer, Run, Value, keys, measures
from reluprobe.report.terminal.tables import CALLED

Columns = list[Column[Layer]]


def _of(name: str, kind: Kind, said: str, field: str = "") -> Column[Layer]:
    """A field of the layer's record, by default the one of that name; null where it has none."""
    part, _, inner = (field or name).partition(".")

    def value(row: Layer) -> Value:
        content: Any = getattr(row.layer, part)
        return getattr(content, inner) if inner and content is not None else content

    return Column(name, kind, said, value)


def _place() -> Columns:
    number: Kind = "whole number"
    said = "Epoch that ended; 0 is before the first step, null a probe between epochs."

    def epoch(row: Layer) -> Value:
        return getattr(row.probe, "epoch", None) if row.run.record.ours else None

    def described(name: str) -> Callable[[Layer], Value]:
        return lambda row: getattr(row.run.infos.get(row.name), name, None)

    def activation(row: Layer) -> Value:
        ours = row.run.record.ours
        if ours is None or ours.is_own:
            return described("activation")(row)
        return ours.activation

    return [
        Column("epoch", number, f"{said} Null of a foreign run.", epoch),
        Column("step", number, "Steps of the run so far.", attrgetter("probe.step")),
        Column("layer", number, "Hidden layer; 1 is next to the input.", attrgetter("number")),
        Column("layer_name", "text", "What it is called: L1; in a foreign run its path.", _name),
        Column("layer_activation", "text", "Activation of the layer.", activation),
        _of("units", number, "Units of the layer."),
        Column(
            "positions",
            number,
            "Values of z that a unit has in one example, of a foreign run's layer.",
            described("positions"),
        ),
        _of(
            "not_finite",
            number,
            "Units of a foreign run's layer with a z or an output that was NaN or infinite.",
        ),
    ]


def _name(row: Layer) -> Value:
    return row.name


def _shares() -> Columns:
    shares = [
        _of(name, "fraction", f"Share of the layer's units that are {word}: {rule}.")
        for name, (word, rule) in ((name, CALLED[name]) for name in DEFINITIONS)
    ]
    said = "Share of the layer's units dead for every input in the training data's box."
    quiet = "Share of the probe's examples on which all the layer's outputs are 0."
    return [*shares, _of("certified", "fraction", said), _of("dead_data", "fraction", quiet)]


def _firing() -> Columns:
    """How many units fire on how large a share of the values of z, bin by bin."""

    def count(place: int) -> Callable[[Layer], Value]:
        return lambda row: None if row.layer.firing is None else row.layer.firing[place]

    ends = [0.0, *FIRING_ENDS]
    shares = [f"more than {low:g} and at most {high:g} of" for low, high in pairwise(ends)]
    bins = [
        ("never", "none of"),
        *((f"to_{end:g}".replace(".", "_"), s) for end, s in zip(FIRING_ENDS, shares, strict=True)),
        ("below_1", f"more than {FIRING_ENDS[-1]:g} of, and not on all,"),
        ("always", "all"),
    ]
    return [
        Column(
            f"firing_{name}",
            "whole number",
            f"Units that fire (z > 0) on {share} the probe's values of z.",
            count(place),
        )
        for place, (name, share) in enumerate(bins)
    ]


def _changes() -> Columns:
    """What happened since the last probe, and why."""
    moved = (
        "What {} moved the largest pre-activation of the units that died since the last probe, "
        "summed over them (Shapley values); below 0: down."
    )
    whose = {"weights": "the weights", "bias": "the biases", "upstream": "the layers before"}
    return [
        _of(
            "deaths",
            "whole number",
            "Units dead now and alive at the last probe, or drawn anew since.",
        ),
        _of("revived", "whole number", "Units drawn anew since the last probe."),
        Column("died_again", "whole number", "Of these, those dead now.", _died_again),
        *(
            _of(f"moved_by_{part}", "number", moved.format(words), f"causes.{part}")
            for part, words in whose.items()
        ),
    ]


def _died_again(row: Layer) -> Value:
    redrawn = dead_masks.redrawn_bits(row.layer)
    known = redrawn is not None and row.layer.dead_units is not None
    return int((redrawn & dead_masks.bits(row.layer)).sum()) if known else None


def _outputs() -> Columns:
    when = "on the first 1,000 probe examples; at the first and the last epoch."
    meanings: dict[str, tuple[Kind, str]] = {
        "mean": ("number", "Mean of the layer's outputs"),
        "variance": ("number", "Variance of the layer's outputs"),
        "zeros": ("fraction", "Share of the layer's outputs that are 0"),
    }
    return [
        _of(f"output_{part}", kind, f"{said} {when}", f"activations.{part}")
        for part, (kind, said) in meanings.items()
    ]


_KEYS: Columns = keys(attrgetter("run"))

#: The columns that the table always has.
LAYERS: tuple[Column[Layer], ...] = (
    *_KEYS,
    *_place(),
    *_shares(),
    *_firing(),
    *_changes(),
    *_outputs(),
    *measures(attrgetter("probe"), "; of the epoch, the same for all its layers"),
)


def with_settings(settings: Sequence[Column[Run]]) -> tuple[Column[Layer], ...]:
    """The table's columns, with these settings after the ids."""
    return (*_KEYS, *map(_setting, settings), *LAYERS[len(_KEYS) :])


def _setting(column: Column[Run]) -> Column[Layer]:
    return Column(column.name, column.kind, column.meaning, lambda row: column.value(row.run))


def joined(row: Sequence[Value], settings: Sequence[Value]) -> list[Value]:
    """A row of ``LAYERS`` as one of :func:`with_settings`."""
    return [*row[: len(_KEYS)], *settings, *row[len(_KEYS) :]]
