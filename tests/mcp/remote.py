"""A scripted MCP server over streamable HTTP, without any SDK: it answers as its script says, in JSON or as a stream of events."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SESSION = "session-1"


class Script:
    """What a server says to each method, and what it heard: `(method, headers, message)` of each request.

    `said[method]` is the result; a list are the messages of a stream of events, in which `{"result": …}` without id answers; an int
    is a status. `listening` are the messages of the stream that a GET opens.
    """

    def __init__(self, **said: Any) -> None:
        self.said = said
        self.heard: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.listening: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.url = ""
        self.ended = threading.Event()

    @property
    def methods(self) -> list[str]:
        """The methods that it heard."""
        return [message.get("method", "answer") for verb, _, message in self.heard if verb == "POST"]


class Handler(BaseHTTPRequestHandler):
    """Serves one request."""

    protocol_version = "HTTP/1.1"
    script: Script

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        """Take a message."""
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._hear(message)
        if "id" not in message or "method" not in message:
            self._send(202, b"")
            return
        said = self.script.said
        name = message.get("params", {}).get("name")
        found = said.get(f"{message['method']} {name}", said.get(message["method"]))
        if isinstance(found, int):
            self._send(found, b"no")
        elif isinstance(found, bytes):
            self._send(200, found)
        elif isinstance(found, list):
            self._stream(message["id"], found)
        elif found is None:
            error = {"code": -32601, "message": "no such method"}
            self._send(404, json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}).encode())
        else:
            self._send(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": found}).encode())

    def do_GET(self) -> None:
        """Say what there is to say unasked."""
        self._hear({})
        self._begin()
        for event in iter(self.script.listening.get, None):
            self._event(event)
        self.close_connection = True

    def do_DELETE(self) -> None:
        """End the session."""
        self._hear({})
        self._send(204, b"")

    def _hear(self, message: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.script.heard.append((self.command, headers, message))

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("mcp-session-id", SESSION)
        if status != 204:
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("mcp-session-id", SESSION)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()

    def _event(self, event: dict[str, Any]) -> None:
        number = event.pop("$id", None)
        head = f"id: {number}\nretry: 50\n" if number is not None else ""
        data = json.dumps({"jsonrpc": "2.0", **event}) if event else ""
        self.wfile.write(f": note\n{head}event: message\ndata: {data}\n\n".encode())
        self.wfile.flush()

    def _stream(self, id_: object, events: list[dict[str, Any]]) -> None:
        self._begin()
        for event in events:
            if "$silence" in event:
                self.script.ended.wait(60)
                return
            if "$wait" in event:
                try:
                    while not self.script.ended.wait(0.05):
                        self.wfile.write(b": still here\n\n")
                        self.wfile.flush()
                except OSError:
                    self.script.ended.set()
                return
            answers = "result" in event and "id" not in event
            self._event({"id": id_, **event} if answers else dict(event))
        self.close_connection = True


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    """Serve a script in a thread."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Scripted", (Handler,), {"script": script}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}/mcp"
    try:
        yield script
    finally:
        script.listening.put(None)
        script.ended.set()
        server.shutdown()
        server.server_close()
