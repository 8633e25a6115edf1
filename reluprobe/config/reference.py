"""Published results to hold a sweep against: shipped with the package, or a JSON file.

The form is that of ``references/mnist_study.json``: ``source`` and ``criterion`` in words,
``protocol`` as a table, ``runs`` by activation, an entry an epoch; or as in
``references/tutorial.json`` by other settings, ``"learning_rate=0.1"``. Shares of units are in
percent there, as published; accuracies are in [0, 1]. Of either there may be a range, of several
publications: ``[94, 97]``. ``definition``, which the MNIST study's record leaves at its default,
says which of reluprobe's definitions the criterion is.
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

from reluprobe.config import arguments, assignments, documents
from reluprobe.config.choices import ACTIVATIONS, DEFINITIONS
from reluprobe.config.field import count_of
from reluprobe.config.published import PublishedEpoch
from reluprobe.config.run_config import RunConfig
from reluprobe.config.settings import (
    SETTINGS,
    Value,
    cleaned,
    faults_of,
    idle_settings,
    make_run,
    settings_of,
)
from reluprobe.config.validation import faults_in
from reluprobe.errors import InputError, nearest, shown
from reluprobe.files.printable import printable
from reluprobe.files.regular import read_regular

#: The names of the records that come with the package.
SHIPPED = ("mnist_study", "tutorial")


@dataclass(frozen=True)
class Reference:
    """A published record.

    Attributes:
        name: what a sweep file calls it; a file's stem.
        protocol: what was run. Keys that are settings of reluprobe are compared with the runs.
        runs: by activation, ``relu``, or by the settings that tell them apart, ``lr=0.1``.
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

    def choice(self, key: str) -> dict[str, Value]:
        """The settings by which runs are chosen for this key of ``runs``, and their values."""
        target = self.target(key)
        return {name: target[name] for name in _named_by(key)[0]}

    def target(self, key: str) -> dict[str, Value]:
        """Every setting but the seed: the key's, the protocol's, and reluprobe's defaults.

        ``bias = "zeros"`` is ``bias_init = 0``, ``pixels = "[0,1]"`` is ``unit``, and the first
        number in ``probe`` is how many examples were probed. What cannot be put so is in
        :meth:`unchecked`.
        """
        target = settings_of(self._run(key))
        return {name: value for name, value in target.items() if name != "seed"}

    def layer_units(self, key: str) -> tuple[int, ...]:
        """Units of each hidden layer; none of somebody's own network."""
        return self._run(key).sizes

    def _run(self, key: str) -> RunConfig:
        return make_run(self.protocol_settings() | _named_by(key)[0])

    def protocol_settings(self) -> dict[str, Any]:
        """What the protocol says of settings, as settings have it."""
        given = {k: _meant(k, v) for k, v in self.protocol.items() if k in SETTINGS}
        if self.protocol.get("bias") == "zeros":
            given["bias_init"] = 0.0
        probed = _COUNT.search(str(self.protocol.get("probe", "")))
        if probed:
            given["probe_examples"] = count_of(probed[0].replace(",", ""))
        return given

    def unchecked(self) -> list[str]:
        """The keys of the protocol that no setting stands for: nobody compares these."""
        known = {*SETTINGS, "probe", *(["bias"] if self.protocol.get("bias") == "zeros" else [])}
        return [key for key in self.protocol if key not in known]


#: What publications write where a setting has a name of its own.
SPOKEN: dict[tuple[str, Any], Value] = {("pixels", "[0,1]"): "unit"}


#: A number of examples: ``1000``, ``1,000``.
_COUNT = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+")


def _meant(key: str, value: Any) -> Any:
    return SPOKEN.get((key, value), value) if isinstance(value, str) else value


def _named_by(key: str) -> tuple[dict[str, Any], list[str]]:
    """The settings of a key of ``runs``, ``relu`` or ``lr=0.1,act=relu``, and its faults."""
    if "=" not in key:
        known = key in ACTIVATIONS
        allowed = f"no such activation{nearest(key, ACTIVATIONS)}; settings are SETTING=VALUE"
        return {"activation": key}, [] if known else [allowed]
    texts, faults = assignments.parse([key])
    given = {name: assignments.value_of(name, text) for name, text in texts.items()}
    faults += faults_of(given)
    if "seed" in given:
        faults.append("a published seed is none of ours: no run is chosen by it")
    return ({} if faults else cleaned(given)), faults


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
    faults = [f"protocol: {fault}" for fault in faults_of(reference.protocol_settings())]
    if reference.definition not in DEFINITIONS:
        near = nearest(reference.definition, DEFINITIONS)
        allowed = f"allowed is one of {', '.join(DEFINITIONS)}"
        faults.append(f"definition = {shown(reference.definition)}: {allowed}{near}")
    for key, epochs in reference.runs.items():
        if any(b.epoch <= a.epoch for a, b in itertools.pairwise(epochs)):
            faults.append(f"runs.{key}: its epochs are not in order, each once")
        if len({len(epoch.layers) for epoch in epochs}) > 1:
            faults.append(f"runs.{key}: its epochs have not all as many layers")
        faults += [f"runs.{key}: {fault}" for fault in _named_by(key)[1]]
    return faults or _faults_of_keys(reference)


def _faults_of_keys(reference: Reference) -> list[str]:
    """What is wrong with keys that are each well formed, beside the protocol and each other."""
    faults = []
    key_of: dict[tuple[tuple[str, Value], ...], str] = {}
    for key, epochs in reference.runs.items():
        given = _named_by(key)[0]
        idle = idle_settings(reference.protocol_settings() | given)
        faults += [f"runs.{key}: {line}" for line in idle if line.split()[0] in given]
        first = key_of.setdefault(tuple(sorted(reference.choice(key).items())), key)
        if first != key:
            faults.append(f"runs.{key}: chooses the same runs as {first}")
        units, layers = reference.layer_units(key), len(epochs[0].layers)
        if len(set(units)) > 1 and len(units) != layers:
            networks = f"{'-'.join(map(str, units))} has {len(units)}"
            faults.append(f"runs.{key}: {layers} layers were published, and {networks}")
    return faults
