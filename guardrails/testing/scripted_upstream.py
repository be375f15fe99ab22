"""A server on this machine that speaks the APIs of models, and answers what a script says.

    with ScriptedUpstream("Hello.") as upstream:
        client = guard.wrap(OpenAI(base_url=upstream.url, api_key="none"))

Which API is asked, and whether as a stream, it reads off each request, by the descriptions that the proxy and wrapped clients use
(`guardrails/protocols`): a new one there is one here.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from guardrails.errors import RequestError
from guardrails.protocols.errors import Problem, write_openai_error
from guardrails.protocols.protocol import Protocol
from guardrails.protocols.registry import load_protocols
from guardrails.testing.answers import write_answer
from guardrails.testing.replies import ErrorReply, RawReply, Reply
from guardrails.testing.streams import write_stream
from guardrails.types import Text, ToolCall
from guardrails.wire.lossless_json import write

PATIENCE_S: Final = 20.0
"""How long the upstream waits for what a script says, or for a client to go: no test that passes does."""


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request that the upstream got; `protocol` is the API that it asks, None where that is none that there is."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    protocol: Protocol | None = None

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.raw)

    @property
    def texts(self) -> list[str]:
        """All texts in the body that a policy judges: what the model was told.

        Raises:
            RequestError: the body has no form that the API takes.
        """
        if self.protocol is None or self.protocol.read_request is None:
            return []
        leaves = self.protocol.read_request(self.json).leaves
        return [leaf.content.text for leaf in leaves if isinstance(leaf.content, Text)]


AnyReply: TypeAlias = (
    str
    | ToolCall
    | Reply
    | ErrorReply
    | RawReply
    | Mapping[str, object]
    | bytes
    | Callable[[ReceivedRequest], "AnyReply"]
)
"""A text, a call of a tool, or both (`Reply`); an error; a body of the API, or raw bytes; or a function of the request."""


class ScriptedUpstream:
    """An upstream that answers what it was told to: each request takes the next reply, and the last one stays.

    Args:
        replies: the script; without one it says `Hello.`.

    Attributes:
        requests: what it got so far, in order.
        arrived: is set once a request came.
        sent: is set once all of an answer was written.
        dropped: is set once a client went away while it was answered.
        connections: how many connections clients made.
    """

    def __init__(self, *replies: AnyReply) -> None:
        self.requests: list[ReceivedRequest] = []
        self.arrived = threading.Event()
        self.sent = threading.Event()
        self.dropped = threading.Event()
        self.connections = 0
        self._lock = threading.Lock()
        self._script: list[AnyReply] = []
        self.reply_with(*replies)
        self._server = _Server(self)
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        """The address without a path: the base URL of Anthropic's, Google's and Ollama's clients."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The base URL of OpenAI's clients."""
        return f"{self.origin}/v1"

    def reply_with(self, *replies: AnyReply) -> None:
        """Answer with these replies from now on: the last one stays."""
        with self._lock:
            self._script[:] = replies or ("Hello.",)

    def reset(self) -> None:
        """Forget the script and what came."""
        self.requests.clear()
        self.connections = 0
        for event in (self.arrived, self.sent, self.dropped):
            event.clear()
        self.reply_with()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def take(self, request: ReceivedRequest) -> RawReply:
        """Take note of a request; return the bytes that answer it."""
        with self._lock:
            reply = self._script.pop(0) if len(self._script) > 1 else self._script[0]
            self.requests.append(request)
        self.arrived.set()
        try:
            return write_reply(reply, request)
        except Exception as error:  # whatever a function raises: the test that waits for the answer shows it
            return _write_error(ErrorReply(500, f"the script failed: {error!r}", "script"), request.protocol)


def write_reply(reply: AnyReply, request: ReceivedRequest) -> RawReply:
    """Return the bytes of a reply to a request, as the API writes it that is asked."""
    while callable(reply):
        reply = reply(request)
    if isinstance(reply, RawReply):
        return reply
    if isinstance(reply, bytes):
        return RawReply([reply])
    if isinstance(reply, Mapping):
        return RawReply([write(reply).encode()])
    if isinstance(reply, ErrorReply):
        return _write_error(reply, request.protocol)
    if isinstance(reply, ToolCall):
        reply = Reply(tool_calls=[reply])
    return _write_words(Reply(reply) if isinstance(reply, str) else reply, request)


def _write_words(reply: Reply, request: ReceivedRequest) -> RawReply:
    protocol = request.protocol
    if protocol is None:
        unknown = f"no API is known at {request.method} {request.path}: script a RawReply"
        return _write_error(ErrorReply(404, unknown, "unknown_url"), None)
    try:
        body = request.json if request.raw else {}
        if not isinstance(body, dict):
            raise TypeError("it is no object")
        streamed = protocol.stream is not None and protocol.is_streamed(body)
        answer = write_answer(protocol, reply, {**body, "stream": streamed})
    except (ValueError, TypeError, RequestError) as error:
        return _write_error(ErrorReply(400, f"the request cannot be read: {error}", "bad_request"), protocol)
    if answer is None:
        wordless = f"{protocol.name} has no words: script the body of an answer, or a RawReply"
        return _write_error(ErrorReply(501, wordless, "no_words"), protocol)
    if not streamed or protocol.stream is None:
        return RawReply([write(answer).encode()])
    pieces = write_stream(protocol.name, protocol.stream, answer, reply.pieces)
    return RawReply(pieces, content_type=protocol.stream.framing.media_type)


def _write_error(reply: ErrorReply, protocol: Protocol | None) -> RawReply:
    kind = "invalid_request_error" if reply.status < 500 else "server_error"
    error = {"message": reply.message, "type": kind, "param": None, "code": reply.code}
    write_error = write_openai_error if protocol is None else protocol.write_error
    body = write_error(Problem(reply.status, error, reply.headers))
    return RawReply([write(body).encode()], reply.status, headers=reply.headers)


def find_protocol(method: str, path: str) -> Protocol | None:
    """Return the API that a method and a path of a request mean, None where there is none."""
    bare = path.partition("?")[0]
    return next(
        (protocol for verb, form, protocol in _routes() if verb == method and form.fullmatch(bare)), None
    )


@cache
def _routes() -> Sequence[tuple[str, re.Pattern[str], Protocol]]:
    """Return the method and the form of the path of each API: first below its root, then wherever a client has it."""
    known = load_protocols()
    roots = [(protocol, re.escape(protocol.provider.root)) for protocol in known]
    anywhere = [(protocol, ".*") for protocol in known]
    return [
        (
            protocol.method,
            re.compile(root + (".*" if protocol.path.startswith(":") else "") + _form(protocol.path)),
            protocol,
        )
        for protocol, root in (*roots, *anywhere)
    ]


def _form(path: str) -> str:
    return "[^/]+".join(map(re.escape, path.split("*")))


class _Server(ThreadingHTTPServer):
    """A server whose connections may break without a word."""

    daemon_threads = True

    def __init__(self, upstream: ScriptedUpstream) -> None:
        super().__init__(("127.0.0.1", 0), type("Handler", (_Handler,), {"upstream": upstream}))
        self.upstream = upstream

    def process_request(self, request: Any, client_address: Any) -> None:
        self.upstream.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client may go; all else is a fault of the script
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstream: ScriptedUpstream

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # any method of HTTP
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        raw = b"".join(self._body())
        headers = {name.lower(): value for name, value in self.headers.items()}
        known = find_protocol(self.command, self.path)
        reply = self.upstream.take(ReceivedRequest(self.command, self.path, headers, raw, known))
        try:
            self._play(reply)
        except OSError:
            self.upstream.dropped.set()
            self.close_connection = True

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            yield self.rfile.read(int(self.headers.get("content-length") or 0))
            return
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass

    def _play(self, reply: RawReply) -> None:
        if reply.gate is not None:
            _wait(reply.gate)
        if reply.garbage is not None:
            self.wfile.write(reply.garbage)
            self.close_connection = True
        elif reply.hang and not reply.pieces:
            self._wait_until_gone()
        else:
            self._send(reply)

    def _send(self, reply: RawReply) -> None:
        whole = _whole_body(reply)
        self.send_response(reply.status)
        self.send_header("content-type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if whole is not None:
            self.send_header("content-length", str(len(whole) + reply.cut))
        else:
            self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in reply.pieces:
            if isinstance(piece, threading.Event):
                _wait(piece)
            else:
                self.wfile.write(piece if whole is not None else b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
        self.upstream.sent.set()
        if reply.hang:
            self._wait_until_gone()
        elif reply.cut:
            self.close_connection = True
        elif whole is None:
            self.wfile.write(b"0\r\n\r\n")

    def _wait_until_gone(self) -> None:
        self.connection.settimeout(PATIENCE_S)
        if self.connection.recv(1) == b"":
            self.upstream.dropped.set()
        self.close_connection = True


def _whole_body(reply: RawReply) -> bytes | None:
    """Return the body of an answer that is sent with its length, None where it is sent in chunks."""
    if reply.content_type != "application/json" or reply.hang or len(reply.pieces) != 1:
        return None
    piece = reply.pieces[0]
    return piece if isinstance(piece, bytes) else None


def _wait(event: threading.Event) -> None:
    if not event.wait(PATIENCE_S):
        raise TimeoutError(f"nothing happened for {PATIENCE_S:.0f} s that the script waits for")
