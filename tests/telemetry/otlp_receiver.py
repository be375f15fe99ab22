"""A receiver of telemetry (OTLP over HTTP) that decodes what comes, as a thread of a test or as a process of its own.

    python -m tests.telemetry.otlp_receiver

prints its port, and answers `GET /` with all that it has taken.
"""

from __future__ import annotations

import gzip
import json
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

KINDS = {
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_INTERNAL: "internal",
}
STATUSES = ("unset", "ok", "error")


@dataclass
class Taken:
    """What was received.

    Attributes:
        spans: the spans, each as a mapping.
        logs: the log records, likewise.
        raw: all bytes, to look for what must not be in them.
        headers: the headers of the last request, with names in small letters.
    """

    spans: list[dict[str, Any]] = field(default_factory=list)
    logs: list[dict[str, Any]] = field(default_factory=list)
    raw: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def take(self, path: str, body: bytes) -> None:
        """Take one request."""
        self.raw += body.decode("latin-1")
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                told = plain(resource.resource.attributes)
                self.spans += [
                    describe_span(span, told) for scope in resource.scope_spans for span in scope.spans
                ]
        elif path == "/v1/logs":
            for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
                told = plain(resource.resource.attributes)
                self.logs += [
                    describe_log(log, told) for scope in resource.scope_logs for log in scope.log_records
                ]
        else:
            raise AssertionError(path)

    def named(self, name: str) -> list[dict[str, Any]]:
        """Return the spans of a name, the first that began first."""
        return sorted(
            (each for each in self.spans if each["name"] == name), key=lambda each: int(each["began"])
        )


def plain(attributes: Any) -> dict[str, Any]:
    """Return attributes as a mapping."""
    return {each.key: value_of(each.value) for each in attributes}


def value_of(value: Any) -> Any:
    """Return the value of an attribute."""
    kind = value.WhichOneof("value")
    return (
        [value_of(each) for each in value.array_value.values]
        if kind == "array_value"
        else getattr(value, kind)
    )


def describe_span(span: Any, resource: dict[str, Any]) -> dict[str, Any]:
    """Return a span as a mapping."""
    return {
        "name": span.name,
        "kind": KINDS[span.kind],
        "trace": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "status": STATUSES[span.status.code],
        "why": span.status.message,
        "began": span.start_time_unix_nano,
        "ended": span.end_time_unix_nano,
        "attributes": plain(span.attributes),
        "events": [each.name for each in span.events],
        "resource": resource,
    }


def describe_log(log: Any, resource: dict[str, Any]) -> dict[str, Any]:
    """Return a log record as a mapping."""
    return {
        "event": log.event_name,
        "body": log.body.string_value,
        "severity": log.severity_text,
        "trace": log.trace_id.hex(),
        "span": log.span_id.hex(),
        "attributes": plain(log.attributes),
        "resource": resource,
    }


@contextmanager
def receiving() -> Iterator[tuple[str, Taken]]:
    """Receive in a thread; yields the address, and what was taken."""
    taken = Taken()
    server = make_server(taken)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", taken
    finally:
        server.shutdown()
        server.server_close()


def make_server(taken: Taken) -> ThreadingHTTPServer:
    """Return a server at a free port, which puts there what it takes."""
    lock = threading.Lock()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            with lock:
                taken.headers = {name.lower(): value for name, value in self.headers.items()}
                taken.take(self.path, body)
            self._answer(b"")

        def do_GET(self) -> None:
            with lock:
                self._answer(json.dumps(vars(taken)).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", 0), Receiver)


def ask(url: str) -> Taken:
    """Return what a receiver elsewhere has taken so far."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        return Taken(**json.load(answer))


if __name__ == "__main__":
    made = make_server(Taken())
    sys.stdout.write(f"{made.server_address[1]}\n")
    sys.stdout.flush()
    made.serve_forever()
