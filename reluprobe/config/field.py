"""Setting: a field of a dataclass that knows its help, its bounds and its role."""

from __future__ import annotations

import ctypes
import dataclasses
import operator
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import core_schema

from reluprobe.errors import nearest, shown

#: The largest number that the engine can hold.
FLOAT32_MAX = 3.4028234e38
#: The smallest above 0: XLA takes what is smaller, float32's subnormal numbers, for 0.
FLOAT32_LEAST = 1.1754944e-38
#: The largest step, epoch or number of examples that the engine can count to.
INT32_MAX = 2**31 - 1
#: What is said of a number that is within its bounds, and is not as the engine rounds it.
IN_FLOAT32 = f", rounded to float32 (magnitudes from {FLOAT32_LEAST:g} to {FLOAT32_MAX:g})"
TYPES = {int: "an integer", float: "a number", str: "a text", bool: "true or false"}
#: What a setting is to the compiled program; see :class:`Spec`.
Role = Literal["static", "start", "number", "dial"]


@dataclass(frozen=True)
class Form:
    """A text with a grammar.

    Attributes:
        allowed: what may be written, in words.
        pattern: the same as a regular expression of a whole text, as far as one can say it.
        fault: what is wrong with a text; None where nothing is.
        normal: the one way of writing what a text says, so that equal runs have equal ids.
        listed: in TOML and Python a list of whole numbers may stand for the text of them.
    """

    allowed: str
    pattern: str
    fault: Callable[[str], str | None]
    normal: Callable[[str], str]
    listed: bool = False

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """A text that pydantic takes where it has no fault."""
        return core_schema.no_info_after_validator_function(self.checked, core_schema.str_schema())

    def checked(self, text: str) -> str:
        """The text, as pydantic wants a check to be.

        Raises:
            ValueError: it has a fault.
        """
        if reason := self.fault(text):
            raise ValueError(reason)
        return text


@dataclass(frozen=True)
class Key:
    """A key of a sweep file that is no setting: type, default and meaning in words."""

    kind: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Spec:
    """What a setting may be and what it is for: a part of its field's ``Annotated`` type.

    Pydantic checks a value by it wherever the field is read, in a sweep file and in a record.

    Attributes:
        help: one line for ``--help`` and the documentation.
        role: what it is to the compiled program. ``static``: it changes shapes, code or schedule,
            and runs that differ in it are compiled apart. ``start``: it only makes the starting
            point. ``number``: data of the program. ``dial``: a number that is a part of the
            program only where it is not at its default.
        gt: a number must be greater than this.
        ge: a number must be at least this.
        lt: a number must be less than this.
        le: a number must be at most this.
        choices: the allowed names, where it is a name.
        flags: further spellings on the command line.
        form: of a text that is more than a name: see :class:`Form`.
        only_with: ``(setting, names)``: this setting has an effect only where that one has one
            of these names. Elsewhere it is put back to its default, so that runs which cannot
            differ share one id.
        not_with: the same the other way round: no effect where that setting has one of these.
    """

    help: str
    _: KW_ONLY
    role: Role = "static"
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    choices: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    form: Form | None = None
    only_with: tuple[str, tuple[Any, ...]] | None = None
    not_with: tuple[str, tuple[Any, ...]] | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Checks that pydantic's own Rust does: ten thousand records have half a million fields."""
        if self.choices:
            return core_schema.literal_schema([*self.choices])
        if self.form:
            return self.form.__get_pydantic_core_schema__(source, handler)
        limits = {"gt": self.gt, "ge": self.ge, "lt": self.lt, "le": self.le}
        if source is float:
            limits["ge"] = -FLOAT32_MAX if self.gt is self.ge is None else self.ge
            limits["le"] = FLOAT32_MAX if self.lt is self.le is None else self.le
        stated = {sign: limit for sign, limit in limits.items() if limit is not None}
        return cast(core_schema.CoreSchema, handler(source) | stated)


