"""The log of a server, and what becomes of it where nobody reads it."""

from __future__ import annotations

import io
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from guardrails.proxy.configuration.log_settings import LogDoc
from guardrails.proxy.server.logs import log_writer
from guardrails.proxy.server.logs.log_writer import LogWriter, configure_logs, current_writer
from guardrails.proxy.server.logs.request_entry import RequestEntry
from tests.cases import each_case
from tests.waiting import wait_until


@contextmanager
def logged(**doc: Any) -> Iterator[Callable[[], list[Any]]]:
    """Give a function that returns the lines so far."""
    stream = io.StringIO()
    writer = configure_logs(LogDoc(**doc), stream)
    try:
        yield lambda: stream.getvalue().splitlines()
    finally:
        logging.getLogger().removeHandler(writer)
        logging.getLogger("guardrails").setLevel(logging.NOTSET)
        log_writer._WRITERS.clear()


def test_a_request_is_logged_without_its_words(serve, fake, kit) -> None:
    """With its id, its trace, what was decided and how long it took; probes are not."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"x_request_id": "mine-1", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    with logged(format="json") as lines:
        url = serve()
        for content in ("secret words", "secret zqxbomb"):
            answer = kit.chat(url, kit.asking(content), **headers)
            assert answer.headers["x-request-id"] == "mine-1"
        kit.send(url, "/healthz")
        kit.send(url, "/secret/path")
        wait_until(lambda: sum("duration_ms" in line for line in lines()) == 3)
        told = "\n".join(lines())
        found = [json.loads(line) for line in lines() if "duration_ms" in line]

    assert "secret" not in told
    assert [(each["route"], each["status"], each["action"]) for each in found] == [
        ("/v1/chat/completions", 200, "allow"), ("/v1/chat/completions", 400, "block"), ("other", 404, "none"),
    ]  # fmt: skip
    first = found[0]
    assert (first["request_id"], first["trace_id"], first["upstream"]) == ("mine-1", trace, "default")
    assert first["duration_ms"] >= first["upstream_ms"] > 0 < first["check_ms"]
    assert "upstream" not in found[1]


def test_an_upstreams_id_is_shown_beside_the_clients(serve, fake, kit) -> None:
    """Where the client has none the upstream's is the request's, as SDKs expect it, and the log has that."""
    fake.answers(kit.completion("Hello."), headers={"x-request-id": "up1"})
    with logged() as lines:
        url = serve()
        own = kit.chat(url, kit.asking("hi"), x_request_id="mine")
        kit.chat(url, kit.asking("hi"), x_request_id="no id")
        wait_until(lambda: len([line for line in lines() if "duration_ms" in line]) == 2)
        ids = [line.split("request_id=")[1].split()[0] for line in lines() if "duration_ms" in line]

    assert (own.headers["x-request-id"], own.headers["x-guardrails-upstream-request-id"]) == ("mine", "up1")
    assert ids == ["mine", "up1"]


def test_a_streams_line_comes_at_its_end(serve, fake, kit) -> None:
    """With all of its time."""
    fake.streams(*kit.pieces("some words"))
    with logged(format="json") as lines:
        kit.chat(serve(), kit.asking("hi", stream=True))
        wait_until(lambda: any("duration_ms" in line for line in lines()))
        (found,) = [json.loads(line) for line in lines() if "duration_ms" in line]
    assert (found["status"], found["action"]) == (200, "allow")


@each_case(
    ("doc", "written"),
    [({}, [True, True]), ({"requests": False}, [False, False]), ({"level": "warning"}, [False, True])],
)
def test_what_is_written_is_the_operators_choice(doc, written) -> None:
    """Requests or none, and from which level on."""
    writer = LogWriter(LogDoc(**doc), io.StringIO())
    assert [writer.takes_request(RequestEntry(status=status)) for status in (200, 503)] == written


def test_who_does_not_read_stops_nobody(monkeypatch) -> None:
    """Lines wait, in bounds; then they are dropped, and the log says how many."""
    monkeypatch.setattr(log_writer, "MOST", 5)
    gate, at_it = threading.Event(), threading.Event()

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            at_it.set()
            gate.wait(20)
            return super().write(text)

    stream = Slow()
    writer = LogWriter(LogDoc(), stream)
    with writer.in_background():
        writer.write_request(RequestEntry("first"))
        assert at_it.wait(20)
        for number in range(9):
            writer.write_request(RequestEntry(f"r{number}"))
        gate.set()
    assert writer.dropped == 4
    assert "4 lines of the log were dropped" in stream.getvalue()
    assert stream.getvalue().count("request_id=") == 6


def test_lines_of_several_processes_do_not_mix() -> None:
    """What is written at once is no more than a pipe takes as a whole, and ends with a line."""
    pieces: list[str] = []

    class Pipe(io.StringIO):
        def write(self, text: str) -> int:
            pieces.append(text)
            return len(text)

    writer = LogWriter(LogDoc(), Pipe())
    with writer.in_background():
        for _ in range(200):
            writer.write_request(RequestEntry("r" * 100))
    assert sum(piece.count("\n") for piece in pieces) == 200
    assert all(piece.endswith("\n") and len(piece) <= 4_096 for piece in pieces)


def test_a_process_that_was_forked_begins_anew() -> None:
    """Its parent's thread is not there."""
    writer = LogWriter(LogDoc(), io.StringIO())
    with writer.in_background():
        child = os.fork()
        if not child:
            writer.write_request(RequestEntry("r"))  # else it would wait in a queue that nobody reads
            os._exit(0 if "request_id=r" in writer._stream.getvalue() else 1)  # type: ignore[attr-defined] # it is a StringIO
        assert os.waitpid(child, 0)[1] == 0


def test_a_library_configures_no_log() -> None:
    """Only a server that is started by its command does."""
    assert current_writer() is None
