"""What the tests of the MCP guard share: a policy, a scripted server, and an agent that speaks lines."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uvicorn

from guardrails.mcp.guards import McpGuard
from guardrails.mcp.session import AgentSession
from guardrails.mcp.settings import load_settings
from guardrails.mcp.transport.http import create_app, open_socket
from guardrails.mcp.transport.stdio import run_relay
from guardrails.proxy.server.serve import SERVER
from guardrails.wire import sse

SCRIPTED = Path(__file__).with_name("scripted.py")
WAIT_S = 60
EVERYWHERE = "[input, output, tool_definition, tool_call, tool_result, retrieval]"
POLICY = f"""
format: 1
name: mcp
detectors:
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
  mask: {{use: terms, terms: [zqxmask], category: custom.mask, match: substring}}
rules:
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: block, message: Not that.}}
  - {{id: mask, on: {EVERYWHERE}, when: custom.mask > 0, then: redact}}
"""


def text(said: str) -> dict[str, Any]:
    """Return the result of a tool that says something."""
    return {"content": [{"type": "text", "text": said}]}


def tool(name: str, description: str = "A tool.", **more: Any) -> dict[str, Any]:
    """Return a definition."""
    return {"name": name, "description": description, "inputSchema": {"type": "object"}, **more}


SCRIPT: dict[str, Any] = {
    "initialize": {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "scripted", "version": "1"},
        "instructions": "Use the tools.",
    },
    "ping": {},
    "tools/list": {
        "tools": [tool("echo"), tool("bad", "Say zqxbomb first."), tool("masked", "About zqxmask things.")]
    },
    "tools/call": text("You said $echo"),
    "tools/call masked": text("It is zqxmask."),
    "tools/call evil": text("It is zqxbomb."),
}


class Agent:
    """An agent that speaks JSON-RPC lines with a process."""

    def __init__(self, process: Any) -> None:
        self.process = process
        self._heard: queue.Queue[bytes] = queue.Queue()
        self._ids = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._heard.put(line)
        self._heard.put(b"")

    def write(self, line: bytes) -> None:
        """Write a line as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def say(self, **message: Any) -> None:
        """Write a message."""
        self.write(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def hear(self) -> dict[str, Any]:
        """Return the next message; {} at the end."""
        line = self._heard.get(timeout=WAIT_S)
        found: dict[str, Any] = json.loads(line) if line else {}
        return found

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask, and return the answer."""
        self._ids += 1
        self.say(id=self._ids, method=method, params=params)
        answer = self.hear()
        assert answer.get("id") == self._ids, answer
        return answer

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool, and return the result."""
        result: dict[str, Any] = self.ask("tools/call", name=name, arguments=arguments)["result"]
        return result

    def end(self) -> int:
        """End the conversation, and return the guard's status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(WAIT_S)


class Script:
    """A scripted server: what it says, and what it heard."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "script.json"
        self.told = json.loads(json.dumps(SCRIPT))
        self.tell()

    def tell(self, **more: Any) -> None:
        """Change what it says."""
        self.told |= {name.replace("__", "/").replace("_0_", " "): value for name, value in more.items()}
        self.path.write_text(json.dumps(self.told))

    @property
    def heard(self) -> list[dict[str, Any]]:
        """What it heard so far."""
        file = self.path.with_suffix(".heard")
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def command(self) -> list[str]:
        """What starts it."""
        return [sys.executable, str(SCRIPTED), str(self.path)]


Guarded = Callable[..., AbstractContextManager[Agent]]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """A scripted server."""
    return Script(tmp_path)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy that blocks `zqxbomb` and redacts `zqxmask`, everywhere."""
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def guarded(script: Script, policy: Path) -> Guarded:
    """Return a function: options in, an agent before a guard before the scripted server out."""

    @contextmanager
    def run(*options: str, server: Sequence[str] | None = None) -> Iterator[Agent]:
        command = [
            sys.executable,
            "-m",
            "guardrails",
            "mcp",
            "--policy",
            str(policy),
            "--name",
            "s",
            *options,
        ]
        log = script.path.with_suffix(".log")
        pipe = subprocess.PIPE
        with (
            log.open("wb") as errors,
            subprocess.Popen(
                [*command, "--", *(server or script.command)], stdin=pipe, stdout=pipe, stderr=errors
            ) as process,
        ):
            try:
                yield Agent(process)
            finally:
                process.kill()

    return run


class Relay:
    """What `guardrails mcp` runs, as a thread of this process, with the ends of a process that an agent has."""

    def __init__(self, command: Sequence[str], settings: Any) -> None:
        (self._source, said), (heard, self._sink) = os.pipe(), os.pipe()
        self.stdin, self.stdout = os.fdopen(said, "wb"), os.fdopen(heard, "rb")
        self._command, self._settings = command, settings
        self._ended: Future[int] = Future()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        link = McpGuard(self._settings).link("s", AgentSession())
        limits = {"request_s": self._settings.request_s, "limit": self._settings.max_message_bytes}
        try:
            status = asyncio.run(
                run_relay(self._command, link, source=self._source, sink=self._sink, **limits)
            )
        except BaseException as error:
            self._ended.set_exception(error)
        else:
            self._ended.set_result(status)
        finally:
            os.close(self._sink)

    def wait(self, seconds: float) -> int:
        """Return the status with which it ended."""
        return self._ended.result(seconds)

    def close(self) -> None:
        """End it, as an agent that goes."""
        self.stdin.close()
        self._ended.exception(WAIT_S)
        for thread in threading.enumerate():
            if thread.name == "guardrails-mcp-agent":  # it reads to the end
                thread.join(WAIT_S)
        self.stdout.close()
        os.close(self._source)


@pytest.fixture
def relayed(script: Script, policy: Path) -> Guarded:
    """Return a function: settings in, an agent before a guard of this process before the scripted server out."""

    @contextmanager
    def run(**settings: Any) -> Iterator[Agent]:
        given = {"policy": str(policy), "servers": {"s": {"command": script.command}}, **settings}
        relay = Relay(script.command, load_settings(None, given))
        with closing(relay):
            yield Agent(relay)

    return run


@contextmanager
def served(guarding: McpGuard) -> Iterator[int]:
    """Serve a guard in a thread; yields its port."""
    with open_socket(guarding.settings) as listener:
        server = uvicorn.Server(
            uvicorn.Config(create_app(guarding), **{**SERVER, "timeout_graceful_shutdown": 1})
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(WAIT_S)


class Answer:
    """What a request was answered with."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.raw = b"" if self.headers.get("content-type") == "text/event-stream" else response.read()
        self._response = response

    @property
    def message(self) -> dict[str, Any]:
        """The one message that it is."""
        found: dict[str, Any] = json.loads(self.raw)
        return found

    def events(self) -> Iterator[sse.Event]:
        """Yield the events of a stream as they come."""
        reader = sse.Events()
        while line := self._response.readline():
            yield from reader.feed(line)

    def messages(self) -> list[dict[str, Any]]:
        """The messages of a stream."""
        return [json.loads(event.data) for event in self.events() if event.data]


class HttpAgent:
    """An agent that speaks streamable HTTP, each request over a connection of its own."""

    def __init__(self, port: int, path: str = "/mcp") -> None:
        self.port, self.path = port, path
        self.open: list[http.client.HTTPConnection] = []

    def send(self, verb: str, body: bytes | None = None, **headers: str | None) -> Answer:
        """Send a request; a header that is None is left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        self.open.append(connection)
        given: dict[str, str | None] = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(
            verb, self.path, body, {name: value for name, value in given.items() if value is not None}
        )
        return Answer(connection.getresponse())

    def post(self, message: dict[str, Any], **headers: str | None) -> Answer:
        """Send a message."""
        return self.send("POST", json.dumps({"jsonrpc": "2.0", **message}).encode(), **headers)

    def ask(self, method: str, *, params: dict[str, Any] | None = None, **headers: str | None) -> Answer:
        """Ask, with id 1."""
        return self.post({"id": 1, "method": method, "params": params or {}}, **headers)

    def close(self) -> None:
        """Close what is open."""
        for connection in self.open:
            connection.close()


@pytest.fixture
def before(policy: Path) -> Iterator[Callable[..., HttpAgent]]:
    """Return a function: the settings of a guard in (`servers`, or `url` of the only one), an agent before it out."""
    with ExitStack() as stack:

        def make(url: str = "", path: str = "/mcp", **settings: Any) -> HttpAgent:
            servers = {"servers": {"s": {"url": url}}} if url else {}
            doc = load_settings(None, {"policy": str(policy), "port": 0, **servers, **settings})
            agent = HttpAgent(stack.enter_context(served(McpGuard(doc))), path)
            stack.callback(agent.close)
            return agent

        yield make


@pytest.fixture(scope="session")
def remote() -> ModuleType:
    """The scripted server over HTTP."""
    spec = spec_from_file_location("mcp_remote", Path(__file__).with_name("remote.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
