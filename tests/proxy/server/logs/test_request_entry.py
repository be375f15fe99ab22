"""What is taken of a request's head for the log."""

from __future__ import annotations

from guardrails.proxy.server.logs.request_entry import RequestEntry, client_request_id, trace_id_of
from tests.cases import each_case

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@each_case(
    ("written", "taken"),
    [
        (b"req-1", "req-1"), (b" 7f0c:a/b+c=@x ", "7f0c:a/b+c=@x"), (b"", ""), (b"two words", ""), (b"a\nb", ""),
        (b"a\"b", ""), (b"-a", ""), (b"x" * 128, "x" * 128), (b"x" * 129, ""), (b"\xe9", ""), (b"a=b;c", ""),
    ],
)  # fmt: skip
def test_an_id_of_the_clients_is_taken_if_it_is_one(written: bytes, taken: str) -> None:
    """Nothing that could end a line, or say something."""
    assert client_request_id({b"x-request-id": written}) == taken


@each_case(
    ("written", "taken"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE), (f"01-{TRACE}-00f067aa0ba902b7-01-more", TRACE), ("", ""), (TRACE, ""),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", ""), (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", ""),
    ],
)  # fmt: skip
def test_the_id_of_a_trace(written: str, taken: str) -> None:
    """As W3C has it."""
    assert trace_id_of({b"traceparent": written.encode()}) == taken


def test_what_an_entry_does_not_have_is_not_written() -> None:
    """Times are in milliseconds."""
    entry = RequestEntry("r", "", "GET", "/v1/models", status=502, duration=0.0125)
    assert entry.fields() == {
        "method": "GET", "route": "/v1/models", "status": 502, "action": "none", "request_id": "r", "duration_ms": 12.5,
    }  # fmt: skip
    assert (entry.level, RequestEntry(status=404).level) == ("warning", "info")
