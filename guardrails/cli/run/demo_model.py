"""The demo's model: a server that speaks OpenAI's chat API and answers from a table. It knows no guard."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "demo-model"
POLL_S = 0.05
"""Seconds after which a server that is to end at the latest sees it: Ctrl-C is answered at once."""

REPLIES: tuple[tuple[str, str], ...] = (
    ("capital of france", "The capital of France is Paris."),
    ("test card", "For tests, use the card 4111 1111 1111 1111 with any date."),
    (
        "deploy key",
        "Here it is:\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
    ),
    ("access key", "The access key in that file is AKIAIOSFODNN7EXAMPLE."),
)
"""Words in the last user message → the reply. Anything else is repeated, which shows what reached the model."""


def make_reply(messages: list[dict[str, Any]]) -> str:
    """Return the model's answer to a conversation."""
    content = next(
        (message["content"] for message in reversed(messages) if message.get("role") == "user"), ""
    )
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content)
    known = next((answer for words, answer in REPLIES if words in content.lower()), None)
    count = f"{len(messages)} message{'s' if len(messages) != 1 else ''}"
    return known or f"The model read: {content} ({count})"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a delayed acknowledgement would cost 40 ms an answer

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: the table is the output."""

    def do_GET(self) -> None:
        self._json(
            {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "demo"}]}
        )

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        text = make_reply(body["messages"])
        if body.get("stream"):
            self._stream(text)
        else:
            message = {"role": "assistant", "content": text, "refusal": None}
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
            self._json({**_head("chat.completion"), "choices": [choice], "usage": usage})

    def _json(self, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, text: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
        deltas += [({"content": text[start : start + 4]}, None) for start in range(0, len(text), 4)]
        deltas.append(({}, "stop"))
        for delta, finish in deltas:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            chunk = {**_head("chat.completion.chunk"), "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-demo", "object": kind, "created": 0, "model": MODEL}


@contextmanager
def run_model() -> Iterator[str]:
    """Serve the demo's model on a free port of this machine; yields its base URL, with `/v1`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), name="demo-model", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
