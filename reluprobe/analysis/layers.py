"""Layers of runs by their names: networks may differ in depth, and foreign ones in their layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reluprobe.records import LayerRecord, RunRecord

#: What a probe saw of each layer.
Layers = Sequence[LayerRecord]


def names_of(runs: Iterable[RunRecord]) -> tuple[str, ...]:
    """Every layer that any of these runs has, in order: ``L1``, ``L2``, … in networks of ours."""
    return tuple(dict.fromkeys(name for run in runs for name in run.layer_names))


def places_of(run: RunRecord) -> Mapping[str, int]:
    """Where each layer stands in what a probe saw, by its name."""
    return {name: i for i, name in enumerate(run.layer_names)}


def by_name(run: RunRecord, layers: Layers) -> dict[str, LayerRecord]:
    """What a probe of this run saw, by the layers' names."""
    return dict(zip(run.layer_names, layers, strict=False))
