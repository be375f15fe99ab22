"""Released gateways before a model, with this guard as their hook: LiteLLM's proxy and Portkey's gateway block and redact.

Each is installed once into a cache folder (`~/.cache/guardrails-tests`), as its vendor releases it, and told to leave the
network alone. The model behind repeats what it is told.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running
from tests.ports import free_port

LITELLM, PORTKEY = "litellm[proxy]==1.108.7", "@portkey-ai/gateway@1.15.2"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "guardrails-tests"
INSTALL_S, START_S = 600, 90
POLICY = """
format: 1
name: gateways
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
  veil: {use: terms, terms: [zqxveil], category: custom.veil}
  late: {use: terms, terms: [zqxlate], category: custom.late}
rules:
  - {id: bomb, on: input, when: custom.bomb > 0, then: block, message: Not that.}
  - {id: mask, on: input, when: custom.mask > 0, then: redact}
  - {id: veil, on: output, when: custom.veil > 0, then: redact}
  - {id: late, on: output, when: custom.late > 0, then: block, message: Not that.}
"""


class Parrot(BaseHTTPRequestHandler):
    """A model that says what it is told, with an ending that the policy stops where it is asked for."""

    protocol_version = "HTTP/1.1"
    heard: list[str]

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        """Answer a chat request."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = asked["messages"][-1]["content"]
        self.heard.append(said)
        text = "zqx" + "late" if said == "go on" else f"I heard: {said}"
        if asked.get("stream"):
            self.stream(text)
            return
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        head = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
        body = json.dumps({**head, "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, text: str) -> None:
        """Answer in small pieces."""
        deltas: list[tuple[dict[str, str], str | None]] = [
            ({"content": text[at : at + 3]}, None) for at in range(0, len(text), 3)
        ]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for delta, finish in [*deltas, ({}, "stop")]:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
            self.wfile.write(b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True


@pytest.fixture(scope="module")
def model() -> Iterator[tuple[str, list[str]]]:
    """The model's address, and what it heard."""
    heard: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Parrot,), {"heard": heard}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1", heard
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, model: tuple[str, list[str]]) -> Iterator[str]:
    """The address of this guard."""
    path = tmp_path_factory.mktemp("policy") / "policy.yaml"
    path.write_text(POLICY)
    with running(Settings(model[0], port=0), Guard.load(path)) as url:
        yield url


@contextmanager
def started(command: list[str], port: int, environment: dict[str, str], probe: str) -> Iterator[str]:
    """Start a gateway and wait until it answers."""
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    tail: list[bytes] = []
    reading = threading.Thread(target=lambda: tail.extend(process.stderr or ()), daemon=True)
    reading.start()
    ticks = threading.Event()
    try:
        for _ in range(START_S * 5):
            assert process.poll() is None, b"".join(tail[-20:]).decode()
            try:
                urllib.request.urlopen(url + probe, timeout=5).close()
                break
            except OSError:
                ticks.wait(0.2)
        else:
            raise AssertionError(b"".join(tail[-20:]).decode())
        yield url
    finally:
        process.terminate()
        process.wait(20)
        reading.join(20)
        process.stderr.close()


def installed(folder: Path, *commands: list[str]) -> Path:
    """Return a folder that commands filled, `{}` in them being the folder; a half-made one is made anew."""
    done = folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for command in commands:
            subprocess.run([part.format(folder) for part in command], check=True, timeout=INSTALL_S)
        done.touch()
    return folder


def quiet(home: Path, **more: str) -> dict[str, str]:
    """Return an environment without keys of anybody's."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **more}


def chat(url: str, text: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Ask a gateway; return the status and the body."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", body, {"content-type": "application/json", **(headers or {})}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def streamed(url: str, text: str) -> str:
    """Ask a gateway for a stream; return all of it, or the error before it."""
    asked = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": True}
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", json.dumps(asked).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return str(error.read().decode())


def said(stream: str) -> Iterator[str]:
    """Yield the pieces of a streamed reply."""
    for line in stream.splitlines():
        if line.startswith("data: {"):
            for choice in json.loads(line[6:]).get("choices", []):
                yield choice["delta"].get("content") or ""


@pytest.fixture(scope="module")
def litellm(
    tmp_path_factory: pytest.TempPathFactory, model: tuple[str, list[str]], guarded: str
) -> Iterator[str]:
    """LiteLLM's proxy before the model, with this guard before and after."""
    folder = installed(
        CACHE / LITELLM.replace("[proxy]==", "-"),
        [sys.executable, "-m", "venv", "{}"],
        ["{}/bin/python", "-m", "pip", "install", "--quiet", LITELLM],
    )
    home = tmp_path_factory.mktemp("litellm")
    asked = {"model": "openai/m", "api_base": model[0], "api_key": "sk-none"}
    hook = {
        "guardrail": "generic_guardrail_api",
        "mode": ["pre_call", "post_call"],
        "default_on": True,
        "api_base": guarded,
        "optional_params": {"streaming_transform_mode": "incremental_diff", "streaming_sampling_rate": 1},
    }
    settings = {
        "model_list": [{"model_name": "m", "litellm_params": asked}],
        "litellm_settings": {"telemetry": False, "num_retries": 0},
        "guardrails": [{"guardrail_name": "ours", "litellm_params": hook}],
    }
    (home / "config.yaml").write_text(json.dumps(settings))
    port = free_port()
    command = [str(folder / "bin/litellm"), "--config", str(home / "config.yaml"), "--host", "127.0.0.1"]
    environment = quiet(
        home,
        LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY="true",
        LITELLM_LOCAL_MODEL_COST_MAP="True",
    )
    with started([*command, "--port", str(port)], port, environment, "/health/liveliness") as url:
        yield url


@pytest.fixture(scope="module")
def portkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Portkey's gateway, which is told by header where to ask."""
    folder = installed(
        CACHE / PORTKEY.rpartition("/")[2],
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", "{}", PORTKEY],
    )
    script = folder / "node_modules/@portkey-ai/gateway/build/start-server.js"
    port = free_port()
    command = ["node", str(script), f"--port={port}", "--headless"]
    environment = quiet(tmp_path_factory.mktemp("portkey"), NODE_ENV="production")
    with started(command, port, environment, "/") as url:
        yield url


def headers_of(model: str, guarded: str) -> dict[str, str]:
    """Return what tells Portkey where to ask, and whom before and after."""
    check = {"id": "default.webhook", "parameters": {"webhookURL": f"{guarded}/hooks/portkey"}}
    hook = {
        "type": "guardrail",
        "id": "ours",
        "checks": [check],
        "deny": True,
        "on_fail": {},
        "on_success": {},
    }
    config = {
        "provider": "openai",
        "custom_host": model,
        "api_key": "sk-none",
        "before_request_hooks": [hook],
        "after_request_hooks": [hook],
    }
    return {"x-portkey-config": json.dumps(config)}


def test_litellm_asks_this_guard(litellm: str, model: tuple[str, list[str]]) -> None:
    """A request that is stopped never reaches the model, one that is redacted does so redacted; a reply is stopped."""
    heard = model[1]
    heard.clear()

    passed, masked, blocked, late = (
        chat(litellm, text) for text in ("all is well", "a zqxmask here", "the zqxbomb", "go on")
    )

    assert (passed[0], passed[1]["choices"][0]["message"]["content"]) == (200, "I heard: all is well")
    assert (masked[0], masked[1]["choices"][0]["message"]["content"]) == (200, "I heard: a [MASK] here")
    assert blocked[0] == late[0] == 400
    assert "Not that." in blocked[1]["error"]["message"]
    assert "zqxlate" not in json.dumps(late[1])
    assert heard == ["all is well", "a [MASK] here", "go on"]


def test_litellm_streams_what_this_guard_lets_pass(litellm: str) -> None:
    """Redacted, and of a reply that is stopped nothing: this guard says how much of each is to be held back."""
    redacted, stopped = (streamed(litellm, text) for text in ("I am zqxveil here", "go on"))

    assert "".join(said(redacted)) == "I heard: I am [VEIL] here"
    assert "zqx" not in stopped
    assert "Not that." in stopped


def test_portkey_asks_this_guard(portkey: str, model: tuple[str, list[str]], guarded: str) -> None:
    """The same; Portkey answers what a webhook denies with 446."""
    url, heard = model
    heard.clear()
    headers = headers_of(url, guarded)

    passed, masked, blocked, late = (
        chat(portkey, text, headers) for text in ("all is well", "a zqxmask here", "the zqxbomb", "go on")
    )

    assert (passed[0], passed[1]["choices"][0]["message"]["content"]) == (200, "I heard: all is well")
    assert (masked[0], masked[1]["choices"][0]["message"]["content"]) == (200, "I heard: a [MASK] here")
    assert (blocked[0], late[0]) == (446, 446)
    assert heard == ["all is well", "a [MASK] here", "go on"]


def test_portkey_stops_what_this_guard_cannot_judge(
    portkey: str, model: tuple[str, list[str]], guarded: str
) -> None:
    """Portkey lets pass what a webhook answers with an error; this one answers with a verdict."""
    url, heard = model
    heard.clear()

    status, _ = chat(portkey, "half a pair: \ud800", headers_of(url, guarded))

    assert (status, heard) == (446, [])
