"""The settings of one run: each has one name, one default, one help text, all of it here.

The flags of ``reluprobe train``, the keys of a sweep file, the ``config`` of a record and the
checks on all three are made from the fields of :class:`RunConfig`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import annotated_types
from pydantic import ConfigDict, TypeAdapter, ValidationError

from reluprobe.config import names
from reluprobe.errors import InputError, nearest

#: The largest number that the engine can hold.
FLOAT32_MAX = 3.4028234e38
TYPES = {int: "an integer", float: "a number", str: "a text"}


def setting(
    default: Any,
    help: str,
    *,
    gt: float | None = None,
    ge: float | None = None,
    le: float | None = None,
    choices: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
    words: tuple[str, ...] = (),
    only_with: tuple[str, tuple[str, ...]] | None = None,
    not_with: tuple[str, tuple[str, ...]] | None = None,
) -> Any:
    """One setting.

    Args:
        default: its value where nobody gives another; the MNIST study's.
        help: one line for ``--help`` and the documentation.
        gt: a number must be greater than this.
        ge: a number must be at least this.
        le: a number must be at most this.
        choices: the allowed names, where it is a name.
        flags: further spellings on the command line.
        words: words that may stand in a number's place.
        only_with: ``(setting, names)``: this setting has an effect only where that one has one
            of these names. Elsewhere it is put back to its default, so that runs which cannot
            differ share one id.
        not_with: the same the other way round: no effect where that setting has one of these.
    """
    checks: list[Any] = [annotated_types.Interval(gt=gt, ge=ge, le=le)]
    if isinstance(default, float):
        checks.append(annotated_types.Predicate(lambda value: abs(value) <= FLOAT32_MAX))
    if choices:
        checks.append(annotated_types.Predicate(choices.__contains__))
    metadata = {
        "help": help,
        "flags": flags,
        "words": words,
        "choices": choices,
        "bounds": (gt, ge, le),
        "only_with": only_with,
        "not_with": not_with,
        "checks": checks,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class RunConfig:
    """One configuration with one seed. The defaults are the MNIST study's run."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    activation: str = setting(
        "relu", "Activation of the hidden layers.", choices=names.ACTIVATIONS, flags=("--act",)
    )
    learning_rate: float = setting(5e-3, "Learning rate of the optimizer.", gt=0, flags=("--lr",))
    init: str = setting("glorot_uniform", "Initializer of the weights.", choices=names.INITS)
    init_scale: float = setting(
        0.05,
        "Standard deviation of init normal, half-width of init uniform.",
        ge=0,
        only_with=("init", ("normal", "uniform")),
    )
    bias_init: float = setting(
        0.0, "Starting value of the hidden layers' biases.", not_with=("init", ("rai",))
    )
    depth: int = setting(5, "Number of hidden layers.", ge=1, le=1000)
    width: int = setting(256, "Units in each hidden layer.", ge=1, le=65536)
    optimizer: str = setting("adam", "Optimizer.", choices=names.OPTIMIZERS)
    batch_size: int = setting(
        128, "Examples a step; an epoch's last, smaller batch is kept.", ge=1, le=1_000_000
    )
    epochs: int = setting(12, "Passes over the training set; 0 only measures the init.", ge=0)
    leaky_slope: float = setting(
        0.01, "Slope of leaky_relu below zero.", only_with=("activation", ("leaky_relu",))
    )
    elu_alpha: float = setting(
        1.0, "Alpha of elu: its limit at -inf is -alpha.", gt=0, only_with=("activation", ("elu",))
    )
    dataset: str = setting("mnist", "Dataset: mnist, blobs, abs, or any TFDS image set.")
    probe_examples: int | Literal["all"] = setting(
        1000,
        "Training examples, the first of them, that a unit is probed on; all: every one.",
        ge=1,
        words=("all",),
    )
    probe_every: int = setting(
        0, "Probe after every this many steps too; 0: after epochs only.", ge=0
    )
    seed: int = setting(42, "Seed of the run's weights and of its data order.", ge=0, le=2**32 - 1)


