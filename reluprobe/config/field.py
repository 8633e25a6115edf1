"""What a setting is: a field of a dataclass that knows its help, its bounds and its role."""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import annotated_types
from pydantic import ConfigDict, TypeAdapter, ValidationError

from reluprobe.errors import nearest

#: The largest number that the engine can hold.
FLOAT32_MAX = 3.4028234e38
TYPES = {int: "an integer", float: "a number", str: "a text", bool: "true or false"}
#: What a setting is to the compiled program; see :func:`setting`.
Role = Literal["static", "start", "number", "dial"]


@dataclass(frozen=True)
class Form:
    """A text with a grammar.

    Attributes:
        allowed: what may be written, in words.
        pattern: the same as a regular expression of a whole text, as far as one can say it.
        fault: what is wrong with a text; None where nothing is.
        normal: the one way of writing what a text says, so that equal runs have equal ids.
    """

    allowed: str
    pattern: str
    fault: Callable[[str], str | None]
    normal: Callable[[str], str]


@dataclass(frozen=True)
class Key:
    """A key of a sweep file that is no setting: type, default and meaning in words."""

    kind: str
    default: str
    meaning: str


def setting(
    default: Any,
    help: str,
    *,
    role: Role = "static",
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
    choices: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
    words: tuple[str, ...] = (),
    form: Form | None = None,
    only_with: tuple[str, tuple[Any, ...]] | None = None,
    not_with: tuple[str, tuple[Any, ...]] | None = None,
) -> Any:
    """One setting.

    Args:
        default: its value where nobody gives another; the MNIST study's.
        help: one line for ``--help`` and the documentation.
        role: what it is to the compiled program. ``static``: it changes shapes, code or rhythm,
            and runs that differ in it are compiled apart. ``start``: it only makes the starting
            point. ``number``: data of the program. ``dial``: a number that is a part of the
            program only where it is not at its default.
        gt: a number must be greater than this.
        ge: a number must be at least this.
        lt: a number must be less than this.
        le: a number must be at most this.
        choices: the allowed names, where it is a name.
        flags: further spellings on the command line.
        words: words that may stand in a number's place.
        form: of a text that is more than a name: see :class:`Form`.
        only_with: ``(setting, names)``: this setting has an effect only where that one has one
            of these names. Elsewhere it is put back to its default, so that runs which cannot
            differ share one id.
        not_with: the same the other way round: no effect where that setting has one of these.
    """
    checks: list[Any] = [annotated_types.Interval(gt=gt, ge=ge, lt=lt, le=le)]
    if isinstance(default, float):
        checks.append(annotated_types.Predicate(lambda value: abs(value) <= FLOAT32_MAX))
        # The engine rounds to float32, which may put what is just inside a bound upon it: a
        # dropout of 1 − 1e-9 would be one of 1, and all NaN.
        checks.append(annotated_types.Predicate(lambda value: _strictly(gt, value, lt)))
    if choices:
        checks.append(annotated_types.Predicate(choices.__contains__))
    if form:
        checks.append(annotated_types.Predicate(lambda text: form.fault(text) is None))
    metadata = {
        "help": help,
        "role": role,
        "flags": flags,
        "words": words,
        "choices": choices,
        "bounds": (gt, ge, lt, le),
        "form": form,
        "only_with": only_with,
        "not_with": not_with,
        "checks": checks,
    }
    return field(default=default, metadata=metadata)


def _strictly(gt: float | None, value: float, lt: float | None) -> bool:
    rounded = ctypes.c_float(value).value
    return (gt is None or rounded > gt) and (lt is None or rounded < lt)


@dataclass(frozen=True)
class Setting:
    """What the rest of reluprobe may know about one field of :class:`RunConfig`."""

    name: str
    type: type
    default: Any
    help: str
    role: Role
    flags: tuple[str, ...]
    choices: tuple[str, ...]
    words: tuple[str, ...]
    bounds: tuple[float | None, ...]
    form: Form | None
    only_with: tuple[str, tuple[Any, ...]] | None
    not_with: tuple[str, tuple[Any, ...]] | None
    adapter: TypeAdapter[Any] = dataclasses.field(repr=False, compare=False)

    @property
    def allowed(self) -> str:
        """What may stand here, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.form:
            return self.form.allowed
        signs = zip((">", ">=", "<", "<="), self.bounds, strict=True)
        parts = [f"{sign} {bound:g}" for sign, bound in signs if bound is not None]
        if self.type is float and not parts:
            return "a finite number"
        number = f"{TYPES[self.type]} {' and '.join(parts)}".strip()
        return ", or ".join([number, *self.words])

    @property
    def condition(self) -> str:
        """Beside what else this setting has an effect, in words; empty where always."""
        for word, rule in (("Only with", self.only_with), ("Not with", self.not_with)):
            if rule is not None:
                return f"{word} {rule[0]} {' or '.join(map(str, rule[1]))}."
        return ""

    def fault(self, value: Any) -> str | None:
        """Why ``value`` may not stand here, or None where it may."""
        try:
            self.adapter.validate_python(value)
        except ValidationError:
            if self.form and isinstance(value, str):
                return f"{self.name} = {value!r}: {self.form.fault(value)}"
            close = nearest(value, self.choices) if isinstance(value, str) else ""
            return f"{self.name} = {value!r}: allowed is {self.allowed}{close}"
        return None

    def clean(self, value: Any) -> Any:
        """A checked value as its own type (``5`` becomes ``5.0`` where a number is due)."""
        value = self.adapter.validate_python(value)
        return value if self.form is None else self.form.normal(value)

    def applies(self, settings: Mapping[str, Any]) -> bool:
        """Whether this setting has an effect beside these other ``settings``."""
        return self.idle(settings) is None

    def idle(self, settings: Mapping[str, Any]) -> str | None:
        """Why this setting has no effect beside these other ``settings``; None where it has."""
        if self.only_with is not None:
            other, names_ = self.only_with
            if settings[other] not in names_:
                there = (
                    f"{other} = {' or '.join(map(str, names_))}, and {other} is {settings[other]}"
                )
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
