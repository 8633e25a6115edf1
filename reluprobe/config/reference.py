"""Files of published results: shipped with the package, or a JSON file of the same form.

The form is that of ``references/mnist_study.json``: ``source`` and ``criterion`` in words,
``protocol`` as a table, ``runs`` by activation, an entry an epoch; or as in
``references/tutorial.json`` by other settings, ``"learning_rate=0.1"``. Shares of units are in
percent there, as published; accuracies are in [0, 1]. Of either there may be a range, of several
publications: ``[94, 97]``. ``definition``, which the MNIST study's record leaves at its default,
says which of reluprobe's definitions the criterion is. ``claims``, instead of ``runs`` or beside
them, are what is said of runs in words that numbers decide (``claim_form``).
"""

from __future__ import annotations

import functools
import itertools
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reluprobe.config import arguments, documents
from reluprobe.config.choices import DEFINITIONS
from reluprobe.config.claim_faults import faults_of_claims
from reluprobe.config.published import Reference, named_by
from reluprobe.config.settings import Value, faults_of, idle_settings
from reluprobe.config.validation import faults_in
from reluprobe.errors import InputError, nearest, shown
from reluprobe.files.printable import printable
from reluprobe.files.regular import read_regular

#: The names of the records that come with the package.
SHIPPED = ("mnist_study", "tutorial", "lu_2019", "permuted_pixels", "sokar_2023")


def locate(written: Any, folder: Path) -> str:
    """A shipped name as it is; a path, which ends in .json, made absolute from ``folder``.

    Raises:
        InputError: it is neither.
    """
    allowed = f"allowed is one of {', '.join(SHIPPED)}, or the path of a .json file of that form"
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
        faults += [f"runs.{key}: {fault}" for fault in named_by(key)[1]]
    if not reference.runs and not reference.claims:
        faults.append(
            "runs: neither published numbers nor claims; allowed are runs, claims or both"
        )
    # Keys and layers are looked at beside the protocol, which has to be right for that.
    return faults or [*_faults_of_keys(reference), *faults_of_claims(reference)]


def _faults_of_keys(reference: Reference) -> list[str]:
    """What is wrong with keys that are each well formed, beside the protocol and each other."""
    faults = []
    key_of: dict[tuple[tuple[str, Value], ...], str] = {}
    for key, epochs in reference.runs.items():
        given = named_by(key)[0]
        idle = idle_settings(reference.protocol_settings() | given)
        faults += [f"runs.{key}: {line}" for line in idle if line.split()[0] in given]
        first = key_of.setdefault(tuple(sorted(reference.choice(key).items())), key)
        if first != key:
            faults.append(f"runs.{key}: chooses the same runs as {first}")
        units, layers = reference.layer_units(key), len(epochs[0].layers)
        if len(set(units)) > 1 and len(units) != layers:
            network = f"{'-'.join(map(str, units))} has {len(units)}"
            faults.append(f"runs.{key}: layers published: {layers}, and {network}")
    return faults
