"""Ollama's released Python client before this proxy: whole and streamed, sync and async, blocked, redacted, with tools.

The client is installed once, as its vendor releases it, into an environment of its own in a cache folder
(`~/.cache/guardrails-tests`), and told by its host where to ask. The model behind repeats what it is told.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running

CLIENT = "ollama==0.6.3"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "guardrails-tests"
INSTALL_S, RUN_S = 600, 90
POLICY = """
format: 1
name: ollama
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
  late: {use: terms, terms: [zqxlate], category: custom.late}
rules:
  - {id: bomb, on: [input, tool_result], when: custom.bomb > 0, then: block, message: Not that.}
  - {id: mask, on: [output, tool_call], when: custom.mask > 0, then: redact}
  - {id: late, on: [output, tool_call], when: custom.late > 0, then: block, message: Not that.}
"""
HEAD = {"model": "m", "created_at": "2026-01-02T03:04:05.678901Z"}
END = {"done": True, "done_reason": "stop", "total_duration": 4_883_583_458, "eval_count": 9}


class Parrot(BaseHTTPRequestHandler):
    """A model that says what it is told, and calls a tool with that where it has one."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        """List the models."""
        self.answer("application/json", json.dumps({"models": [{"model": "m", "size": 1}]}).encode())

    def do_POST(self) -> None:
        """Answer."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/api/embed":
            whole = {
                "model": "m",
                "embeddings": [[0.5, -0.25] for _ in asked["input"]],
                "total_duration": 1_000_000,
            }
            self.answer("application/json", json.dumps(whole).encode())
            return
        chat = self.path == "/api/chat"
        text = asked["messages"][-1]["content"] if chat else asked["prompt"]
        lines = [self.line(chat, piece) for piece in (text[at : at + 3] for at in range(0, len(text), 3))]
        if asked.get("tools"):
            call = {"function": {"name": "weather", "arguments": {"city": text}}}
            lines = [
                {**HEAD, "message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": False}
            ]
        if asked.get("stream", True):
            self.answer(
                "application/x-ndjson",
                *(json.dumps(each).encode() + b"\n" for each in (*lines, self.line(chat, "", **END))),
            )
            return
        whole = {**lines[0], **END} if asked.get("tools") else self.line(chat, text, **END)
        self.answer("application/json", json.dumps(whole).encode())

    @staticmethod
    def line(chat: bool, text: str, **end: Any) -> dict[str, Any]:
        """Return one line."""
        said = {"message": {"role": "assistant", "content": text}} if chat else {"response": text}
        return {**HEAD, **said, "done": False, **end}

    def answer(self, kind: str, *pieces: bytes) -> None:
        """Send bytes."""
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(sum(map(len, pieces))))
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a proxy before the model, whose URL names no path, as Ollama's does."""
    policy = tmp_path_factory.mktemp("policy") / "policy.yaml"
    policy.write_text(POLICY)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    upstream = f"http://127.0.0.1:{server.server_address[1]}"
    with running(Settings(upstream, port=0), Guard.load(policy)) as url:
        yield url
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment with the client; a half-made one is made anew."""
    folder = CACHE / CLIENT.replace("==", "-")
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=INSTALL_S)
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", CLIENT]
        subprocess.run(pip, check=True, timeout=INSTALL_S)
        (folder / "installed").touch()
    return folder / "bin/python"


SCRIPT = """
import asyncio, json, sys
import ollama

client, host = ollama.Client(host=sys.argv[1]), sys.argv[1]

def weather(city: str) -> str:
    '''Say the weather.'''

def said(chunks, of):
    chunks = list(chunks)
    return ["".join(of(chunk) or "" for chunk in chunks), chunks[-1].done_reason]

def whole(answer, of):
    return [of(answer), answer.done_reason]

def caught(ask):
    try:
        return ask()
    except ollama.ResponseError as error:
        return [error.status_code, error.error]

def content(answer):
    return answer.message.content

def response(answer):
    return answer.response

def ask(text):
    return {"model": "m", "messages": [{"role": "user", "content": text}]}

async def later(text):
    client = ollama.AsyncClient(host=host)
    try:
        one = whole(await client.chat(**ask(text)), content)
        many = said([chunk async for chunk in await client.chat(**ask(text), stream=True)], content)
        return [one, many]
    except ollama.ResponseError as error:
        return [error.status_code, error.error]

def calls(text, stream):
    answer = client.chat(**ask(text), tools=[weather], stream=stream)
    answers = list(answer) if stream else [answer]
    made = [call.function.arguments for each in answers for call in each.message.tool_calls or ()]
    return [made, answers[-1].done_reason]

out = {}
for text in json.loads(sys.argv[2]):
    out[text] = {
        "chat": caught(lambda: whole(client.chat(**ask(text)), content)),
        "chat, streamed": caught(lambda: said(client.chat(**ask(text), stream=True), content)),
        "async": asyncio.run(later(text)),
        "generate": caught(lambda: whole(client.generate("m", text), response)),
        "generate, streamed": caught(lambda: said(client.generate("m", text, stream=True), response)),
        "tools": caught(lambda: calls(text, False)),
        "tools, streamed": caught(lambda: calls(text, True)),
        "embed": caught(lambda: len(client.embed("m", [text, "x"]).embeddings)),
    }
out["models"] = [model.model for model in client.list().models]
out["context"] = caught(lambda: client.generate("m", "x", context=[1, 2]).response)
print(json.dumps(out))
"""
ALLOWED, REDACTED, BLOCKED, LATE = "all is fine", "a zqxmask here", "the zqxbomb", "then zqxlate"
NOT_THAT = "Not that."


def test_the_released_client_reads_each_outcome_in_its_own_types(
    proxy: str, python: Path, tmp_path: Path
) -> None:
    """Allowed, redacted, refused before the model was asked, refused in the answer; a call that may not be made is not."""
    script = tmp_path / "ask.py"
    script.write_text(SCRIPT)
    texts = json.dumps([ALLOWED, REDACTED, BLOCKED, LATE])
    command = [str(python), str(script), proxy, texts]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=RUN_S, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    out = json.loads(done.stdout)

    def read(text: str, streamed: str, end: str) -> dict[str, Any]:
        names = ("chat", "generate")
        one, many = [text, end], [streamed, end]
        return {
            **dict.fromkeys(names, one),
            **{f"{name}, streamed": many for name in names},
            "async": [one, many],
        }

    for text, expected, calls in (
        (ALLOWED, read(ALLOWED, ALLOWED, "stop"), [[{"city": ALLOWED}], "stop"]),
        (REDACTED, read("a [MASK] here", "a [MASK] here", "stop"), [[{"city": "a [MASK] here"}], "stop"]),
        (LATE, read("Not that.", "then Not that.", "content_filter"), [[], "content_filter"]),
    ):
        assert out[text] == {**expected, "tools": calls, "tools, streamed": calls, "embed": 2}
    assert set(map(tuple, out[BLOCKED].values())) == {(400, NOT_THAT)}
    assert out["models"] == ["m"]
    status, told = out["context"]
    assert (status, "/api/chat" in told) == (400, True)
