"""Records as a table: columns, conditions over them, and counts by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.records.chain import RecordsError
from guardrails.records.query import COLUMNS, RecordCondition, Row, count_by, format_time, matching, tabulate
from tests.cases import each_case
from tests.records.records_kit import stored, write_records


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Return ten records by their columns."""
    folder: Path = tmp_path_factory.mktemp("records")
    write_records(folder, 10)
    return [tabulate(record) for record in stored(folder)]


def test_every_column_is_there(rows: list[Row]) -> None:
    """Of its type, also where a record says nothing of it."""
    types = {"string": str, "list": list, "map": dict, "bool": bool, "double": float, "int": int}
    for row in rows:
        assert row.keys() == COLUMNS.keys()
        for name, column in COLUMNS.items():
            assert isinstance(row[name], types[column.kind]), name


@each_case(
    ("condition", "count"),
    [
        ('action == "block"', 4),
        ('"word" in rules', 4),
        ('rules.exists(rule, rule.startsWith("w"))', 4),
        ('scores["custom.word"] > 0.5', 4),
        ("seq > 8", 2),
        ('user != "" && conversation != ""', 10),
        ('time > "2020" && time < "9999"', 10),
        ("ms < 0.0", 0),
        ("size(categories) == 0", 6),
    ],
)
def test_conditions_are_cel_over_columns(rows: list[Row], condition: str, count: int) -> None:
    """A record of which it cannot be decided, as it has no such score, is none that it holds for."""
    assert len([row for row in rows if RecordCondition(condition).holds(row)]) == count


@each_case(
    ("condition", "message"),
    [
        ('acton == "block"', "undeclared reference to 'acton'"),
        ("action ==", "at 10: "),
        ("seq", "is of type int, not true or false"),
        ("seq == action", "no matching overload"),
    ],
)
def test_a_wrong_condition_says_where(condition: str, message: str) -> None:
    """And which columns there are."""
    with pytest.raises(RecordsError, match=message):
        RecordCondition(condition)


def test_records_are_counted_by_columns(rows: list[Row]) -> None:
    """Most first; a list counts once for each entry, and not where it is empty; a time by its part."""
    assert count_by(rows, ["action"]) == [(("allow",), 6), (("block",), 4)]
    assert count_by(rows, ["rules", "stage"]) == [(("word", "input"), 4)]
    assert [(len(values[0]), count) for values, count in count_by(rows, ["day"])] == [(10, 10)]
    assert sum(count for _, count in count_by(rows, ["user", "minute"])) == 10
    with pytest.raises(RecordsError, match="there is no column 'colour'"):
        count_by(rows, ["colour"])


def test_matching_takes_records_one_by_one(tmp_path: Path) -> None:
    """With and without a condition."""
    write_records(tmp_path, 4)
    records = stored(tmp_path)
    assert len([*matching(records, None)]) == 4
    assert [row["seq"] for row in matching(records, RecordCondition('action == "block"'))] == [1, 4]


def test_times_are_utc() -> None:
    """To the millisecond, so that they are in order as texts."""
    assert format_time(1_700_000_000_123_456) == "2023-11-14T22:13:20.123Z"
    assert format_time(1_700_000_000_000_000) == "2023-11-14T22:13:20.000Z"
