"""Born-dead results on disk: the schema, and JSON in and out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError

from reluprobe import records
from reluprobe.config import BornDeadConfig
from reluprobe.config.validation import faults_in
from reluprobe.plan.runs import digest, with_letter

SCHEMA = "reluprobe/born-dead/1"
FOLDER = "born-dead"
#: What an id begins with, so that it is no number.
LETTER = "b"


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
        records.RecordError: the file cannot be read, or is no such result.
    """
    try:
        result = ADAPTER.validate_json(path.read_bytes())
    except OSError as error:
        raise records.RecordError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        fault = f"{path}: is no whole result of born-dead: {faults_in(error)[0]}"
        raise records.RecordError(fault) from None
    if result.schema != SCHEMA:
        fault = f"{path}: has schema {result.schema!r}; this reluprobe reads {SCHEMA!r}"
        raise records.RecordError(fault)
    return result


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
