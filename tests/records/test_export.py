"""Files of records: JSON lines, CSV and Parquet, read by programs of others."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet
import pytest

from guardrails.records.export import ROWS_AT_ONCE, WRITERS, Form
from guardrails.records.query import COLUMNS, Row, tabulate
from tests.cases import each_case
from tests.records.records_kit import stored, write_records


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Return some records by their columns."""
    folder: Path = tmp_path_factory.mktemp("records")
    write_records(folder, 7)
    return [tabulate(record) for record in stored(folder)]


def written(form: Form, rows: list[Row]) -> bytes:
    """Return the bytes of a file; all rows are counted."""
    out = io.BytesIO()
    assert WRITERS[form](iter(rows), out) == len(rows)
    return out.getvalue()


def test_json_lines_hold_everything(rows: list[Row]) -> None:
    """Each line is a record by its columns."""
    assert [json.loads(line) for line in written("jsonl", rows).splitlines()] == rows


def test_csv_is_a_table(rows: list[Row]) -> None:
    """The first line names the columns; lists have blanks between."""
    [*read] = csv.DictReader(io.StringIO(written("csv", rows).decode(), newline=""))
    assert [row["id"] for row in read] == [row["id"] for row in rows]
    assert [*read[0]] == [*COLUMNS]
    assert read[0]["rules"] == "word"
    assert json.loads(read[0]["scores"]) == {"custom.word": 1.0}


@each_case("value", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_what_a_spreadsheet_would_run_is_text(rows: list[Row], value: str) -> None:
    """A client chooses the name of a model."""
    [read] = csv.DictReader(io.StringIO(written("csv", [rows[0] | {"model": value}]).decode(), newline=""))
    assert read["model"] == f"'{value}"


def test_parquet_has_types(rows: list[Row]) -> None:
    """Numbers are numbers, lists are lists, scores a map; many groups make one file."""
    table = pyarrow.parquet.read_table(io.BytesIO(written("parquet", rows)))
    read = table.to_pylist(maps_as_pydicts="strict")
    assert read == rows
    many = rows[:1] * (ROWS_AT_ONCE + 1)
    file = pyarrow.parquet.ParquetFile(io.BytesIO(written("parquet", many)))
    assert (file.metadata.num_rows, file.metadata.num_row_groups) == (ROWS_AT_ONCE + 1, 2)


@each_case("form", WRITERS)
def test_no_records_are_a_file_as_well(form: Form) -> None:
    """One that can be read."""
    raw = written(form, [])
    if form == "parquet":
        assert pyarrow.parquet.read_table(io.BytesIO(raw)).num_rows == 0
    else:
        assert raw.decode().strip() == ("" if form == "jsonl" else ",".join(COLUMNS))
