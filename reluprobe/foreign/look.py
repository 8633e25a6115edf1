"""A look into a network: every piece of the examples sent through it once, counted as it goes."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from reluprobe.errors import InputError, shown
from reluprobe.foreign import pieces
from reluprobe.foreign.causes import Causes
from reluprobe.foreign.models.network import Network, guarded, largest_value
from reluprobe.foreign.pieces import Piece
from reluprobe.foreign.probe import Probe
from reluprobe.foreign.result import Layer, Look
from reluprobe.foreign.tally import Tally
from reluprobe.records.network import Coverage

#: Bytes that values on their way through a network may take, and how many of them, as large as
#: the largest, are alive at once.
MEMORY, ALIVE = 2**31, 8
#: Smallest and largest value of every input.
Box = tuple[float, float]


class Looker:
    """Looks into one network, with whatever parameters; programs are compiled once.

    Args:
        network: the network.
        box: what every input lies between, for a certificate.
    """

    def __init__(self, network: Network, box: Box | None = None) -> None:
        self.network = network
        self._box = _checked_box(box)
        self._probe: Probe | None = None
        self._tally: Tally | None = None
        self._bytes: dict[Hashable, int] = {}

    def look(self, params: Any, examples: Iterable[Piece]) -> Look:
        """Every unit over all these examples.

        Raises:
            InputError: there is no example, or the network does not take them.
        """
        with self.network.types():
            layers, coverage, count = self._counted(params, examples)
        coverage = replace(coverage, notes=(*coverage.notes, *self.network.notes))
        return Look(layers, coverage, count)

    def causes(self, before: Any, after: Any, examples: Iterable[Piece]) -> dict[str, Causes]:
        """What moved the units of each layer from one look to the next, by the layer's name.

        Args:
            before: the parameters at the one.
            after: those at the other.
            examples: those that were looked at last.
        """
        assert self._probe is not None and self._tally is not None
        peaks = None
        with self.network.types():
            for piece in examples:
                batch = self.network.adapt(piece.batch)
                peaks = self._probe.explain(peaks, before, after, batch, piece.weights)
            return self._probe.moved(self._tally, peaks or {})

    def pieces(
        self,
        params: Any,
        source: pieces.Source,
        weights: Any = None,
        device_batch: int | None = None,
    ) -> Iterator[Piece]:
        """The examples in pieces that this network takes, and that memory holds."""
        fixed = self.network.batch_size
        if fixed is not None and device_batch not in (None, fixed):
            fault = f"device_batch = {device_batch}: {self.network.called} takes {fixed} at once"
            raise InputError("bad batch size", [fault])
        size = device_batch or fixed
        if device_batch is None and fixed is None and not pieces.is_stream(source):
            size = self._fitting(params, source)
        for piece in pieces.cut(source, weights, device_batch if size is None else size):
            yield piece if fixed is None else pieces.filled_up(piece, fixed)

    def _fitting(self, params: Any, source: pieces.Source) -> int:
        """How many examples go through at once in bounded memory."""
        head = next(pieces.cut(source, None, pieces.MOST))
        leaves, structure = jax.tree.flatten(head.batch)
        alike = (structure, *((np.shape(leaf)[1:], leaf.dtype) for leaf in leaves))
        # A monitor asks at every look: the network is traced for it once.
        if alike not in self._bytes:
            with self.network.types():
                batch = self.network.adapt(head.batch)
                largest = largest_value(self.network, params, batch)
            self._bytes[alike] = max(largest // head.examples, 1)
        return min(max(MEMORY // (ALIVE * self._bytes[alike]), 1), pieces.MOST)

    def _counted(
        self, params: Any, examples: Iterable[Piece]
    ) -> tuple[tuple[Layer, ...], Coverage, int]:
        tally, count = None, 0
        for piece in examples:
            batch = self.network.adapt(piece.batch)
            if self._probe is None:
                self._probe = Probe(guarded(self.network), params, box=self._box)
            tally = self._probe.add(tally, params, batch, piece.weights)
            count += piece.examples
        if tally is None or self._probe is None:
            raise InputError("no example to look at")
        self._tally = tally
        layers, coverage = self._probe.answer(tally, params)
        return layers, coverage, count


def counted(examples: Iterable[Piece], seen: Callable[[int], object] | None) -> Iterator[Piece]:
    """The same pieces; ``seen`` gets the number of examples after each."""
    count = 0
    for piece in examples:
        yield piece
        count += piece.examples
        if seen is not None:
            seen(count)


def _checked_box(box: Any) -> Box | None:
    if box is None:
        return None
    try:
        low, high = map(float, box)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        allowed = "allowed are two finite numbers, low <= high"
        raise InputError("bad box", [f"box = {shown(box)}: {allowed}"])
    return low, high
