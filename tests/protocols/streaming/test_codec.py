"""What codecs say of events."""

from __future__ import annotations

from guardrails import BackendError
from guardrails.protocols.streaming.codec import Event, EventReading, malformed_event


def test_an_event_of_which_nothing_is_said_goes_on_as_it_came() -> None:
    """Nothing in it grows or is judged, and it waits for nothing."""
    item = EventReading({"a": 1})
    assert (item.grows, item.rest, item.waits, item.passes, item.anew) == ((), None, False, False, False)


def test_an_event_has_no_bytes_of_its_own() -> None:
    """But where it goes on as it came."""
    assert Event("k", {}).raw == b""


def test_what_cannot_be_read_is_the_upstreams_fault() -> None:
    """With a code that says so."""
    error = malformed_event("thing")
    assert isinstance(error, BackendError)
    assert (str(error), error.status, error.code) == (
        "the upstream sent a malformed thing",
        502,
        "upstream_invalid",
    )
