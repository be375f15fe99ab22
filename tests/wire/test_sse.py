"""Server-sent events, however their bytes are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.wire import sse
from tests.cases import each_case

CASES = [
    (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
    (b"data:a\r\n\r\ndata:  b\r\r", [b"a", b" b"]),
    (b": note\nevent: x\nid: 1\nretry: 2\ndata: a\n\n", [b"a"]),
    (b"data: a\ndata: b\n\n", [b"a\nb"]),
    (b"data\n\n", [b""]),
    (b"\n\n\n", []),
    (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    (b"data: a\n\ndata: b", [b"a", b"b"]),
    (b"data: a\n\ndata: b\n", [b"a", b"b"]),
    (b"data: a\n\ndata: b\r", [b"a", b"b"]),
    ("data: é\u2028\x85\n\n".encode(), ["é\u2028\x85".encode()]),
]


def read(*cuts: bytes) -> list[sse.Event]:
    """Return the events of a stream that arrives in these pieces."""
    events = sse.Events()
    return [event for piece in cuts for event in events.feed(piece)] + list(events.flush())


@each_case(("stream", "expected"), CASES)
def test_events_are_read(stream: bytes, expected: list[bytes]) -> None:
    """Line ends of three kinds, comments, several lines of data, and a last event that nothing ends."""
    assert [event.data for event in read(stream)] == expected


@each_case(("stream", "expected"), CASES)
def test_cuts_change_nothing(stream: bytes, expected: list[bytes]) -> None:
    """Every cut into two, and a cut after every byte, gives the same events."""
    for at in range(len(stream) + 1):
        assert [event.data for event in read(stream[:at], stream[at:])] == expected
    assert [event.data for event in read(*(bytes([byte]) for byte in stream))] == expected


def test_the_type_belongs_to_one_event() -> None:
    """`event:` names the next event, not the ones after."""
    assert read(b"event: error\ndata: a\n\ndata: b\n\n") == [sse.Event(b"error", b"a"), sse.Event(b"", b"b")]


@given(st.lists(st.binary().map(lambda data: data.replace(b"\r", b"").replace(b"\0", b""))))
def test_what_is_written_is_read(frames: list[bytes]) -> None:
    """Any data without carriage returns survives writing and reading."""
    assert [event.data for event in read(b"".join(map(sse.event, frames)))] == frames


def test_comments_are_no_events() -> None:
    """Keep-alives and notes are skipped by readers; a note cannot start a line of its own."""
    assert read(sse.KEEP_ALIVE + sse.comment("a\ndata: b") + sse.event(b"c")) == [sse.Event(b"", b"c")]


@each_case(
    ("given", "id_", "retry"),
    [
        (b"id: 7-a/b=\nretry: 250\n", b"7-a/b=", b"250"),
        (b"id: two words\nretry: soon\n", b"", b""),
        (b"id: \xc3\xa9\nretry: -1\n", b"", b""),
        (b"id: " + b"x" * 513 + b"\nretry: 1e3\n", b"", b""),
        (b"id:\nretry:\n", b"", b""),
    ],
)
def test_what_a_client_comes_back_by_says_nothing(given: bytes, id_: bytes, retry: bytes) -> None:
    """One word and a time: nobody judges them."""
    [event] = sse.Events().feed(given + b"data: a\n\n")

    assert (event.id, event.retry) == (id_, retry)


def test_what_a_client_comes_back_by_belongs_to_one_event() -> None:
    """`id:` and `retry:` stand at the event that has them, an event without data is none, and what is written is read."""
    written = sse.event(b"", b"message", b"7", b"250") + b"id: 8\n\n" + sse.event(b"a")

    assert read(written) == [sse.Event(b"message", b"", b"7", b"250"), sse.Event(b"", b"a")]
