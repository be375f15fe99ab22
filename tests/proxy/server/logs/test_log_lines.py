"""How lines are written."""

from __future__ import annotations

import json
import logging
import sys

from guardrails.proxy.server.logs.log_lines import dropped_line, record_line, request_line, time_of
from guardrails.proxy.server.logs.request_entry import ENTRY, RequestEntry


def record(message: str, error: Exception | None = None) -> logging.LogRecord:
    """Return a record, of an exception where one is given."""
    info = None
    if error is not None:
        try:
            raise error
        except Exception:
            info = sys.exc_info()
    return logging.LogRecord("guardrails.proxy", logging.WARNING, "f", 1, message, (), info)


def test_a_time_has_milliseconds() -> None:
    """In UTC."""
    assert time_of(1_764_600_000.9996) == "2025-12-01T14:40:01.000Z"


def test_a_record_is_a_line() -> None:
    """Also one of several lines; in the course of a request it has the ids of that."""
    ENTRY.set(RequestEntry("r1", "t1"))
    told = json.loads(record_line(record("a\nb"), "json"))
    assert {name: told[name] for name in told if name != "time"} == {
        "level": "warning", "logger": "guardrails.proxy", "message": "a\nb", "request_id": "r1", "trace_id": "t1",
    }  # fmt: skip
    assert record_line(record("a\nb"), "text").endswith("Z WARNING a\n  b request_id=r1 trace_id=t1\n")
    ENTRY.set(None)
    assert record_line(record("a"), "text").endswith("Z WARNING a\n")


def test_the_words_of_an_exception_are_not_written() -> None:
    """They may quote a prompt."""
    for style in ("text", "json"):
        line = record_line(record("failed", ValueError("a prompt")), style)  # type: ignore[arg-type] # a form each
        assert "ValueError <- " in line
        assert "a prompt" not in line


def test_a_request_is_a_line() -> None:
    """In either form."""
    entry = RequestEntry("r1", "", "POST", "/v1/x", "shop", 200, "allow", "", "gpu", 0.1, 0.002, 0.09)
    assert request_line(entry, 0.0, "text") == (
        "1970-01-01T00:00:00.000Z INFO    POST /v1/x 200 action=allow client=shop upstream=gpu request_id=r1 "
        "duration_ms=100.0 check_ms=2.0 upstream_ms=90.0\n"
    )
    assert json.loads(request_line(entry, 0.0, "json"))["upstream_ms"] == 90.0
    assert "7 lines" in dropped_line(7, 0.0, "text")
    assert "7 lines" in json.loads(dropped_line(7, 0.0, "json"))["message"]
