"""Events of a stream are taken together, up to what ends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from guardrails import BackendError
from guardrails.protocols.streaming.assembler import (
    ReceivedEvent,
    has_half_pair,
    join_surrogates,
    take_events,
)
from guardrails.protocols.streaming.codec import malformed_event


class Counter:
    """An assembler that ends with the number 9, and knows no negative ones."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    @property
    def finished(self) -> bool:
        """Whether the last one came."""
        return self.numbers[-1:] == [9]

    def take(self, data: Mapping[str, Any]) -> bool:
        """Take a number."""
        if data["n"] < 0:
            raise malformed_event("number")
        self.numbers.append(data["n"])
        return self.finished

    def answer(self) -> dict[str, Any]:
        """Return all."""
        return {"numbers": self.numbers}


def came(*numbers: int, kind: str = "") -> Iterator[ReceivedEvent]:
    """Yield events with these numbers."""
    for number in numbers:
        yield {"n": number, "type": "count"}, kind, b"raw"


def test_events_are_taken_up_to_the_last() -> None:
    """What follows that is not looked at."""
    for numbers, took, ended in (((1, 2), 2, False), ((1, 9, -1), 2, True), ((), 0, False)):
        found, is_last, error = take_events(came(*numbers), Counter())
        assert (len(found), is_last, error) == (took, ended, None)


def test_what_came_before_a_fault_is_taken() -> None:
    """It may be told before the fault is; a type that is told twice is told alike."""
    found, is_last, error = take_events(came(1, -1, 9), Counter())
    assert (len(found), is_last, type(error)) == (1, False, BackendError)
    assert take_events(came(1, kind="count"), Counter())[2] is None
    found, is_last, error = take_events(came(1, kind="other"), Counter())
    assert (found, is_last) == ([], False)
    assert "two types" in str(error)


def test_halves_of_a_character_are_joined() -> None:
    """Where both are there; names count as well."""
    assert join_surrogates("a") == "a"
    assert join_surrogates("\ud83d\ude00") == "\N{GRINNING FACE}"
    with pytest.raises(BackendError):
        join_surrogates("\ud83d")
    assert [
        has_half_pair(each) for each in ({"a": ["\ud83d"]}, {"\ud83d": 1}, {"a": "\N{GRINNING FACE}"})
    ] == [
        True,
        True,
        False,
    ]
