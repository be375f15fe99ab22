"""Writes records to files: JSON lines, CSV, or Parquet (extra `parquet`)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO, Final, Literal

from guardrails.errors import MissingExtra
from guardrails.records.query import COLUMNS, Row

Form = Literal["jsonl", "csv", "parquet"]

ROWS_AT_ONCE: Final = 10_000
"""Rows of a group of a Parquet file."""


def write_jsonl(rows: Iterable[Row], out: BinaryIO) -> int:
    """Write each record as a line of JSON, and return how many there were."""
    count = 0
    for row in rows:
        count += 1
        out.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
    return count


def write_csv(rows: Iterable[Row], out: BinaryIO) -> int:
    """Write a table, whose first line names the columns; lists are words with blanks between, scores JSON."""
    text = io.TextIOWrapper(out, "utf-8", errors="backslashreplace", newline="", write_through=True)
    writer = csv.DictWriter(text, [*COLUMNS])
    writer.writeheader()
    count = 0
    for row in rows:
        count += 1
        writer.writerow({name: _cell(value) for name, value in row.items()})
    text.detach()
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, dict):
        return json.dumps(value)
    # What a spreadsheet would run as a formula is a text.
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


def write_parquet(rows: Iterable[Row], out: BinaryIO) -> int:
    """Write a Parquet file, in groups, so that millions of rows take no memory.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra("a Parquet file", "parquet") from None
    types = {
        "string": pa.string(),
        "list": pa.list_(pa.string()),
        "map": pa.map_(pa.string(), pa.float64()),
        "bool": pa.bool_(),
        "double": pa.float64(),
        "int": pa.int64(),
    }
    schema = pa.schema([(name, types[column.kind]) for name, column in COLUMNS.items()])
    count = 0
    with pq.ParquetWriter(out, schema) as writer:
        for group in _groups(rows):
            told = [{name: _pairs(value) for name, value in row.items()} for row in group]
            writer.write_table(pa.Table.from_pylist(told, schema))
            count += len(group)
    return count


def _pairs(value: Any) -> Any:
    return [*value.items()] if isinstance(value, dict) else value


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while group := [*islice(waiting, ROWS_AT_ONCE)]:
        yield group


WRITERS: Final[dict[Form, Callable[[Iterable[Row], BinaryIO], int]]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}
