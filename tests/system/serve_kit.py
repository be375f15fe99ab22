"""`guardrails serve` as a process of its own, before a model that streams, for tests of how it is operated."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.waiting import WAIT_S, wait_until

POLICY = """
format: 1
name: p
detectors: {t: {use: terms, terms: [zqxbomb], category: custom.bomb}}
rules: [{id: r, on: [input, output], when: custom.bomb > 0, then: block}]
"""
PIECES = 20
NOTICE_S = 2.0


class Model(BaseHTTPRequestHandler):
    """A model that streams an answer, half of it before `go` is set and half after."""

    protocol_version = "HTTP/1.1"
    go = threading.Event()

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for number in range(PIECES):
            if number == PIECES // 2:
                self.go.wait(WAIT_S)
            delta = {"choices": [{"index": 0, "delta": {"content": f"word{number} "}, "finish_reason": None}]}
            self.wfile.write(b"data: " + json.dumps(delta).encode() + b"\n\n")
            self.wfile.flush()
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        self.wfile.write(b"data: " + json.dumps(end).encode() + b"\n\ndata: [DONE]\n\n")
        self.close_connection = True


class Server:
    """The command as a process of its own, and what a test asks of it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port
        self.connections: list[http.client.HTTPConnection] = []

    def get(self, path: str) -> int:
        """Return the status of a route, 0 where nobody answers."""
        return self.read(path)[0]

    def read(self, path: str, body: Any = None) -> tuple[int, str]:
        """Return the status and the text of an answer, 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            raw = None if body is None else json.dumps(body)
            connection.request("GET" if raw is None else "POST", path, raw)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def begin_stream(self) -> http.client.HTTPResponse:
        """Ask for a stream, and return it once it has begun."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        self.connections.append(connection)
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        headers = {"content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer

    def workers(self) -> list[int]:
        """Return the numbers of its worker processes."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(each) for each in found.split()]

    def end(self) -> tuple[int, str]:
        """Return its exit status and what it printed."""
        output, _ = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, output


@contextmanager
def serving(
    folder: Path, workers: int, more: dict[str, Any] | None = None, **environment: str
) -> Iterator[Server]:
    """Run the command before the model, with more settings; yields it once it is ready."""
    with answering() as upstream, _serving(folder, workers, upstream, more or {}, environment) as server:
        yield server


@contextmanager
def answering() -> Iterator[str]:
    """Run the model; yields its address."""
    Model.go.clear()
    model = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{model.server_address[1]}/v1"
    finally:
        Model.go.set()
        model.shutdown()
        model.server_close()


@contextmanager
def _serving(
    folder: Path, workers: int, upstream: str, more: dict[str, Any], environment: dict[str, str]
) -> Iterator[Server]:
    port = free_port()
    (folder / "p.yaml").write_text(POLICY)
    given = {"upstream": upstream, "port": port, "workers": workers}
    drain = {"drain": {"notice_s": NOTICE_S, "streams_s": 30.0}, "policy": "p.yaml", "keep_alive_s": 0.1}
    (folder / "settings.yaml").write_text(json.dumps(given | drain | more))
    command = [sys.executable, "-m", "guardrails", "serve", "--config", str(folder / "settings.yaml")]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    server = Server(process, port)
    try:
        wait_until(lambda: server.get("/readyz") == 200 or process.poll() is not None)
        yield server
    finally:
        Model.go.set()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        for connection in server.connections:
            connection.close()
