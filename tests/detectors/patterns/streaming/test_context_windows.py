"""Windows behind words of context: rows are open there alone, and as long as a word may become another one."""

from __future__ import annotations

import pytest

from guardrails.detectors.patterns import table
from guardrails.detectors.patterns.streaming import context_windows
from guardrails.detectors.patterns.streaming.stream_rows import StreamRows
from guardrails.detectors.patterns.streaming.watermarks import WatermarkTrack
from guardrails.detectors.patterns.table import PatternRow, PatternTable
from tests.cases import each_case


def track_of(pattern: str, *words: str) -> WatermarkTrack:
    """Return a track of one row with context."""
    return WatermarkTrack(StreamRows(PatternTable([PatternRow(pattern, "custom.x", context=words)])))


@each_case(
    ("text", "held"),
    [
        ("it is 123", 0),
        ("zip 123", 3),
        ("zip is 123", 3),
        ("zip 1234", 0),
        ("zip 12", 2),
        (f"zip {'x' * 50} 123", 0),
        ("zip", 0),
        ("zip cod 123", 3),
        ("zip code 123", 3),
    ],
)
def test_numbers_are_held_where_a_word_is_near(text: str, held: int) -> None:
    """Behind a word an open match is held, elsewhere none."""
    track = track_of(r"(?a)\d{4}", "zip code", "zip")
    track.feed(text)
    assert track.held == held


def test_a_word_that_may_become_another_one_is_waited_for() -> None:
    """`zip` allows what `zip code` would not: what stands between is held until the word is known."""
    track = track_of("[a-z]{4}x?", "zip code", "zip")
    assert track.feed("zip code") == []
    assert track.held == 4
    assert track.feed("s") == [(0, 4, 8)]


@each_case(("text", "expected"), [("id 12 ", [(0, 3, 5)]), (f"id{' ' * 5}12345678", []), ("id 12345", [])])
def test_a_window_ends_where_the_buffered_one_does(
    text: str, expected: list[tuple[int, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A match must begin near the word, and end before the part that is looked at."""
    for module in (context_windows, table):
        monkeypatch.setattr(module, "NEAR", 4)
        monkeypatch.setattr(module, "REACH", 4)
    track = track_of(r"(?a)\d+", "id")
    assert [hit for char in text for hit in track.feed(char)] + track.feed(" ", last=True) == expected


def test_copies_and_sameness() -> None:
    """A copy is the same until one of them goes on; a shifted text is the same too."""
    one = track_of(r"(?a)\d{4}", "zip")
    other = one.copy()
    one.feed("zip 12")
    assert not one.same(other)
    other.feed("zip 12")
    assert one.same(other)
    shifted = track_of(r"(?a)\d{4}", "zip")
    shifted.feed(f"{'-' * 50}zip 12")
    assert not one.same(shifted)
