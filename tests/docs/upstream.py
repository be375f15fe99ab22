"""The model behind the examples: a server that speaks the APIs that the examples call, and answers from a table."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REPLIES = (
    ("capital of france", "The capital of France is Paris."),
    ("test card", "Use the card 4111 1111 1111 1111 with any date."),
    ("who is the contact", "Write to jo@example.com, or call the desk."),
)
"""Words of the last message → the reply. Anything else is repeated, which shows what reached the model."""

CUT = 5
"""Characters of a piece of a stream."""

USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def make_reply(body: dict[str, Any]) -> str:
    """Return the answer to a request of any of the APIs: its last text decides."""
    asked = last_text(body.get("messages") or body.get("contents") or body.get("input"))
    known = (answer for words, answer in REPLIES if words in asked.lower())
    return next(known, f"The model read: {asked}")


def last_text(value: Any) -> str:
    """Return the last text of messages, contents or parts."""
    if isinstance(value, list):
        return last_text(value[-1])
    if isinstance(value, dict):
        return last_text(next(value[name] for name in ("content", "parts", "text") if name in value))
    return str(value)


def cut(text: str) -> Iterator[str]:
    """Yield a text in small pieces."""
    for start in range(0, len(text), CUT):
        yield text[start : start + CUT]


def chat(text: str) -> dict[str, Any]:
    """Return an answer of OpenAI's chat completions."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {**_head("chat.completion"), "choices": [choice], "usage": USAGE}


def chat_events(text: str) -> Iterator[tuple[str | None, Any]]:
    """Yield the events of its stream."""
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": piece}, None) for piece in cut(text)]
    for delta, finish in [*deltas, ({}, "stop")]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        yield None, {**_head("chat.completion.chunk"), "choices": [choice]}
    yield None, "[DONE]"


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 0, "model": "m"}


def response(text: str) -> dict[str, Any]:
    """Return an answer of OpenAI's Responses API."""
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]}
    return {
        **{"id": "resp_1", "object": "response", "created_at": 0, "status": "completed", "model": "m"},
        **{"output": [item], "parallel_tool_calls": True, "tool_choice": "auto", "tools": []},
        **{"error": None, "incomplete_details": None, "instructions": None, "metadata": {}},
    }


def message(text: str) -> dict[str, Any]:
    """Return an answer of Anthropic's Messages API."""
    return {
        **{"id": "msg_1", "type": "message", "role": "assistant", "model": "m"},
        **{"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def message_events(text: str) -> Iterator[tuple[str | None, Any]]:
    """Yield the events of its stream."""
    start = {**message(text), "content": [], "stop_reason": None}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    events.append({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    for piece in cut(text):
        delta = {"type": "text_delta", "text": piece}
        events.append({"type": "content_block_delta", "index": 0, "delta": delta})
    events.append({"type": "content_block_stop", "index": 0})
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": end, "usage": {"output_tokens": 1}})
    events.append({"type": "message_stop"})
    for event in events:
        yield event["type"], event


def gemini(text: str) -> dict[str, Any]:
    """Return an answer of Gemini's API."""
    content = {"role": "model", "parts": [{"text": text}]}
    candidate = {"index": 0, "content": content, "finishReason": "STOP"}
    return {"candidates": [candidate], "modelVersion": "m", "responseId": "r1"}


APIS = (
    (r"/v1/chat/completions", chat, chat_events),
    (r"/v1/responses", response, None),
    (r"/v1/messages", message, message_events),
    (r"/v1(beta)?/models/[^/]+:generateContent", gemini, None),
)
"""Path → what makes an answer, and what makes the events of a stream."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        model = {"id": "m", "object": "model", "created": 0, "owned_by": "examples"}
        self._send(json.dumps({"object": "list", "data": [model]}).encode(), "application/json")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.partition("?")[0]
        whole, events = next(api[1:] for api in APIS if re.fullmatch(api[0], path))
        text = make_reply(body)
        if body.get("stream") and events is not None:
            frames = (_frame(name, event) for name, event in events(text))
            self._send("".join(frames).encode(), "text/event-stream")
        else:
            self._send(json.dumps(whole(text)).encode(), "application/json")

    def _send(self, data: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _frame(name: str | None, event: Any) -> str:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {event if isinstance(event, str) else json.dumps(event)}\n\n"


@contextmanager
def run_upstream() -> Iterator[str]:
    """Serve the model on a free port of this machine; yields its address, without a path."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
