"""``rp.Monitor``: follows a network's units while its owner trains it, and keeps a record."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any, TypedDict, Unpack

from reluprobe import inspection
from reluprobe.config import arguments
from reluprobe.errors import InputError, shown
from reluprobe.foreign.result import Look
from reluprobe.inspection import Inspection
from reluprobe.records import Foreign, RunRecord, SampleRecord, write
from reluprobe.records.foreign_claim import claim_foreign

#: Of its time a monitor spends at most this on writing: a long history is long to write.
WRITING = 0.1


class Measures(TypedDict, total=False):
    """What an owner may measure at a look, as any scalar."""

    loss: Any
    train_accuracy: Any
    test_loss: Any
    accuracy: Any


class Monitor:
    """Follows a network's units while its owner trains it: call it now and then.

    The record lies in ``folder/runs``; ``reluprobe report``, ``compare`` and ``export`` take the
    folder as they take a sweep's. Several monitors, each of other settings or another seed, may
    write into one folder, also from several processes.

    Args:
        folder: where the record is written.
        model: as :func:`reluprobe.inspect` takes it; None where hooks collect pre-activations.
        probe: the examples that every look is at; they stay the same.
        params: a function's parameters, to know them by.
        name: the network's name in headlines; that of the model if None.
        settings: what tells this run from others, ``{"lr": 1e-3}``: text, numbers, true, false.
        seed: what tells it from others of the same settings: these are folded.
        weights: of the probe's examples or positions; what has 0 is not counted.
        box: ``(low, high)`` of every input, to certify units.
        device_batch: the most examples that go through the network at once.
        fresh: move an earlier record of the same name, settings and seed aside.
        resume: go on from it; looks after the step at which training goes on are dropped.

    Raises:
        InputError: a model, probe or settings that do not fit, or a record that is there already.

    Examples:
        >>> monitor = rp.Monitor("results/mine", model, probe=images[:1000], settings={"lr": 1e-3})
        >>> monitor(step, nnx.state(model), loss=loss, accuracy=accuracy)
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        model: Any = None,
        probe: Any = None,
        *,
        params: Any = None,
        name: str | None = None,
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        weights: Any = None,
        box: tuple[float, float] | None = None,
        device_batch: int | None = None,
        fresh: bool = False,
        resume: bool = False,
    ) -> None:
        if (model is None) != (probe is None):
            raise InputError("a monitor needs a model and a probe", ["got one of the two"])
        self.folder = arguments.path("folder", folder)
        self._model, self._looker, self._size = model, None, device_batch
        self._probe, self._weights = _kept(probe), _kept(weights)
        if model is not None:
            self._looker = _looker(model, params, box)
        called = self._looker.network.called if self._looker else "network"
        foreign = Foreign(name or called, seed, arguments.table("settings", settings))
        self.name = foreign.name
        self._record = claim_foreign(self.folder, foreign, fresh=fresh, resume=resume)
        self._foreign, self._resumed = foreign, self._record is not None
        self._before: Any = None
        self._writer = _Writer(self.folder)
        # Also where a script ends without a word, or by an error.
        self._finalizer = weakref.finalize(self, self._writer.flush)

    def __call__(self, step: int, params: Any = None, **measures: Unpack[Measures]) -> Inspection:
        """Look at the network as it is after ``step`` steps.

        Args:
            step: how many steps it has been trained; later than at the last look.
            params: NNX state or module, Equinox module or its arrays, Linen or Haiku parameters, a
                PyTorch ``state_dict`` as NumPy arrays; of an NNX module it may be left out.
            **measures: what you have measured: ``loss`` and ``train_accuracy`` of the training
                data, ``accuracy`` and ``test_loss`` of data held out. Accuracies are in [0, 1].

        Raises:
            InputError: another step, structure or shape than expected; the network raised.
        """
        began = time.monotonic()
        self._check_step(step)
        now = self._read(params)
        look = self._look(now, self._probe, self._weights)
        return self._add(step, look, measures, began, now)

    def see(
        self, step: int, collected: Mapping[str, Any], **measures: Unpack[Measures]
    ) -> Inspection:
        """Take pre-activations that your own hooks collected on a fixed set of examples.

        Args:
            step: how many steps the network has been trained.
            collected: ``{"fc1": (z, "relu")}``, z of ``(example, unit)``; ``(z, "relu", axis)``
                where z has more axes, ``axis`` being that of the units.
            **measures: as in a call.
        """
        from reluprobe.foreign import hooked

        began = time.monotonic()
        self._check_step(step)
        return self._add(step, hooked.look(collected), measures, began)

    def split(
        self,
        name: str,
        params: Any,
        batches: Any,
        *,
        loss: Any = None,
        accuracy: Any = None,
        weights: Any = None,
    ) -> Inspection:
        """Look at the finished network on other examples: ``test``, or all of ``train``.

        ``report --bounds`` and ``compare --on`` hold them against the probe.
        """
        from reluprobe.foreign import recorder

        began = time.monotonic()
        if self._record is None:
            raise InputError("no look yet", [f"{name}: call the monitor before its splits"])
        numbers, _ = recorder.measured(Measures(loss=loss, accuracy=accuracy))
        look = self._look(self._read(params), batches, weights)
        recorder.check_alike(look, self._record.layers)
        layers = recorder.layer_records(look)
        sample = SampleRecord(name, look.examples, numbers.loss, numbers.accuracy, layers)
        self._keep(recorder.with_sample(self._record, sample), began, last=True)
        return inspection.named(look, self.name)

    @property
    def record(self) -> RunRecord | None:
        """The run so far; None before the first look."""
        return self._record

    def close(self) -> None:
        """Write what is not written yet; it is written at the end of the process too."""
        self._writer.flush()

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self, params: Any) -> Any:
        """The parameters as the network's function takes them.

        Raises:
            InputError: they are others, or there is no network.
        """
        if self._looker is None:
            raise InputError("this monitor has no model", hint="monitor.see takes pre-activations")
        return self._looker.network.read(self._model if params is None else params)

    def _look(self, params: Any, source: Any, weights: Any) -> Look:
        assert self._looker is not None
        examples = self._looker.pieces(params, source, weights, self._size)
        return self._looker.look(params, examples)

    def _explained(self, record: RunRecord, params: Any) -> RunRecord:
        """The record with what killed the units that have died since the last look."""
        import jax

        from reluprobe.foreign import recorder

        assert self._looker is not None
        before = self._before
        # A copy: their owner may change them in place, or give their memory away.
        self._before = jax.tree.map(lambda leaf: leaf.copy(), params)
        if before is None or not any(layer.deaths for layer in record.final.layers):
            return record
        examples = self._looker.pieces(params, self._probe, self._weights, self._size)
        return recorder.with_causes(record, self._looker.causes(before, params, examples))

    def _check_step(self, step: int) -> None:
        if not hasattr(step, "__index__") or isinstance(step, bool) or int(step) < 0:
            raise InputError(
                "cannot record this", [f"step = {shown(step)}: allowed are 0, 1, 2, …"]
            )
        last = self._record.history[-1].step if self._record and self._record.history else None
        if last is not None and int(step) <= last and not self._resumed:
            raise InputError("cannot go back", [f"step = {step}: the last look was at {last}"])

    def _add(
        self, step: int, look: Look, measures: Measures, began: float, params: Any = None
    ) -> Inspection:
        from reluprobe.foreign import recorder

        numbers, finite = recorder.measured(measures)
        finite = finite and not any(layer.not_finite.all() for layer in look.layers if layer.units)
        record = self._record or self._begun(look)
        recorder.check_alike(look, record.layers)
        record = recorder.with_look(record, int(step), numbers, look, finite)
        self._keep(record if params is None else self._explained(record, params), began)
        self._resumed = False
        return inspection.named(look, self.name)

    def _begun(self, look: Look) -> RunRecord:
        import jax

        from reluprobe.foreign import recorder
        from reluprobe.records.environment import describe_environment

        environment = describe_environment(jax.local_devices())
        record = recorder.begun(self._foreign, "probe", look.examples, environment)
        return replace(record, layers=recorder.described(look), coverage=look.coverage)

    def _keep(self, record: RunRecord, began: float, last: bool = False) -> None:
        """Take the record as it is now; its seconds are those spent on looking."""
        spent = record.seconds + time.monotonic() - began
        self._record = replace(record, seconds=round(spent, 3))
        self._writer.take(self._record, last)


def _looker(model: Any, params: Any, box: Any) -> Any:
    from reluprobe.foreign import look
    from reluprobe.foreign.models import opening
    from reluprobe.foreign.models.network import Network

    network = model if isinstance(model, Network) else opening.as_network(model, params)
    return look.Looker(network, box)


def _kept(source: Any) -> Any:
    """What can be gone through at every look."""
    return list(source) if isinstance(source, Iterator) else source


class _Writer:
    """Writes a record as it grows, whole each time, without holding up the loop for long."""

    def __init__(self, folder: Any) -> None:
        self._folder = folder
        self._waiting: RunRecord | None = None
        self._due = 0.0

    def take(self, record: RunRecord, now: bool = False) -> None:
        """Write it, unless the last writing is too short ago for what it cost."""
        self._waiting = record
        if now or time.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if self._waiting is None:
            return
        began = time.monotonic()
        write(self._waiting, self._folder)
        self._waiting = None
        self._due = time.monotonic() + (time.monotonic() - began) * (1 / WRITING - 1)
