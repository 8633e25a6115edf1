"""Columns of the table ``runs``: one row per run, with its settings and its outcome."""

from __future__ import annotations

from collections.abc import Callable

from reluprobe.analysis import thresholds
from reluprobe.analysis.aggregate import collapsed, share
from reluprobe.analysis.settings import SEED
from reluprobe.config import SETTINGS, Setting
from reluprobe.config.choices import DEFINITIONS
from reluprobe.records.schema import NAME
from reluprobe.report.export.columns import Column, Kind, Run, Value, keys, measures
from reluprobe.report.terminal.tables import CALLED

Columns = list[Column[Run]]
_KINDS: dict[type, Kind] = {int: "whole number", float: "number", bool: "true or false"}
_PLACE: dict[str, tuple[Kind, str]] = {
    "device": ("text", "What it was run on."),
    "devices": ("whole number", "How many of these."),
    "reluprobe": ("text", "Version of reluprobe."),
    "jax": ("text", "Version of JAX."),
    "jaxlib": ("text", "Version of JAX's compiled half."),
    "backend": ("text", "JAX's name for the kind of device: cpu, gpu."),
    "processor": ("text", "Model of the processor."),
}


def _fate() -> Columns:
    def diverged(run: Run) -> Value:
        return run.record.diverged_at if run.record.status == "diverged" else None

    def constant(run: Run) -> Value:
        collapse = collapsed(run.record)
        return collapse.layer if collapse else None

    said = "First epoch of a diverged run whose numbers are not finite; of a foreign run, step."
    constant_layer = (
        "First hidden layer that is constant on the probe at the end: the output of a run that "
        "ended does not depend on its input. Null of a foreign run."
    )
    return [
        Column("status", "text", "ok, diverged or failed.", lambda run: run.record.status),
        Column("error", "text", "What a failed run failed of.", lambda run: run.record.error),
        Column("diverged_at", "whole number", said, diverged),
        Column("collapsed_at", "whole number", constant_layer, constant),
    ]


#: Of settings that a record has in another form than a sweep file: what stands there.
_RESOLVED = {
    "activation": "Activation of the hidden layers; its parameter has a column of its own.",
    "dormant_threshold": "τ by which units are dormant here: a unit's mean |output| over its "
    "layer's mean, at or below it.",
    "rare_threshold": "Largest share of examples on which a unit that is rare here fires.",
    "probe_examples": "Training examples, the first of them, that units are probed on.",
}


#: Settings that the reader of a record may ask anew, and the definitions that are theirs.
_COUNTED = {setting: definition for definition, setting in thresholds.SETTINGS.items()}


def _setting(setting: Setting) -> Column[Run]:
    """A setting as the run has it; null where it has no effect beside the others."""

    def value(run: Run) -> Value:
        if run.record.ours is None:
            return run.record.seed if setting.name == SEED else None
        # The setting may be a word, all; a column has one type.
        if setting.name == "probe_examples":
            return run.record.probe.examples
        # That which counts: another may have been asked for.
        if setting.name in _COUNTED:
            return getattr(thresholds.counted(run.record), _COUNTED[setting.name])
        return run.settings[setting.name] if setting.applies(run.settings) else None

    said = _RESOLVED.get(setting.name, f"{setting.help} {setting.condition}".strip())
    return Column(setting.name, _KINDS.get(setting.type, "text"), said, value)


def _size() -> Columns:
    def last(run: Run) -> Value:
        return run.last.epoch if run.last and run.record.ours else None

    said = "Epoch after which it was probed last, over all phases; null of a foreign run."
    return [
        Column("last_epoch", "whole number", said, last),
        Column(
            "last_step",
            "whole number",
            "Step after which it was probed last; null in older records.",
            lambda run: run.last.step if run.last else None,
        ),
        Column(
            "units",
            "whole number",
            "Hidden units of the network; of a foreign one those that are counted.",
            lambda run: run.record.units,
        ),
    ]


def _name() -> Columns:
    def name(run: Run) -> Value:
        return run.record.foreign.name if run.record.foreign else None

    said = "What a foreign run is called; null for runs that reluprobe trained."
    return [Column(NAME, "text", said, name)]


def _shares() -> Columns:
    """Shares of all hidden units: by each definition on each split, and for certain."""

    def probed(measure: str) -> Callable[[Run], Value]:
        return lambda run: share(run.last.layers, measure) if run.last else None

    def on(split: str, measure: str) -> Callable[[Run], Value]:
        def value(run: Run) -> Value:
            ended = run.on_split(split)
            return share(ended.layers, measure) if ended else None

        return value

    columns: Columns = []
    for name in DEFINITIONS:
        word, rule = CALLED[name]
        said = f"Share of all hidden units that are {word} at the end: {rule}."
        columns.append(Column(name, "fraction", said, probed(name)))
    said = "Share of all hidden units dead for every input in the training data's box."
    columns.append(Column("certified", "fraction", said, probed("certified")))
    for split, where in (("test", "test set"), ("train", "whole training set")):
        for name in DEFINITIONS:
            said = f"As {name}, on the {where} in the probe's place."
            columns.append(Column(f"{name}_on_{split}", "fraction", said, on(split, name)))
    return columns


def _splits() -> Columns:
    """The finished network on each split, but for what :func:`measures` has."""

    def measured(split: str, field: str) -> Callable[[Run], Value]:
        return lambda run: getattr(run.on_split(split), field, None)

    columns: Columns = []
    for s, where in (("test", "test set"), ("train", "training set")):
        size = measured(s, "examples")
        columns.append(Column(f"{s}_examples", "whole number", f"Examples of the {where}.", size))
    fields: dict[str, tuple[Kind, str]] = {
        "accuracy": ("fraction", "Accuracy"),
        "loss": ("number", "Loss"),
        "r2": ("number", "R squared"),
        "rmse": ("number", "Root mean squared error"),
    }
    for s, where in (("probe", "probe"), ("train", "whole training set")):
        for field, (kind, called) in fields.items():
            said = f"{called} of the finished network on the {where}."
            columns.append(Column(f"{field}_on_{s}", kind, said, measured(s, field)))
    return columns


def _provenance() -> Columns:
    def recorded(name: str) -> Callable[[Run], Value]:
        return lambda run: run.record.environment.get(name)

    said = "The run's share of its sweep's wall time, in seconds."
    seconds = Column[Run]("seconds", "number", said, lambda run: run.record.seconds)
    places = (Column(name, kind, said, recorded(name)) for name, (kind, said) in _PLACE.items())
    return [seconds, *places]


#: A column for every setting.
SETTING_COLUMNS: tuple[Column[Run], ...] = tuple(map(_setting, SETTINGS.values()))

RUNS: tuple[Column[Run], ...] = (
    *keys(lambda run: run),
    *_fate(),
    *_name(),
    *SETTING_COLUMNS,
    *_size(),
    *measures(lambda run: run.last, "; of the last epoch"),
    *_shares(),
    *_splits(),
    *_provenance(),
)