@dataclass(frozen=True, kw_only=True)
class Setting(Spec):
    """What the rest of reluprobe may know about one field of :class:`RunConfig`.

    Attributes:
        name: the field's.
        type: of its values, words apart.
        default: its value where nobody gives another; the MNIST study's.
        words: words that may stand in a number's place.
        text: the text that may.
        adapter: checks a value as the field does.
    """

    name: str
    type: type
    default: Any
    words: tuple[str, ...]
    text: Form | None = None
    adapter: TypeAdapter[Any] = dataclasses.field(repr=False, compare=False)

    @property
    def bounds(self) -> tuple[float | None, ...]:
        """Greater than, at least, less than, at most."""
        return self.gt, self.ge, self.lt, self.le

    @property
    def allowed(self) -> str:
        """What may stand here, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.form:
            return self.form.allowed
        signs = zip((">", ">=", "<", "<="), self.bounds, strict=True)
        parts = [f"{sign} {bound}" for sign, bound in signs if bound is not None]
        if self.type is float and not parts:
            return "a finite number"
        number = f"{TYPES[self.type]} {' and '.join(parts)}".strip()
        return ", or ".join([number, *self.words, *([self.text.allowed] if self.text else [])])

    @property
    def condition(self) -> str:
        """Beside what else this setting has an effect, in words; empty where always."""
        for word, rule in (("Only with", self.only_with), ("Not with", self.not_with)):
            if rule is not None:
                return f"{word} {rule[0]} {' or '.join(map(str, rule[1]))}."
        return ""

    def fault(self, value: Any) -> str | None:
        """Why ``value`` may not stand here, or None where it may."""
        if self._allows(self._unlisted(value)):
            return None
        grammar = self.form or self.text
        text = self._unlisted(value)
        # Where a number may stand too, what is no list of them is told of both.
        if grammar and isinstance(text, str) and (self.form or text[:1].isdigit()):
            return f"{self.name} = {shown(value)}: {grammar.fault(text)}"
        close = nearest(value, self.choices) if isinstance(value, str) else ""
        rounding = IN_FLOAT32 if self.type is float and self._within(value) else ""
        return f"{self.name} = {shown(value)}: allowed is {self.allowed}{rounding}{close}"

    def _unlisted(self, value: Any) -> Any:
        """A list of whole numbers as the text that stands for it."""
        grammar = self.form or self.text
        if grammar is None or not grammar.listed or not isinstance(value, list | tuple):
            return value
        whole = value and all(type(number) is int for number in value)
        return "-".join(map(str, value)) if whole else value

    def _within(self, value: Any) -> bool:
        """Whether a number is within the bounds, be it one that the engine can hold or not."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        tests = zip((operator.gt, operator.ge, operator.lt, operator.le), self.bounds, strict=True)
        bounded = all(holds(value, bound) for holds, bound in tests if bound is not None)
        return bounded and value == value  # NaN is no number

    def _allows(self, value: Any) -> bool:
        try:
            checked = self.adapter.validate_python(value)
        except ValidationError:
            return False
        if self.type is not float:
            return True
        # Asked of what people write, and not of each record again. The engine rounds to float32,
        # which may put what is just inside a bound upon it: a dropout of 1 − 1e-9 would be one of
        # 1, and all NaN.
        rounded = ctypes.c_float(checked).value
        return self._within(rounded if abs(rounded) >= FLOAT32_LEAST else 0.0)

    def clean(self, value: Any) -> Any:
        """A checked value as its own type (``5`` becomes ``5.0`` where a number is due)."""
        value = self.adapter.validate_python(self._unlisted(value))
        if self.type is float:
            return value + 0.0  # −0 is 0: equal runs have one id
        grammar = self.form or self.text
        return grammar.normal(value) if grammar and isinstance(value, str) else value

    def applies(self, settings: Mapping[str, Any]) -> bool:
        """Whether this setting has an effect beside these other ``settings``."""
        return self.idle(settings) is None

    def idle(self, settings: Mapping[str, Any]) -> str | None:
        """Why this setting has no effect beside these other ``settings``; None where it has."""
        if self.only_with is not None:
            other, names_ = self.only_with
            if settings[other] not in names_:
                needed = f"{other} = {' or '.join(map(str, names_))}"
                return f"has an effect only with {needed}, and {other} is {settings[other]}"
        if self.not_with is not None:
            other, names_ = self.not_with
            if settings[other] in names_:
                return f"has no effect with {other} = {settings[other]}"
        return None


def settings_in(table: type) -> dict[str, Setting]:
    """Every setting that a dataclass defines, by name, in its order."""
    strict = ConfigDict(strict=True, allow_inf_nan=False)
    hints = get_type_hints(table, include_extras=True)
    settings = {}
    for f in dataclasses.fields(table):
        hint = hints[f.name]
        # ``Annotated[int, Spec(…)] | Literal["all"]``: a number, or one of some words; or a text,
        # ``Annotated[str, Form(…)]``.
        number, *others = get_args(hint) if get_origin(hint) is Union else (hint,)
        kind, spec = get_args(number)
        arguments = [argument for other in others for argument in get_args(other)]
        settings[f.name] = Setting(
            **vars(spec),
            name=f.name,
            type=kind,
            default=f.default,
            words=tuple(word for word in arguments if isinstance(word, str)),
            text=next((form for form in arguments if isinstance(form, Form)), None),
            adapter=TypeAdapter(hint, config=strict),
        )
    return settings


def count_of(digits: str) -> int:
    """The number that these digits are; what is beyond ``INT32_MAX`` is one more than that.

    Python refuses to read more than 4,300 digits.
    """
    significant = digits.lstrip("0") or "0"
    return min(int(significant), INT32_MAX + 1) if len(significant) < 11 else INT32_MAX + 1
