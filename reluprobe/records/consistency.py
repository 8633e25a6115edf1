"""Consistency of a record: what its parts say of one another, beyond the schema of each.

Every record that any reluprobe has written keeps these rules. One that does not has been edited
or damaged since, and no number of it can be trusted.
"""

from __future__ import annotations

from collections.abc import Iterator

from reluprobe.config import RunConfig, phases, triggers
from reluprobe.config.choices import SPLITS
from reluprobe.plan.runs import run_id
from reluprobe.records import foreign_consistency
from reluprobe.records.layer_checks import MOST, LayerChecks, in_order, listed
from reluprobe.records.schema import RunRecord


def fault_in(record: RunRecord, outline: bool = False) -> str | None:
    """Where a record contradicts itself: place, what stands there, what should. None: nowhere.

    - Its id is that of its settings, and these can be read.
    - Epochs are in order, each once, up to the last one unless the run failed.
    - A probe has every hidden layer, as wide as the settings say; a layer's masks have a bit for
      each unit, and no more units died or were drawn anew than there are.
    - Measures are there at each probe until a run diverges, and never from then on.
    - Steps, samples and phases come in order, each once; phases are those of the settings.
    - What failed says of what, and nothing else does.

    A foreign run has rules of its own: ``foreign_consistency``. Of an ``outline`` (see there) only
    what it has is looked at.
    """
    return next(_faults(record, outline), None)


def _faults(record: RunRecord, outline: bool) -> Iterator[str]:
    if isinstance(record.config, RunConfig):
        yield from _faults_of_ours(record, record.config, outline)
    else:
        yield from foreign_consistency.faults(record, record.config)
    yield from _of_environment(record)
    if (record.status == "failed") != bool(record.error):
        yield f"error: is {record.error!r} beside status {record.status!r}"


def _faults_of_ours(record: RunRecord, config: RunConfig, outline: bool) -> Iterator[str]:
    yield from _of_settings(record, config)
    yield from _of_epochs(record, config)
    if not config.is_own and (record.layers or record.coverage):
        yield "layers, coverage: are of networks that reluprobe did not build"
    if record.clock != "epoch":
        yield "clock: is of runs that reluprobe did not train"
    check = LayerChecks(config.sizes or [layer.units for layer in record.layers], outline)
    lost = False
    for epoch in record.history:
        if epoch.test_loss is not None and lost:
            yield f"history.{epoch.epoch}: has a test loss, and an epoch before has none"
        lost = epoch.test_loss is None
        if fault := check.fault(epoch.layers, lost):
            yield f"history.{epoch.epoch}.{fault}"
    if lost and record.status == "ok":
        yield "status: is 'ok', and the last epoch has no test loss"
    yield from _of_steps(record, check)
    yield from _of_samples(record, check)
    yield from _of_phases(record, config, check)


def _of_settings(record: RunRecord, config: RunConfig) -> Iterator[str]:
    # The schema's patterns let some texts through; what is parsed has no fault.
    if config.phases != phases.NONE and (fault := phases.fault(config.phases)):
        yield f"config.phases: {fault}"
    if fault := triggers.fault(config.revive_at):
        yield f"config.revive_at: {fault}"
    if record.id != (own := run_id(config)):
        yield f"id: is {record.id!r}, and that of its settings is {own!r}"
    probed = record.probe.examples
    if config.probe_examples != "all" and probed > config.probe_examples:
        yield f"probe.examples: is {probed}, and probe_examples is {config.probe_examples}"


def _of_environment(record: RunRecord) -> Iterator[str]:
    for name, value in record.environment.items():
        counts = name == "devices"
        if counts is isinstance(value, str) or (counts and not 0 < int(value) < MOST):
            yield f"environment.{name}: is {value!r}"


def _of_epochs(record: RunRecord, config: RunConfig) -> Iterator[str]:
    numbers = [epoch.epoch for epoch in record.history]
    if not in_order(numbers):
        yield f"history: its epochs are not in order, each once: {listed(numbers)}"
    last = phases.total_epochs(config.phases, config.epochs)
    got = numbers[-1] if numbers else None
    # A run that failed goes as far as it came, which may be nowhere.
    if got != last and (record.status != "failed" or (got is not None and got > last)):
        yield f"history: goes to epoch {got}, and should go to {last}"


def _of_steps(record: RunRecord, check: LayerChecks) -> Iterator[str]:
    by_epoch = [(epoch.epoch, epoch.step) for epoch in record.history]
    each = {step and step / epoch if epoch else step for epoch, step in by_epoch}
    if len(each - {0}) > 1 or 0 in {step for epoch, step in by_epoch if epoch}:
        steps = listed([step for _, step in by_epoch])
        yield f"history: its steps are not those of equal epochs: {steps}"
    numbers = [step.step for step in record.steps]
    if not in_order([0, *numbers]):
        yield f"steps: are not in order, each once, from 1: {listed(numbers)}"
    last = record.history[-1].step if record.history and record.status != "failed" else None
    if numbers and last is not None and numbers[-1] >= last:
        yield f"steps: go to {numbers[-1]}, and the run has {last}"
    lost = False
    for step in record.steps:
        nulls = bool(step.layers) and step.layers[0].dead is None
        lost = lost or (nulls and record.status != "ok")
        if fault := check.fault(step.layers, lost):
            yield f"steps.{step.step}.{fault}"


def _of_samples(record: RunRecord, check: LayerChecks) -> Iterator[str]:
    names = [s.sample for s in record.samples]
    if len(set(names)) < len(names) or not set(names) <= {*SPLITS}:
        yield f"samples: are {names}; allowed is each of {', '.join(SPLITS)} once"
    for sample in record.samples:
        lost = record.status != "ok" and any(layer.dead is None for layer in sample.layers)
        if fault := check.fault(sample.layers, lost):
            yield f"samples.{sample.sample}.{fault}"
        if sample.sample == "train" and sample.examples < record.probe.examples:
            yield f"probe.examples: is {record.probe.examples}, of {sample.examples} examples"


def _of_phases(record: RunRecord, config: RunConfig, check: LayerChecks) -> Iterator[str]:
    if not record.phases:
        return
    planned = phases.stretches(config.phases, config.epochs)
    due = [
        (s.index, s.phase.dataset or config.dataset, s.phase.task, s.first, s.last) for s in planned
    ]
    written = [(p.phase, p.dataset, p.task, p.first_epoch, p.last_epoch) for p in record.phases]
    if len(planned) == 1 or written != due[: len(written)]:
        yield f"phases: are not those of the settings, {config.phases}"
    for phase in record.phases:
        if (phase.start is None) is not (phase.phase == 0):
            yield f"phases.{phase.phase}.start: stands at every phase but the first"
        for part in filter(None, (phase.start, phase.reference)):
            if fault := check.fault(part.layers, lost=False):
                yield f"phases.{phase.phase}.{fault}"
