"""Published results to hold a sweep against: shipped with the package, or a JSON file.

The form is that of ``references/mnist_study.json``: ``source`` and ``criterion`` in words,
``protocol`` as a table, ``runs`` by activation, an entry an epoch. Shares of units are in percent
there, as published; accuracies are in [0, 1]. ``definition``, which the shipped record leaves at
its default, says which of reluprobe's definitions the criterion is.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from reluprobe.config import arguments, documents
from reluprobe.config.choices import ACTIVATIONS, DEFINITIONS
from reluprobe.config.field import FLOAT32_MAX, INT32_MAX, count_of
from reluprobe.config.settings import SETTINGS, Value
from reluprobe.config.validation import faults_in
from reluprobe.errors import InputError, nearest, shown
from reluprobe.files.printable import printable
from reluprobe.files.regular import read_regular

#: The names of the records that come with the package.
SHIPPED = ("mnist_study",)

Share = Annotated[float, Field(ge=0, le=1)]
#: Of a network that float32 holds; differences and squares of it are numbers still.
Loss = Annotated[float, Field(ge=-FLOAT32_MAX, le=FLOAT32_MAX)]


@dataclass(frozen=True)
class PublishedEpoch:
    """One epoch as published: ``layers`` in percent of units, first hidden layer to last."""

    epoch: Annotated[int, Field(ge=0, le=INT32_MAX)]
    layers: Annotated[tuple[Annotated[float, Field(ge=0, le=100)], ...], Field(min_length=1)]
    train_loss: Loss | None = None
    train_accuracy: Share | None = None
    test_loss: Loss | None = None
    test_accuracy: Share | None = None


@dataclass(frozen=True)
class Reference:
    """A published record.

    Attributes:
        name: what a sweep file calls it; a file's stem.
        protocol: what was run. Keys that are settings of reluprobe are compared with the runs.
        definition: which definition of death ``layers`` count; the MNIST study's by default.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    source: str
    protocol: Mapping[str, Any]
    criterion: str
    runs: Annotated[
        Mapping[str, Annotated[tuple[PublishedEpoch, ...], Field(min_length=1)]],
        Field(min_length=1),
    ]
    definition: str = "never_positive"
    name: str = field(default="")

    def settings(self) -> dict[str, Value]:
        """The protocol as settings; where it says nothing, reluprobe's defaults.

        ``bias = "zeros"`` is ``bias_init = 0``, ``pixels = "[0,1]"`` is ``unit``, and the first
        number in ``probe`` is how many examples were probed. What cannot be put so is in
        :meth:`unchecked`.
        """
        values = {n: s.default for n, s in SETTINGS.items() if n not in ("seed", "activation")}
        values |= {k: _meant(k, v) for k, v in self.protocol.items() if k in values}
        if self.protocol.get("bias") == "zeros":
            values["bias_init"] = 0.0
        probed = re.search(r"\d+", str(self.protocol.get("probe", "")))
        return values | ({"probe_examples": count_of(probed[0])} if probed else {})

    def unchecked(self) -> list[str]:
        """The keys of the protocol that no setting stands for: nobody compares these."""
        known = {*SETTINGS, "probe", *(["bias"] if self.protocol.get("bias") == "zeros" else [])}
        return [key for key in self.protocol if key not in known]


#: What publications write where a setting has a name of its own.
SPOKEN: dict[tuple[str, Any], Value] = {("pixels", "[0,1]"): "unit"}


def _meant(key: str, value: Any) -> Any:
    return SPOKEN.get((key, value), value) if isinstance(value, str) else value


def locate(written: Any, folder: Path) -> str:
    """A shipped name as it is; a path, which ends in .json, made absolute from ``folder``.

    Raises:
        InputError: it is neither.
    """
    allowed = f"allowed is {' or '.join(SHIPPED)}, or the path of a .json file of that form"
    if not isinstance(written, str):
        raise InputError("bad reference", [f"reference = {shown(written)}: {allowed}"])
    if written in SHIPPED:
        return written
    if not written.endswith(".json"):
        near = nearest(written, SHIPPED)
        raise InputError("bad reference", [f"reference = {shown(written)}: {allowed}{near}"])
    return str((folder / arguments.path("reference", written)).resolve())


def load(located: str) -> Reference:
    """Read the reference that :func:`locate` gave.

    Raises:
        InputError: there is no such file, or it is not of the form; every fault is listed.
    """
    if located in SHIPPED:
        file = resources.files("reluprobe.config") / "references" / f"{located}.json"
        return _parse(file.read_bytes(), located, located)
    path = Path(located)
    try:
        text = read_regular(path)
    except FileNotFoundError:
        near = nearest(path.name, (p.name for p in path.parent.glob("*.json")))
        raise InputError("bad reference", [f"reference: no such file: {path}{near}"]) from None
    except OSError as error:
        fault = f"reference: cannot read {path}: {error.strerror or error}"
        raise InputError("bad reference", [fault]) from None
    return _parse(text, str(path), printable(path.stem))


def _parse(text: bytes, where: str, name: str) -> Reference:
    try:
        written = documents.from_json(text)
    except ValueError as error:
        raise InputError("bad reference", [f"reference {where}: is not JSON: {error}"]) from None
    if not isinstance(written, dict):
        got = type(written).__name__
        raise InputError("bad reference", [f"reference {where}: is a {got}; allowed is an object"])
    try:
        reference = _adapter().validate_python(written | {"name": name})
    except ValidationError as error:
        lines = [f"reference {where}: {line}" for line in faults_in(error, with_input=True)]
        raise InputError("bad reference", lines) from None
    faults = [f"reference {where}: {fault}" for fault in _faults(reference)]
    if faults:
        raise InputError("bad reference", faults)
    return reference


@functools.cache
def _adapter() -> TypeAdapter[Reference]:
    return TypeAdapter(Reference)


def _faults(reference: Reference) -> list[str]:
    faults = [
        f"runs.{name}: no such activation{nearest(name, ACTIVATIONS)}"
        for name in reference.runs
        if name not in ACTIVATIONS
    ]
    if reference.definition not in DEFINITIONS:
        near = nearest(reference.definition, DEFINITIONS)
        allowed = f"allowed is one of {', '.join(DEFINITIONS)}"
        faults.append(f"definition = {shown(reference.definition)}: {allowed}{near}")
    for name, epochs in reference.runs.items():
        if any(b.epoch <= a.epoch for a, b in itertools.pairwise(epochs)):
            faults.append(f"runs.{name}: its epochs are not in order, each once")
        if len({len(epoch.layers) for epoch in epochs}) > 1:
            faults.append(f"runs.{name}: its epochs have not all as many layers")
    for key, value in reference.protocol.items():
        fault = SETTINGS[key].fault(_meant(key, value)) if key in SETTINGS else None
        if fault:
            faults.append(f"protocol: {fault}")
    return faults
