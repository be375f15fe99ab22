"""Server-sent events: bytes in, events out, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import BackendError
from guardrails.wrapping.sdk.events import END, ClientEvent, ClientEventReader
from tests.cases import each_case

JSON = st.dictionaries(
    st.text(max_size=5), st.text() | st.integers() | st.lists(st.text(max_size=5)), max_size=4
)


def dump(events: list[ClientEvent], *, done: bool) -> bytes:
    """Return the bytes of a stream."""
    return b"".join(event.dump() for event in events) + (END if done else b"")


def read(*pieces: bytes) -> tuple[list[ClientEvent], bool]:
    """Return the events of a stream that comes in pieces, and whether it said that it ends."""
    reader = ClientEventReader()
    return [event for piece in pieces for event in reader.feed(piece)], reader.done


@given(st.lists(st.tuples(st.sampled_from(["", "delta", "response.done"]), JSON), max_size=5), st.booleans())
def test_what_is_written_is_read_again(given_: list[tuple[str, Any]], done: bool) -> None:
    """Names, data and the end, whatever is in them."""
    events = [ClientEvent(name, data) for name, data in given_]
    assert read(dump(events, done=done)) == (events, done)


@each_case("end", ["\n", "\r", "\r\n"])
@each_case(
    ("lines", "events"),
    [
        (['data: {"a": 1}', ""], [ClientEvent("", {"a": 1})]),
        (['data:{"a": 1}', ""], [ClientEvent("", {"a": 1})]),
        (["event: x", 'data: {"a":', "data: 1}", ""], [ClientEvent("x", {"a": 1})]),
        ([": comment", "id: 1", "retry: 2", 'data: {"a": 1}', "odd: x", ""], [ClientEvent("", {"a": 1})]),
        (["event: x", "", 'data: {"a": 1}', ""], [ClientEvent("", {"a": 1})]),
        (['data: {"a": 1}', "", 'data: {"b": 1}'], [ClientEvent("", {"a": 1})]),
        (
            ['\ufeffdata: {"a": 1}', "", 'data: {"b": 1}', ""],
            [ClientEvent("", {"a": 1}), ClientEvent("", {"b": 1})],
        ),
        (["data: ", ""], []),
        ([""], []),
    ],
)
def test_lines_are_read_as_the_sdks_read_them(lines: list[str], events: list[ClientEvent], end: str) -> None:
    """Comments and what is no event are left out; what has no empty line behind it is no event yet; pieces do not matter."""
    raw = (end.join(lines) + end).encode()
    assert read(raw) == (events, False)
    assert read(*(raw[at : at + 1] for at in range(len(raw)))) == (events, False)
    assert read(raw[:3], b"", raw[3:]) == (events, False)


def test_what_follows_the_end_is_left_out() -> None:
    """No client reads it."""
    assert read(b'data: {"a": 1}\n\ndata: [DONE]\n\ndata: {"b": zqxbomb\n\n') == (
        [ClientEvent("", {"a": 1})],
        True,
    )


@each_case(
    "raw",
    [
        b'data: {"content": 1, "Content": 2}\n\n',
        b"data: \xff\n\n",
        b"data: []\n\n",
        b"event: a b\ndata: {}\n\n",
        b"data: {\n\n",
    ],
)
def test_what_is_no_event_is_refused(raw: bytes) -> None:
    """All of the stream."""
    with pytest.raises(BackendError):
        read(raw)


def test_an_event_that_does_not_change_is_written_as_it_was() -> None:
    """Numbers and spaces too; one that does holds half a surrogate pair as JSON can."""
    raw = b'event: x\ndata: {"a":  1.50}\n\n'
    events, _ = read(raw)
    assert dump(events, done=False) == raw
    assert json.loads(ClientEvent("", {"a": "\ud83d"}).dump()[6:]) == {"a": "\ud83d"}
