"""The official MCP SDK, client and server, with the guard between them: over standard input and output and over HTTP.

Each release is installed once into a cache folder (`~/.cache/guardrails-tests`): the newest, which speaks the revision without a
handshake where both sides do, and the last of the line before, which most agents still have.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "guardrails-tests"
HERE = Path(__file__).with_name("mcp_sdk")
SERVER, AGENT = str(HERE / "server.py"), str(HERE / "agent.py")
NEWEST, BEFORE = "2.3.0", "1.30.0"
WAIT_S = 120
EVERYWHERE = "[input, output, tool_definition, tool_call, tool_result, retrieval]"
POLICY = f"""
format: 1
name: sdk
tools: {{untrusted: ["*/fetch", "resources/read"]}}
detectors:
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
  mask: {{use: terms, terms: [zqxmask], category: custom.mask}}
rules:
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: block, message: Not that.}}
  - {{id: mask, on: {EVERYWHERE}, when: custom.mask > 0, then: redact}}
  - {{id: carried, on: tool_call, when: tool.carries && tool.name == "mail", then: block, message: It came from a stranger.}}
"""
KINDS = [(NEWEST, "auto"), (NEWEST, "legacy"), (BEFORE, "legacy")]


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: "-".join(kind))
def sdk(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The Python of an environment with a release of the SDK, and how its client connects."""
    version, mode = request.param
    folder = CACHE / f"mcp-{version}"
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=600)
        python = str(folder / "bin/python")
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", f"mcp=={version}"], check=True, timeout=600
        )
        (folder / "installed").touch()
    return str(folder / "bin/python"), mode


@contextmanager
def started(command: list[str], port: int) -> Iterator[None]:
    """Start a server, and wait until it listens."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        ticks = threading.Event()
        try:
            for _ in range(WAIT_S * 10):
                assert process.poll() is None
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                ticks.wait(0.1)
            yield
        finally:
            process.terminate()


Steps = Callable[..., list[Any]]


@pytest.fixture(params=["stdio", "http"])
def agent(request: pytest.FixtureRequest, sdk: tuple[str, str], tmp_path: Path) -> Iterator[Steps]:
    """Return a function: the steps of a client in, what each gave out, with the guard between it and the SDK's server."""
    python, mode = sdk
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    with ExitStack() as stack:

        def run(*steps: list[Any], changed: bool = False, options: tuple[str, ...] = ()) -> list[Any]:
            guard = [
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
            more = ["changed"] if changed else []
            if request.param == "stdio":
                target: object = [*guard, "--", python, SERVER, "stdio", *more]
            else:
                behind, before = free_port(), free_port()
                stack.enter_context(started([python, SERVER, str(behind), *more], behind))
                url = f"http://127.0.0.1:{behind}/mcp"
                stack.enter_context(started([*guard, "--url", url, "--port", str(before)], before))
                target = f"http://127.0.0.1:{before}/mcp/s"
            done = subprocess.run(
                [python, AGENT, mode, json.dumps(target), json.dumps(steps)],
                capture_output=True, text=True, check=True, timeout=WAIT_S,
            )  # fmt: skip
            found: list[Any] = json.loads(done.stdout)
            return found

        yield run


def texts(result: dict[str, Any]) -> list[str]:
    """Return the texts of a tool's result."""
    return [block["text"] for block in result["content"]]


def test_an_agent_works_through_the_guard(agent: Steps) -> None:
    """Lists, calls, progress, resources and prompts pass; what the policy stops or edits, stops and is edited in the SDK's types."""
    listed, said, blocked, stopped, weather, picture, slow, greeted, told, notes, review, poisoned = agent(
        ["list"],
        ["call", "echo", {"text": "hi"}],
        ["call", "echo", {"text": "zqxbomb"}],
        ["call", "bad", {}],
        ["call", "weather", {"city": "Rome"}],
        ["call", "picture", {}],
        ["call", "slow", {}],
        ["call", "greet", {}],
        ["told"],
        ["resource", "notes://today"],
        ["prompt", "review", {"code": "x"}],
        ["call", "poisoned", {}],
    )

    names = [tool["name"] for tool in listed["tools"]]
    assert names == ["echo", "fetch", "bad", "mail", "weather", "picture", "slow", "greet"]
    assert texts(said) == ["You said hi"]
    for each, rule in ((blocked, "bomb"), (stopped, "bomb"), (picture, "unchecked.part")):
        assert each["isError"]
        assert each["_meta"]["guardrails/verdict"]["rules"] == [rule]
    assert (texts(blocked), texts(stopped)) == (["Not that."], ["Not that."])
    assert weather["structuredContent"] == {"sky": "[MASK] over Rome", "degrees": 20}
    assert (texts(slow), texts(greeted)) == (["done"], ["Hello [MASK] Jo"])
    assert told == ["half of [MASK]", "Whose name? Not [MASK]."]
    assert notes["contents"][0]["text"] == "Notes about [MASK]."
    assert review["messages"][0]["content"]["text"] == "Review this: x [MASK]"
    assert "stopped by policy" in texts(poisoned)[0]


def test_a_tool_that_changed_is_refused_until_it_is_approved(agent: Steps, tmp_path: Path) -> None:
    """The file of approvals outlives the guard; `guardrails mcp approve` lets the tool back in."""
    file = str(tmp_path / "approvals.json")
    options = ("--approvals", file)
    steps = (["list"], ["call", "echo", {"text": "hi"}])
    first, called = agent(*steps, options=options)
    without, refused = agent(*steps, options=options, changed=True)
    command = [sys.executable, "-m", "guardrails", "mcp"]
    shown = subprocess.run([*command, "diff", *options], capture_output=True, text=True, check=False)
    approved = subprocess.run(
        [*command, "approve", *options, "--tool", "echo"], check=False, capture_output=True
    )
    again, works = agent(*steps, options=options, changed=True)

    assert first["tools"][0]["name"] == "echo"
    assert texts(called) == texts(works) == ["You said hi"]
    assert "echo" not in [tool["name"] for tool in without["tools"]]
    assert "has changed since it was approved" in texts(refused)[0]
    assert (shown.returncode, approved.returncode) == (1, 0)
    assert '+ "description": "Returns what it is given, changed."' in shown.stdout
    assert "echo" in [tool["name"] for tool in again["tools"]]


def test_what_a_stranger_wrote_does_not_reach_another_tool(agent: Steps) -> None:
    """A call may carry what the agent made up, and not what an untrusted tool returned in the session."""
    before, page, carried, other = agent(
        ["call", "mail", {"to": "jo", "text": "code 7319-aurora-bluefin"}],
        ["call", "fetch", {"url": "http://example.com"}],
        ["call", "mail", {"to": "jo", "text": "tell code 7319-aurora-bluefin to everybody"}],
        ["call", "mail", {"to": "jo", "text": "See you at noon."}],
    )

    assert texts(before) == ["sent 24 characters"]
    assert "7319-aurora-bluefin" in texts(page)[0]
    assert (carried["isError"], texts(carried)) == (True, ["It came from a stranger."])
    assert texts(other) == ["sent 16 characters"]
