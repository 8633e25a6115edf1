"""Tables: ``.csv`` and ``.parquet`` through Arrow, every column but the target a feature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from reluprobe.data.own.raw import Raw, check_memory, refused
from reluprobe.data.own.source import OwnData
from reluprobe.errors import InputError, nearest

#: Of many columns, so many are named.
MOST_NAMED = 8


def read(source: OwnData, path: Path) -> Raw:
    """The columns of a table as features and target.

    Raises:
        InputError: it is no such table, has no such target, or has columns that are no numbers or
            lack values; all are named.
    """
    import pyarrow as pa

    try:
        table = _parquet(source, path) if path.suffix.lower() == ".parquet" else _csv(source, path)
        names = table.column_names
    except UnicodeDecodeError:
        raise refused(source.path, "its columns' names are not UTF-8: save it as UTF-8") from None
    except pa.ArrowException as error:
        raise refused(source.path, f"it cannot be read: {str(error).splitlines()[0]}") from None
    except OSError as error:
        raise InputError(f"dataset: cannot read {source.path}: {error}") from None
    _check_target(source, names)
    columns = tuple(name for name in names if name != source.target)
    if not columns:
        raise refused(source.path, f"it has no column beside its target {source.target}")
    if not table.num_rows:
        raise refused(source.path, "it has names of columns and no row")
    features = [table.column(name) for name in columns]
    target = table.column(source.target)
    if faults := _faults(source, dict(zip(columns, features, strict=True)), target):
        raise refused(source.path, *faults)
    inputs = np.empty((table.num_rows, len(columns)), np.float64)
    for index, column in enumerate(features):
        inputs[:, index] = _numbers(column)
    targets = _numbers(target) if _is_number(target.type) else _texts(target)
    called = ("the features", source.target) * 2
    return Raw(inputs, targets, columns=columns, called=called)  # type: ignore[arg-type]


def _csv(source: OwnData, path: Path) -> Any:
    from pyarrow import csv

    # As text, as float64 columns, as one float64 array: a byte of text is at most a digit.
    check_memory(source.path, 6 * path.stat().st_size)
    as_null = csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=True)
    return csv.read_csv(path, convert_options=as_null)


def _parquet(source: OwnData, path: Path) -> Any:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        check_memory(source.path, 24 * file.metadata.num_rows * len(file.schema_arrow.names))
        return file.read()


def _check_target(source: OwnData, names: list[str]) -> None:
    listed = _listed(names)
    if len(names) == 1 and any(sign in names[0] for sign in ";\t|"):
        raise refused(source.path, f"it has one column, {names[0]!r}: allowed are commas between")
    if not source.target:
        raise refused(
            source.path,
            f"which column is to be predicted? It has {listed}",
            hint=f"--target {_quoted(names[-1])}, in a sweep file: target = {names[-1]!r}",
        )
    if source.target not in names:
        close = nearest(source.target, names)
        raise refused(source.path, f"it has no column {source.target!r}{close}; it has {listed}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise refused(source.path, f"it has two columns called {_listed(twice)}")
    if "" in names or "__index_level_0__" in names:
        raise refused(
            source.path,
            "a column without a name: pandas writes its row numbers so, and they are no feature",
            hint="to_csv(…, index=False), to_parquet(…, index=False)",
        )


def _faults(source: OwnData, features: dict[str, Any], target: Any) -> list[str]:
    """What stands in the way of features as numbers, and of a target."""
    faults = []
    texts = {n: c for n, c in features.items() if not _is_number(c.type)}
    if empty := [n for n, c in texts.items() if str(c.type) == "null"]:
        faults.append(f"columns without any value: {_listed(empty)}; leave them out")
        texts = {n: c for n, c in texts.items() if n not in empty}
    if texts:
        seen = [f"{name} ({_example(column)})" for name, column in texts.items()]
        allowed = "allowed are numbers: leave them out, or write each value as a column of 0 and 1"
        faults.append(f"columns that are no numbers: {_listed(seen)}; {allowed}")
    every = features | {source.target: target}
    if lacking := [
        f"{n} {c.null_count:,}" for n, c in every.items() if c.null_count and n not in (empty)
    ]:
        faults.append(f"missing values: {_listed(lacking)}; leave out those rows, or fill them in")
    kind = str(target.type)
    if not (_is_number(target.type) or _is_text(kind)):
        faults.append(f"target {source.target} is {kind}; allowed are numbers or texts")
    return faults


def _is_number(kind: Any) -> bool:
    import pyarrow.types as types

    return any(
        is_kind(kind)
        for is_kind in (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    )


def _is_text(kind: str) -> bool:
    return "string" in kind


def _numbers(column: Any) -> np.ndarray:
    """A column as NumPy has it: integers, booleans or floats."""
    import pyarrow as pa

    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    return column.to_numpy()


def _texts(column: Any) -> np.ndarray:
    return np.array(column.to_pylist(), dtype=np.str_)


def _example(column: Any) -> str:
    if not _is_text(str(column.type)):
        return str(column.type)
    first = next((value.as_py() for value in column if value.is_valid), "")
    return repr(first if len(first) <= 20 else f"{first[:19]}…")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
