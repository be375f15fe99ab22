"""The field tables of the speech API: what is to be said, and the pieces of a streamed sound."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import RequestError
from guardrails.engine import speech
from guardrails.types import Audio, Stage, Text


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"model": "m", "voice": "alloy", "input": "Hello.", "speed": 1.5}, ["Hello."]),
        ({"input": "Hello.", "instructions": "softly", "voice": {"id": "v 1"}}, ["Hello.", "softly", "v 1"]),
        ({"input": ["a", {"b": "c"}]}, ["a", "b", "c"]),
    ],
)
def test_what_is_to_be_said_stands_at_input(body: Any, found: list[str]) -> None:
    """Words of structure are none of it."""
    leaves = speech.request(body)
    assert [leaf.content.text for leaf in leaves.found if isinstance(leaf.content, Text)] == found
    assert {leaf.content.place.stage for leaf in leaves.found} == {Stage.INPUT}
    assert leaves.unknown == []


@given(st.binary(min_size=1), st.integers(1, 9))
def test_the_pieces_of_a_stream_are_one_sound(data: bytes, size: int) -> None:
    """However it is cut."""
    pieces = [b64encode(data[at : at + size]).decode() for at in range(0, len(data), size)]
    events: list[dict[str, Any]] = [{"type": "speech.audio.delta", "audio": each} for each in pieces]
    [leaf] = speech.streamed({"events": [*events, {"type": "speech.audio.done", "usage": {"a": 1}}]}).found
    assert isinstance(leaf.content, Audio)
    assert leaf.content.data == data
    assert not leaf.editable


@pytest.mark.parametrize("piece", ["a b", "é", 7, None, "AAA", ["AAAA"]])
def test_what_is_no_base64_is_refused(piece: Any) -> None:
    """Nobody knows what a client makes of it."""
    with pytest.raises(RequestError):
        speech.streamed({"events": [{"type": "speech.audio.delta", "audio": piece}]})


def test_what_a_stream_tells_beside_its_sound_is_judged() -> None:
    """As any answer."""
    leaves = speech.streamed({"events": [{"type": "a b", "note": "see"}]})
    assert [(leaf.content.text, leaf.path) for leaf in leaves.found if isinstance(leaf.content, Text)] == [
        ("a b", ("events", 0, "type")),
        ("note", ("events", 0, "note")),
        ("see", ("events", 0, "note")),
    ]
