"""The guide for policy editors, from its first step to its last, with the server that it starts."""

from __future__ import annotations

import json
import re
import shlex
import signal
import time
import urllib.request
from pathlib import Path

import pytest

from tests.pages import GUIDE, agrees, bring_rows, running, walk
from tests.system.test_proxy_serve import WAIT_S, serving

UPSTREAM = "--upstream"
TRAFFIC = "fresh.jsonl"
OURS, THEIRS = "http://127.0.0.1:8080", "http://127.0.0.1:8000/v1"
"""Where the guide serves, and what is behind."""


def ask(url: str, text: str) -> None:
    """Send a question as an application does, which the live policy lets pass."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
    request = urllib.request.Request(f"{url}/v1/chat/completions", body, {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=WAIT_S).close()


def serve(command: str) -> str:
    """Serve what the guide serves, at an address that is free, for as long as some traffic takes; return what was printed."""
    _, _, *given = shlex.split(command)
    at = given.index(UPSTREAM)
    arguments = [*given[:at], *given[at + 2 :]]
    log = Path(given[given.index("--shadow-log") + 1])
    texts = [json.loads(line)["text"] for line in Path(TRAFFIC).read_text(encoding="utf-8").splitlines()]
    with serving(*arguments) as (url, process):
        for text in texts:
            ask(url, text)
        # Each question and its answer is a row of the log.
        until = time.monotonic() + WAIT_S
        while len(log.read_text(encoding="utf-8").splitlines()) < 2 * len(texts):
            assert time.monotonic() < until
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=WAIT_S)
    return re.sub(r"http://127\.0\.0\.1:\d+,", f"{THEIRS},", printed.replace(url, OURS))


def test_the_guide_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command prints what the guide says, the server's decisions included."""
    bring_rows(tmp_path)
    monkeypatch.chdir(tmp_path)
    here = running(capsys)

    def run(command: str) -> str:
        return serve(command) if command.startswith("guardrails serve") else here(command)

    for shown in walk(GUIDE.read_text(encoding="utf-8"), tmp_path, run):
        same = agrees(shown.expected, shown.printed)
        assert same, f"$ {shown.command}\n{shown.printed}"
