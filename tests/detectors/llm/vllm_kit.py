"""A server on this machine that speaks vLLM's protocol, for tests of models behind endpoints."""

from __future__ import annotations

import json
import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], Any]


def said(text: str, top: dict[str, float] | None = None) -> Answer:
    """Return an answer that is the same for every request; `top` is what is likely in the place of its last word but one
    line.
    """
    return lambda _body: (text, top)


class Handler(BaseHTTPRequestHandler):
    """Answers as vLLM does, with what the server's `answer` says; bytes and statuses are written as they are."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        served: Any = self.server
        served.asked.append((self.path, body))
        given = served.answer(body)
        status, headers = 200, {}
        if isinstance(given, int):
            status, given = given, {"error": "no"}
        elif isinstance(given, tuple) and isinstance(given[0], int):
            status, headers, given = *given, {"error": "no"}
        elif isinstance(given, tuple):
            given = reply(self.path, body, *given)
        if given is None:
            self.close_connection = True
            return
        raw = given if isinstance(given, bytes) else json.dumps(given).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def reply(
    path: str, body: dict[str, Any], text: str, top: dict[str, float] | None, finish: str = "stop"
) -> Any:
    """Return what vLLM answers; the words of `top` are likely in the place of the first of them in the text."""
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "stop_reason": None, "token_ids": None}
    whole = top or {text: 1.0}
    begin = min((at for word in whole for at in [text.find(word)] if at >= 0), default=0)
    word = next((each for each in whole if text.startswith(each, begin)), text)
    parts = [each for each in (text[:begin], word, text[begin + len(word) :]) if each]
    rows = [
        (
            each,
            whole if each == word else {each: 1.0},
            math.log((whole if each == word else {each: 1.0})[each]),
        )
        for each in parts
    ]
    likely = [{name: math.log(share) for name, share in some.items()} for _, some, _ in rows]
    usage = {"prompt_tokens": 9, "total_tokens": 12, "completion_tokens": 3}
    common = {"id": "cmpl-1", "created": 1, "model": body["model"], "usage": usage, "prompt_logprobs": None}
    if path.endswith("/chat/completions"):
        choice["message"] = {"role": "assistant", "content": text, "refusal": None, "tool_calls": []}
        choice["logprobs"] = None
        if body.get("logprobs"):
            content = [
                {
                    "token": each, "logprob": logprob, "bytes": [*each.encode()],
                    "top_logprobs": [{"token": n, "logprob": v, "bytes": [*n.encode()]} for n, v in some.items()],
                }
                for (each, _, logprob), some in zip(rows, likely, strict=True)
            ]  # fmt: skip
            choice["logprobs"] = {"content": content}
        return {**common, "object": "chat.completion", "choices": [choice]}
    choice |= {"text": text, "logprobs": None}
    if body.get("logprobs"):
        choice["logprobs"] = {
            "text_offset": [0] * len(rows),
            "tokens": [each for each, _, _ in rows],
            "token_logprobs": [logprob for *_, logprob in rows],
            "top_logprobs": likely,
        }
    return {**common, "object": "text_completion", "choices": [choice]}


class Quiet(ThreadingHTTPServer):
    """A server whose connections may break without a word."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let the other side give up; anything else is a fault of the test."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@contextmanager
def serve_vllm(text: str) -> Iterator[Any]:
    """Give a server that runs; `answer` says what it answers (at first a text), and `asked` what it was asked."""
    served: Any = Quiet(("127.0.0.1", 0), Handler)
    served.asked = []
    served.answer = said(text)
    thread = threading.Thread(target=lambda: served.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.shutdown()
        served.server_close()
        thread.join()
