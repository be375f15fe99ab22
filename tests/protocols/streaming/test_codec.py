"""What codecs say of events."""

from __future__ import annotations

from guardrails import BackendError
from guardrails.protocols.streaming.codec import (
    Event,
    EventReading,
    build_event,
    dump_events,
    is_padding,
    malformed_event,
)
from tests.cases import each_case


def test_an_event_of_which_nothing_is_said_goes_on_as_it_came() -> None:
    """Nothing in it grows or is judged, and it waits for nothing."""
    item = EventReading({"a": 1})
    assert (item.grows, item.rest, item.waits, item.passes, item.anew) == ((), None, False, False, False)


def test_an_event_has_no_bytes_of_its_own() -> None:
    """But where it goes on as it came."""
    assert Event("k", {}).raw == b""


def test_events_are_written_as_they_came_or_anew() -> None:
    """With their types, and in characters that no client takes for the end of a line."""
    some = [Event("x", {"a": 1}, b"raw"), Event("", {"a": 1}), Event("k", {"a": "\u2028é\ud83d"})]
    assert dump_events(some) == (b'rawdata: {"a":1}\n\nevent: k\ndata: {"a":"\\u2028\\u00e9\\ud83d"}\n\n')
    assert dump_events([]) == b""


def test_an_event_is_of_the_type_that_it_says() -> None:
    """Where that is a name."""
    for kind, expected in (("a.b_c-1", "a.b_c-1"), ("a b", ""), ("a\nb", ""), (7, ""), (None, "")):
        assert build_event({"type": kind}) == Event(expected, {"type": kind})
    assert build_event({}) == Event("", {})


def test_what_cannot_be_read_is_the_upstreams_fault() -> None:
    """With a code that says so."""
    error = malformed_event("thing")
    assert isinstance(error, BackendError)
    assert (str(error), error.status, error.code) == (
        "the upstream sent a malformed thing",
        502,
        "upstream_invalid",
    )


@each_case(
    ("value", "expected"),
    [
        *(("xY9", True), ("k", True), ("8tcQXhNGxXRv", True), ("a9", True), ("AbC", True)),
        *(("bomb", False), ("Bomb", False), ("TheBomb", False), ("BOMB", False), ("219456789", False)),
        *(
            ("AKIAIOSFODNN7EXAMPLE", False),
            ("a b", False),
            ("a-b", False),
            ("", True),
            (7, False),
            ("xY9" * 20, False),
            ("abcdefgh" * 3 + "x9", True),
            ("a" * 100_000 + "9", False),
        ),
    ],
)
def test_padding_is_drawn_at_random(value: object, expected: bool) -> None:
    """What could be a word, a number or a key is none."""
    assert is_padding(value) is expected
