"""What the tests of services share: a server at the far side of a real socket that does what it is told."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from guardrails.remote.client import get_client
from guardrails.remote.endpoint import Endpoint
from guardrails.remote.loop import submit

WAIT_S = 20
"""No test waits so long unless it fails."""


@dataclass(frozen=True)
class Asked:
    """A request that the server got, and when."""

    path: str
    headers: Mapping[str, str]
    raw: bytes
    at: float

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.raw)


@dataclass(frozen=True)
class Reply:
    """What the server answers: `raw` is written instead of HTTP; `gate` is waited for first; `hang` never answers."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    gate: threading.Event | None = None
    hang: bool = False


class Quiet(ThreadingHTTPServer):
    """A server whose connections may break without a word."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let the other side reset a connection; anything else is a fault of the test."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Far:
    """The server: `plays` are its next replies, of which the last one stays; `asked` is what it got."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.under_way = self.most_under_way = 0
        self.arrived = threading.Semaphore(0)
        self.dropped = threading.Event()
        self._replies = [Reply()]
        self._lock = threading.Lock()
        self.server = Quiet(("127.0.0.1", 0), type("Own", (Handler,), {"far": self}))
        self.thread = threading.Thread(target=lambda: self.server.serve_forever(0.02), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def plays(self, *replies: Reply) -> None:
        """Answer with these, one after the other, and with the last from then on."""
        self._replies = [*replies]

    def endpoint(self, **settings: Any) -> Endpoint:
        """Return the server as an operator would declare it."""
        return Endpoint(**{"name": "far", "url": self.url, **settings})

    def took(self, request: Asked) -> Reply:
        """Keep a request and return the reply to it."""
        with self._lock:
            self.asked.append(request)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        self.arrived.release()
        return reply

    def done(self) -> None:
        """Count a request as answered."""
        with self._lock:
            self.under_way -= 1


class Handler(BaseHTTPRequestHandler):
    """Does what the far side's reply says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    far: Far

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def setup(self) -> None:
        super().setup()
        self.far.connections += 1

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.far.took(Asked(self.path, headers, raw, time.monotonic()))
        try:
            self.play(reply)
        except OSError:
            self.close_connection = True
        finally:
            self.far.done()

    def play(self, reply: Reply) -> None:
        if reply.gate is not None:
            assert reply.gate.wait(WAIT_S)
        if reply.hang:
            self.connection.settimeout(WAIT_S)
            if self.connection.recv(1) == b"":
                self.far.dropped.set()
            self.close_connection = True
            return
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"content-type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(body)


@pytest.fixture
def far() -> Iterator[Far]:
    """A server that answers `{}` until it is told otherwise."""
    far = Far()
    yield far
    far.server.shutdown()
    far.server.server_close()
    far.thread.join()


@pytest.fixture(scope="session")
def reply() -> type[Reply]:
    """What the server can be told to answer."""
    return Reply


@pytest.fixture(scope="session")
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Return a function that runs a coroutine on the process's loop and waits for it."""
    return lambda work: submit(work).result(WAIT_S)


@pytest.fixture(scope="session")
def post(run: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function: an endpoint in, the JSON that a request to it brings out."""

    async def ask(endpoint: Endpoint, path: str, body: Any, more: Mapping[str, Any]) -> Any:
        return await get_client(endpoint).post(path, body, **more)

    def post(endpoint: Endpoint, path: str = "/ask", body: Any = None, **more: Any) -> Any:
        return run(ask(endpoint, path, body, more))

    return post


@pytest.fixture(scope="session")
def start() -> Callable[..., Any]:
    """Return a function as `post`, which does not wait: the future comes out."""

    async def ask(endpoint: Endpoint) -> Any:
        return await get_client(endpoint).post("/ask", {})

    return lambda endpoint: submit(ask(endpoint))
