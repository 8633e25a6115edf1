"""Tables of the user's: .csv and .parquet against NumPy, and what is refused of them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from reluprobe import data
from reluprobe.data.own import raw
from reluprobe.errors import InputError

RNG = np.random.default_rng(5)
VALUES = np.round(RNG.normal(size=(30, 3)), 3)
NAMES = ("rooms", "area", "price")
TEXT = "rooms,area,price\n" + "".join(f"{a},{b},{c}\n" for a, b, c in VALUES)


def load(path: Path, target: str = "price", **settings: Any) -> data.Dataset:
    return data.load(data.OwnData(str(path), target, **settings))


def written(folder: Path, text: str) -> Path:
    (folder / "own.csv").write_text(text)
    return folder / "own.csv"


def refusal(path: Path, target: str = "price", **settings: Any) -> str:
    with pytest.raises(InputError) as caught:
        load(path, target, **settings)
    assert str(path) in caught.value.message
    return str(caught.value)


def whole(got: data.Dataset) -> np.ndarray:
    """All rows in the order of the file: the first feature tells where one stood."""
    inputs = np.concatenate([got.train_inputs, got.test_inputs])
    targets = np.concatenate([got.train_targets, got.test_targets])
    rows = np.column_stack([inputs, targets])
    return rows[np.argsort(rows[:, 0])]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_is_what_numpy_reads(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, TEXT)
    expected = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32)
    if kind == "parquet":
        path = tmp_path / "own.parquet"
        parquet.write_table(pa.table(dict(zip(NAMES, VALUES.T, strict=True))), path)
    got = load(path)
    np.testing.assert_array_equal(whole(got), expected[np.argsort(expected[:, 0])])
    assert (got.classes, got.shape, len(got.test_inputs)) == (None, (2,), 6)


def test_the_target_may_stand_anywhere_and_be_text(tmp_path: Path) -> None:
    rows = "".join(f"{'ab'[i % 2]},{i},{i > 9}\n" for i in range(20))
    got = load(written(tmp_path, "kind,size,large\n" + rows), "kind")
    assert got.class_names == ("a", "b")
    np.testing.assert_array_equal(got.train_inputs[:, 0] % 2, got.train_targets)
    np.testing.assert_array_equal(got.train_inputs[:, 0] > 9, got.train_inputs[:, 1])


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        (TEXT, "", "which column is to be predicted? It has rooms, area, price"),
        (TEXT, "prize", "no column 'prize'; did you mean 'price'?; it has rooms, area, price"),
        ("price\n1.5\n", "price", "it has no column beside its target price"),
        ("a;b;price\n1;2;3\n", "price", "it has one column, 'a;b;price': allowed are commas"),
        ("a,a,price\n1,2,3\n", "price", "it has two columns called a"),
        (",a,price\n0,2,3\n1,3,4\n", "price", "pandas writes its row numbers so"),
        (
            "city,day,a,price\nOslo,2024-01-01,1,2.5\nRome,2024-01-02,2,3.5\n",
            "price",
            "columns that are no numbers: city ('Oslo'), day (date32[day])",
        ),
        ("a,b,price\n1,,2\n,,3\n1,2,\n", "price", "missing values: a 1, b 2, price 1"),
        ("a,kind\n1,x\n2,\n3,y\n", "kind", "missing values: kind 1"),
        ("a,b,price\n1,NA,2\n3,nan,3\n", "price", "columns without any value: b"),
        ("a,price\n1,2\n3,inf\n", "price", "price, example 2, is inf"),
        ("a,b,price\n1,2,3.5\n4,5,6\n7,-inf,7\n", "price", "column b, row 3 is -inf"),
        ("a,b,price\n1,2,3\n4,5\n", "price", "it cannot be read: CSV parse error: Expected 3 col"),
        ("", "price", "it cannot be read: Empty CSV file"),
        ("a,price\n", "price", "it has names of columns and no row"),
    ],
)
def test_tables_that_do_not_fit_are_refused_with_what_was_seen(
    tmp_path: Path, text: str, target: str, said: str
) -> None:
    assert said in refusal(written(tmp_path, text), target)


def test_all_faults_of_columns_are_listed_at_once(tmp_path: Path) -> None:
    text = refusal(written(tmp_path, "a,b,price\nx,1,2\ny,,\n"))
    assert "no numbers: a ('x')" in text and "missing values: b 1, price 1" in text


def test_nan_in_parquet_is_found_where_it_is(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([1.0, float("nan")], from_pandas=False), "price": [1.5, 2.5]})
    parquet.write_table(table, tmp_path / "own.parquet")
    assert "column a, row 2 is nan" in refusal(tmp_path / "own.parquet")


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    path.write_bytes(b"PAR1 or not")
    assert "it cannot be read" in refusal(path)
    (tmp_path / "latin.csv").write_bytes("größe,price\n1,2\n".encode("latin-1"))
    assert "names are not UTF-8" in refusal(tmp_path / "latin.csv")
    (tmp_path / "text.csv").write_bytes("a,kind\n1,groß\n2,klein\n".encode("latin-1"))
    assert "target kind is binary; allowed are numbers or texts" in (
        refusal(tmp_path / "text.csv", "kind")
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = written(tmp_path, TEXT)
    if kind == "parquet":
        path = tmp_path / "own.parquet"
        parquet.write_table(pa.table(dict(zip(NAMES, VALUES.T, strict=True))), path)
    monkeypatch.setattr(raw, "available_memory", lambda: 500)
    assert "of memory, and 0.0 GB are free" in refusal(path)


def test_a_constant_column_is_named_and_trained_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "reluprobe.data.own")
    rows = "".join(f"{i},1,{i / 2 + 0.1}\n" for i in range(20))
    got = load(written(tmp_path, "size,garden,price\n" + rows))
    assert got.train_inputs.shape == (16, 2)
    [record] = caplog.records
    assert record.getMessage().endswith("constant in the training set, of no use: garden")
