"""Born-dead results on disk: the schema, and JSON in and out."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError

from reluprobe import records
from reluprobe.config import BornDeadConfig
from reluprobe.config.born_dead import BORN_DEAD
from reluprobe.config.validation import faults_in
from reluprobe.files.printable import printable
from reluprobe.files.regular import read_regular
from reluprobe.plan.runs import digest, with_letter

SCHEMA = "reluprobe/born-dead/1"
FOLDER = "born-dead"
#: What an id begins with, so that it is no number.
LETTER = "b"
_ID = re.compile(rf"{LETTER}?[0-9a-f]{{12}}")


@dataclass(frozen=True)
class Cell:
    """One depth and width. Probabilities in [0, 1]; None where a closed form does not apply.

    Attributes:
        depth, width: hidden layers, and units in each.
        networks, dead: how many were drawn, and how many of them were born dead.
        probability: dead / networks.
        low, high: its 95% Wilson interval.
        lower, exact, upper: see ``bounds``.
    """

    depth: int
    width: int
    networks: int
    dead: int
    probability: float
    low: float
    high: float
    lower: float | None
    exact: float | None
    upper: float | None


@dataclass(frozen=True)
class Result:
    """Every cell of a grid, and how it was drawn. Cells go by width within depth."""

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    id: Annotated[str, AfterValidator(lambda id_: with_letter(id_, LETTER))]
    config: BornDeadConfig
    environment: dict[str, str | int]
    cells: tuple[Cell, ...]
    schema: str = SCHEMA


ADAPTER: TypeAdapter[Result] = TypeAdapter(Result)


def result_id(config: BornDeadConfig) -> str:
    """``b`` and twelve hexadecimal digits of SHA-256 over every setting."""
    return LETTER + digest(dataclasses.asdict(config))


def to_dict(result: Result) -> dict[str, Any]:
    """Plain JSON values, ``schema`` first."""
    return {"schema": result.schema} | dataclasses.asdict(result)


def write(result: Result, out: Path) -> Path:
    """Write ``born-dead/<id>.json`` below ``out``; return its path.

    Raises:
        ReluprobeError: it cannot be written.
    """
    path = out / FOLDER / f"{result.id}.json"
    records.write_atomically(path, json.dumps(to_dict(result), allow_nan=False) + "\n")
    records.remove_older(path)
    return path


def read(path: Path) -> Result:
    """Read one result.

    Raises:
        records.RecordError: the file cannot be read, is no such result, or contradicts itself.
    """
    try:
        result = ADAPTER.validate_json(read_regular(path))
    except OSError as error:
        why = error.strerror or error
        raise records.RecordError(f"{path}: cannot be read: {why}") from None
    except ValidationError as error:
        fault = f"{path}: is no whole result of born-dead: {faults_in(error)[0]}"
        raise records.RecordError(fault) from None
    if result.schema != SCHEMA:
        fault = f"{path}: has schema {result.schema!r}; this reluprobe reads {SCHEMA!r}"
        raise records.RecordError(fault)
    if fault := next(_faults(result), None):
        raise records.RecordError(f"{path}: contradicts itself: {fault}")
    return result


def _faults(result: Result) -> Iterator[str]:
    """What does not fit together in a result that has the schema."""
    config = result.config
    for name, setting in BORN_DEAD.items():
        value = getattr(config, name)
        values = value if isinstance(value, tuple) else (value,)
        if not values:
            yield f"config.{name}: is empty"
        yield from (f"config.{fault}" for v in values if (fault := setting.fault(v)))
    if result.id != (own := result_id(config)):
        yield f"id: is {result.id!r}, and that of its settings is {own!r}"
    if [(cell.depth, cell.width) for cell in result.cells] != [
        *itertools.product(config.depth, config.width)
    ]:
        yield "cells: are not one a depth and width, in order"
    for n, cell in enumerate(result.cells):
        if not 0 <= cell.dead <= cell.networks == config.networks:
            yield f"cells.{n}: {cell.dead} dead of {cell.networks} is not of {config.networks}"
        share = cell.dead / max(1, cell.networks)
        if not math.isclose(cell.probability, share, abs_tol=1e-9):
            yield f"cells.{n}.probability: is {cell.probability}, and should be {share}"
        if not 0 <= cell.low <= cell.probability <= cell.high <= 1:
            yield f"cells.{n}: its interval is {cell.low} to {cell.high}"
        known = (value for value in (cell.lower, cell.exact, cell.upper) if value is not None)
        if not all(-1e-9 <= value <= 1 + 1e-9 for value in known):
            yield f"cells.{n}: a bound is no probability"


def read_all(paths: Sequence[Path]) -> tuple[dict[Path, Result], list[str], list[str]]:
    """The results in these folders and files, each id once a folder, by their files.

    Returns:
        The results; a line for every file that cannot be read; a line for every copy.
    """
    results: dict[Path, Result] = {}
    faults: list[str] = []
    copies: list[str] = []
    places: set[tuple[Path, str]] = set()
    # Those that are called by their id go before their copies.
    for path in sorted(files(paths), key=lambda p: not _ID.fullmatch(p.stem)):
        try:
            result = read(path)
        except records.RecordError as error:
            faults.append(printable(error.message))
            continue
        if (place := (path.parent.resolve(), result.id)) in places:
            copies.append(printable(f"{path}, a copy of result {result.id}"))
        else:
            places.add(place)
            results[path] = result
    return results, faults, copies


def files(paths: Sequence[Path]) -> list[Path]:
    """The results in these folders of results, and those among these files; each once."""
    results: dict[Path, None] = {}
    for path in paths:
        if is_of(path):
            results |= dict.fromkeys([path] if path.is_file() else sorted(path.glob("[!.]*.json")))
        else:
            results |= dict.fromkeys(sorted((path / FOLDER).glob("[!.]*.json")))
    return list(results)


def is_of(path: Path) -> bool:
    """Whether a path is a result, or a folder of nothing else."""
    return path.parent.name == FOLDER if path.is_file() else path.name == FOLDER
