"""What the tests of moderating services share: a server that speaks as it is told, and guards whose detector asks it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.detectors.services.services_detector import KIND

WAIT_S = 20
"""No test waits so long unless it fails."""

PNG = b"\x89PNG\r\n\x1a\n" + b"zqx"
JPEG = b"\xff\xd8\xff\xe0" + b"zqx"
STAGES = "[input, output, tool_definition, tool_call, tool_result, retrieval]"


@dataclass(frozen=True)
class Asked:
    """A request that the service got."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.raw)


class Closed(Exception):
    """What an answer raises to close the connection without a word."""


class Quiet(ThreadingHTTPServer):
    """A server whose connections may break without a word."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let the other side reset a connection; anything else is a fault of the test."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Far:
    """The service: `answer` makes JSON values (or bytes, or a status with either) of each request; `asked` is what came."""

    def __init__(self) -> None:
        self.dropped = threading.Event()
        self.asked: list[Asked]
        self.answer: Callable[[Asked], Any]
        self.reset()
        self.server = Quiet(("127.0.0.1", 0), type("Own", (Handler,), {"far": self}))
        self.thread = threading.Thread(target=lambda: self.server.serve_forever(0.02), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def reset(self) -> None:
        """Forget what was asked and what is to be answered."""
        self.asked = []
        self.answer = lambda _: {}
        self.dropped.clear()

    def says(self, body: Any, status: int = 200) -> None:
        """Answer with this from now on."""
        self.answer = lambda _: (status, body)

    def hangs(self) -> None:
        """Answer nothing from now on, and wait for the client to go."""
        self.answer = lambda _: None


class Handler(BaseHTTPRequestHandler):
    """Answers by the function of its service."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    far: Far

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, raw)
        self.far.asked.append(asked)
        try:
            given = self.far.answer(asked)
        except Closed:
            self.close_connection = True
            return
        if given is None:
            self.connection.settimeout(WAIT_S)
            if self.connection.recv(1) == b"":
                self.far.dropped.set()
            self.close_connection = True
            return
        status, body = given if isinstance(given, tuple) else (200, given)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def far() -> Iterator[Far]:
    """A service that answers `{}` until it is told otherwise."""
    far = Far()
    yield far
    far.server.shutdown()
    far.server.server_close()
    far.thread.join()


@pytest.fixture
def guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, far: Far) -> Callable[..., Guard]:
    """Return a function: the fields of a detector `d`, and what rules block, in, a guard that asks the service out."""

    def make(
        fields: str,
        when: str = "unsafe >= 0.5",
        *,
        endpoint: str = "",
        then: str = "block",
        more: str = "",
        url: str = "",
    ) -> Guard:
        endpoints = tmp_path / "endpoints.yaml"
        # Each of a test's cases is asked, however many have failed.
        settings = f"url: {url or far.url}, retries: 0, {endpoint or 'breaker: {failures: 999}'}"
        endpoints.write_text(f"endpoints: {{far: {{{settings}}}}}\n")
        monkeypatch.setenv("GUARDRAILS_ENDPOINTS", str(endpoints))
        policy = tmp_path / "policy.yaml"
        policy.write_text(
            "format: 1\nname: tested\ndetectors:\n"
            f"  d: {{use: remote, endpoint: far, {fields}}}\n"
            f"rules:\n  - {{id: r, on: {STAGES}, when: {when}, then: {then}}}\n{more}\n"
        )
        return Guard.load(policy, detectors={"remote": KIND})

    return make


@dataclass(frozen=True)
class Kit:
    """Constants for tests to take as a fixture."""

    png: bytes = PNG
    jpeg: bytes = JPEG
    closed: type[Exception] = Closed

    @staticmethod
    def found(verdict: Any) -> list[tuple[str, float, tuple[int, int] | None]]:
        """Return what was found: category, score and span."""
        return sorted((each.category, round(each.score, 3), each.span) for each in verdict.findings)

    @staticmethod
    def failed(verdict: Any) -> str:
        """Return why the detector failed, and make sure that the verdict is what that must lead to."""
        assert str(verdict.action) == "block"
        assert (verdict.rules, verdict.unavailable.reason) == ((), "service")
        assert verdict.findings == ()
        (error,) = verdict.errors
        assert error.detector == "d"
        return str(error.error)


@pytest.fixture(scope="session")
def kit() -> Kit:
    """What all of them use."""
    return Kit()
