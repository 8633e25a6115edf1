"""One lane's look at one split → the record of each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import Bool

from reluprobe import records
from reluprobe.config.choices import DEFINITIONS, SPLITS
from reluprobe.engine.firing_rates import MASKED, firing, unit_rates
from reluprobe.measures.tallies import UnitRates
from reluprobe.nn import activations
from reluprobe.plan.runs import Run
from reluprobe.records.masks import pack, pack_some

if TYPE_CHECKING:  # brings SciPy, for networks that few train
    from reluprobe.foreign.trained import OwnNetwork


@dataclass(frozen=True)
class Look:
    """What a lane's report says of one split.

    Attributes:
        run: the lane's.
        own: somebody's own network that the run trains; None where settings build one.
        units: by definition, which units it holds for. Rows are as long as the widest layer's.
        rates: how often units fire.
    """

    run: Run
    own: OwnNetwork | None
    units: Mapping[str, Bool[np.ndarray, "layer unit"]]
    rates: UnitRates

    @classmethod
    def of(cls, run: Run, own: OwnNetwork | None, report: Any, split: str) -> Look:
        """The split's part of a report (``engine.train_step.Report``) of one lane."""
        place = SPLITS.index(split)
        units = {name: getattr(report.units, name)[place] for name in DEFINITIONS}
        return cls(run, own, units, jax.tree.map(lambda x: x[place], report.rates))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of each layer."""
        return sizes_of(self.run, self.own)

    def layers(
        self, whole: bool, more: Sequence[Mapping[str, Any]] | None = None
    ) -> tuple[records.LayerRecord, ...]:
        """The record of each layer.

        Args:
            whole: with the rates of each unit.
            more: further fields of each.
        """
        extra, shares = more or [{} for _ in self.sizes], self._shares()
        return tuple(self._layer(n, shares, whole, **fields) for n, fields in enumerate(extra))

    def _shares(self) -> dict[str, np.ndarray]:
        """By definition, the share of each layer's units: ``(layer,)``.

        Of all layers at once: a GPU waits for the records of hundreds of lanes.
        """
        sizes = np.array(self.sizes)
        present = np.arange(max(self.sizes)) < sizes[:, None]
        return {name: (own & present).sum(axis=1) / sizes for name, own in self.units.items()}

    def _layer(
        self, layer: int, of_layers: Mapping[str, np.ndarray], whole: bool, **more: Any
    ) -> records.LayerRecord:
        size, known = self.sizes[layer], self._known(layer)
        own = {name: answers[layer, :size] for name, answers in self.units.items()}
        shares = {name: float(s[layer]) if known[name] else None for name, s in of_layers.items()}
        masks = {f"{name}_units": pack_some(own[name]) if known[name] else None for name in MASKED}
        kept = jax.tree.map(lambda x: x[layer], self.rates)
        more["firing"] = firing(kept.fired[:size], int(kept.values))
        if self.own is None:
            more["dead_data"] = float(kept.dead_data)
        if whole:
            more["rates"] = unit_rates(kept, size, self._counts_slopes(layer))
        return records.LayerRecord(size, **shares, dead_units=pack(own["dead"]), **masks, **more)

    def _known(self, layer: int) -> dict[str, bool]:
        """Which definitions apply to a layer."""
        known: dict[str, bool] = dict.fromkeys(DEFINITIONS, True)
        activation, own = activations.ACTIVATIONS[self.run.config.activation], self.own
        known["saturated"] = activation.bounded if own is None else own.bounded[layer]
        known["linear"] = activation.straight is not None if own is None else own.straight[layer]
        return known

    def _counts_slopes(self, layer: int) -> bool:
        """Whether it was counted how often f′ ≠ 0."""
        if self.own is None:
            return True
        described = self.own.layers[layer]
        return described.activation == "relu" and not described.bypassed


def sizes_of(run: Run, own: OwnNetwork | None) -> tuple[int, ...]:
    """Units of each layer of a run's network."""
    return run.config.sizes if own is None else own.sizes


def null_layer(size: int) -> records.LayerRecord:
    """A layer of a run that has diverged."""
    return records.LayerRecord(size, **dict.fromkeys(DEFINITIONS), dead_units=None)
