"""Rows for streams: where they may be open, which may be there, and which are held whole."""

from __future__ import annotations

import pytest

from guardrails.detectors.patterns.streaming import stream_rows
from guardrails.detectors.patterns.streaming.stream_rows import StreamRows
from guardrails.detectors.patterns.table import PatternRow, PatternTable
from tests.cases import each_case

ROWS = [
    PatternRow("ab{1,50}c", "custom.a"),
    PatternRow(r"(?<=xyz)\d+", "custom.b"),
    PatternRow(r"(?a)\d{4}", "custom.c", context=("zip code", "zip")),
]


def rows_of(*patterns: str) -> StreamRows:
    """Return the rows of a table of patterns."""
    return StreamRows(PatternTable(PatternRow(pattern, "custom.x") for pattern in patterns))


def test_what_is_kept_in_front() -> None:
    """One character at least, as far as a row looks behind, and what words of context need."""
    assert rows_of("ab").context == 1
    assert rows_of("(?<=abc)d").context == 3
    assert StreamRows(PatternTable(ROWS)).context == 43


@each_case(
    ("text", "at", "expected"),
    [
        ("xx ab", 0, 3),
        ("xx abc", 0, 6),
        ("ab ab", 1, 3),
        ("a" + "b" * 50, 0, 0),
        ("a" + "b" * 51, 0, 52),
        ("1234", 0, 0),
        ("", 0, 0),
    ],
)
def test_the_first_place_that_may_be_open(text: str, at: int, expected: int) -> None:
    """Rows with context do not count there; where much would be held, repetitions are counted."""
    assert StreamRows(PatternTable(ROWS)).open_from(text, at) == expected


def test_which_rows_are_open_at_a_place() -> None:
    """At the very beginning of a text and within it."""
    rows = rows_of("^ab", "b+", "[ab]{3}")
    assert [row.row.pattern for row in rows.open_at("ab", 0)] == ["[ab]{3}"]
    assert [row.row.pattern for row in rows.open_at("a", 0)] == ["^ab", "[ab]{3}"]
    assert [row.row.pattern for row in rows.open_at("ab", 1)] == ["b+", "[ab]{3}"]


def test_which_rows_and_words_may_be_there() -> None:
    """Those of a text, and each that RE2 cannot run; words of context by their number."""
    rows = StreamRows(PatternTable(ROWS))
    assert [row.row.category for row in rows.due("abc zip 1234")] == ["custom.a", "custom.b"]
    assert (rows.words_in("a ZIP 1"), rows.words_in("a zipper")) == ([0], [])
    assert rows_of("ab").words_in("ab") == []


def test_one_row_without_bounds_holds_the_table() -> None:
    """It is named with the reason, and so is what may hold without end."""
    rows = rows_of(r"\p{L}x", "ab+c")
    assert rows.open_from("ab", 0) == 0
    assert rows.whole == {r"\p{L}x": "syntax that only the `regex` package has"}
    assert rows.explain() == [
        r"'\\p{L}x': held to the end: syntax that only the `regex` package has",
        "'ab+c': an open match may be of any length",
    ]


def test_context_and_looking_far_behind_do_not_go_together() -> None:
    """The buffered search shows such a row one character in front of where it looks, which a stream cannot repeat."""
    rows = StreamRows(PatternTable([PatternRow("(?<=ab)c", "custom.x", context=("zip",))]))
    assert [*rows.whole.values()] == ["looks behind further than a row with words of context sees"]


def test_what_is_too_large_counted_is_taken_loosely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a long open match is held longer than it must be, but no less."""
    rows = rows_of("(?:ab?){1,90}c")
    assert rows.open_from("ab" * 120, 0) == 60
    monkeypatch.setattr(stream_rows, "MEMORY", 5_000)
    rows = rows_of("(?:ab?){1,90}c")
    assert rows.open_from("ab" * 120, 0) == 0