@dataclass(frozen=True)
class Setting:
    """What the rest of reluprobe may know about one field of :class:`RunConfig`."""

    name: str
    type: type
    default: Any
    help: str
    flags: tuple[str, ...]
    choices: tuple[str, ...]
    words: tuple[str, ...]
    bounds: tuple[float | None, float | None, float | None]
    only_with: tuple[str, tuple[str, ...]] | None
    not_with: tuple[str, tuple[str, ...]] | None
    adapter: TypeAdapter[Any] = dataclasses.field(repr=False, compare=False)

    @property
    def allowed(self) -> str:
        """What may stand here, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        signs = zip((">", ">=", "<="), self.bounds, strict=True)
        parts = [f"{sign} {bound:g}" for sign, bound in signs if bound is not None]
        if self.type is float and not parts:
            return "a finite number"
        number = f"{TYPES[self.type]} {' and '.join(parts)}".strip()
        return ", or ".join([number, *self.words])

    def fault(self, value: Any) -> str | None:
        """Why ``value`` may not stand here, or None where it may."""
        try:
            self.adapter.validate_python(value)
        except ValidationError:
            close = nearest(value, self.choices) if isinstance(value, str) else ""
            return f"{self.name} = {value!r}: allowed is {self.allowed}{close}"
        return None

    def clean(self, value: Any) -> Any:
        """A checked value as its own type (``5`` becomes ``5.0`` where a number is due)."""
        return self.adapter.validate_python(value)

    def applies(self, settings: Mapping[str, Any]) -> bool:
        """Whether this setting has an effect beside these other ``settings``."""
        return self.idle(settings) is None

    def idle(self, settings: Mapping[str, Any]) -> str | None:
        """Why this setting has no effect beside these other ``settings``; None where it has."""
        if self.only_with is not None:
            other, names_ = self.only_with
            if settings[other] not in names_:
                there = f"{other} = {' or '.join(names_)}, and {other} is {settings[other]}"
                return f"has an effect only with {there}"
        if self.not_with is not None:
            other, names_ = self.not_with
            if settings[other] in names_:
                return f"has no effect with {other} = {settings[other]}"
        return None


def settings_in(table: type) -> dict[str, Setting]:
    """Every setting that a dataclass defines, by name, in its order."""
    strict = ConfigDict(strict=True, allow_inf_nan=False)
    found = {}
    for f in dataclasses.fields(table):
        m = dict(f.metadata)
        kind = type(f.default)
        checked: Any = Annotated[(kind, *m.pop("checks"))]
        if m["words"]:
            checked = checked | Literal[m["words"]]
        adapter: TypeAdapter[Any] = TypeAdapter(checked, config=strict)
        found[f.name] = Setting(f.name, kind, f.default, adapter=adapter, **m)
    return found


#: Every setting by name, in the order in which help and documentation list them.
SETTINGS: dict[str, Setting] = settings_in(RunConfig)

#: What a setting's value may be. In TOML and JSON alike.
Value = int | float | str


def unknown(name: str, allowed: Iterable[str] = SETTINGS) -> str:
    """The fault of a key that is no setting."""
    allowed = list(allowed)
    close = nearest(name, allowed)
    listed = "" if close else f"; allowed are {', '.join(allowed)}"
    return f"unknown setting {name!r}{close}{listed}"


def faults_of(settings: Mapping[str, Any], among: Mapping[str, Setting] = SETTINGS) -> list[str]:
    """Every fault of a table of settings: unknown names and values that may not stand there."""
    found = []
    for name, value in settings.items():
        fault = among[name].fault(value) if name in among else unknown(name, among)
        if fault:
            found.append(fault)
    return found


def make_run(settings: Mapping[str, Value]) -> RunConfig:
    """A run from some settings, the others at their defaults.

    A setting that has no effect beside the others (``leaky_slope`` of a ReLU) is put back to its
    default, so that two runs which cannot differ are the same run.

    Raises:
        InputError: with every fault found.
    """
    faults = faults_of(settings)
    if faults:
        raise InputError("bad settings", faults)
    full = {n: s.default for n, s in SETTINGS.items()}
    full |= {n: SETTINGS[n].clean(v) for n, v in settings.items()}
    return RunConfig(
        **{n: v if SETTINGS[n].applies(full) else SETTINGS[n].default for n, v in full.items()}
    )


def idle_settings(settings: Mapping[str, Value]) -> list[str]:
    """The given settings that have no effect beside the others, each with the reason."""
    full = {n: s.default for n, s in SETTINGS.items()} | dict(settings)
    reasons = {name: SETTINGS[name].idle(full) for name in settings}
    return [f"{name} {reason}" for name, reason in reasons.items() if reason]


def rank(value: Value) -> tuple[bool, Value]:
    """A key to sort one setting's values by: numbers before words."""
    return isinstance(value, str), value


def settings_of(config: RunConfig) -> dict[str, Value]:
    """Every setting of a run, resolved, by name."""
    return dataclasses.asdict(config)
