"""Reads the rows of CSV files as mappings.

The first line names the fields; commas, semicolons or tabs are between them, whichever stands there most. `labels.hate` is the
entry `hate` of the field `labels`. An empty cell is not there; a 0 or 1 among labels is a number; all else is text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

ENDINGS: Final = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
SEPARATORS: Final = ",;\t"

LONGEST: Final = 50_000_000
"""Characters of a cell."""


class CsvError(ValueError):
    """A table that cannot be read; `line` is where, from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def read_records(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row with the number of the line where it ends, from 1; rows without anything in them are none.

    Raises:
        SheetError: the first line names no fields or one twice, or a row has more cells than fields.
    """
    rest = iter(lines)
    first = next(rest, "")
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(chain([first], rest), delimiter=separator, strict=True)
    # The limit is the process's: it is set for each row that is read here, and what was there is put back.
    try:
        names = [_read_name(name) for name in _next_row(reader) or []]
        if not any(names) or len({*names}) < len(names):
            raise CsvError(1, "the first line must name the fields, each once, such as text,label")
        while (cells := _next_row(reader)) is not None:
            if len(cells) > len(names):
                raise CsvError(reader.line_num, f"has {len(cells)} cells, but the first line {len(names)}")
            if any(cells):
                yield reader.line_num, _record(names, cells)
    except csv.Error as error:
        raise CsvError(reader.line_num, f"is no row of a table: {error}") from error


def _read_name(name: str) -> str:
    """Return the name of a column, of which the field may be written in capitals."""
    field, dot, entry = name.strip().partition(".")
    return f"{field.lower()}{dot}{entry}"


def _next_row(reader: Iterator[list[str]]) -> list[str] | None:
    """Return the next row, None behind the last, with cells of up to `LONGEST` characters."""
    before = csv.field_size_limit(LONGEST)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


def _record(names: Iterable[str], cells: Iterable[str]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=False):  # a row may end before the last field
        field, _, entry = name.partition(".")
        if cell == "":
            continue
        if entry:
            known = record.setdefault(field, {})
            value = int(cell) if field == "labels" and cell.strip() in ("0", "1") else cell
            if isinstance(known, dict):
                known[entry] = value
        else:
            record[name] = cell
    return record
