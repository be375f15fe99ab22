"""`guardrails serve` as an operator runs it: a process of its own, one worker or several, stopped by a signal."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.ports import free_port

WAIT_S = 60


class Model(BaseHTTPRequestHandler):
    """A model that always says the same."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": "card 4111 1111 1111 1111"}
        body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the command before a model; yields its address once it is ready."""
    model = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    port = free_port()
    upstream = f"http://127.0.0.1:{model.server_address[1]}"
    command = [
        sys.executable,
        "-m",
        "guardrails",
        "serve",
        "--upstream",
        upstream,
        "--port",
        str(port),
        *arguments,
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    )
    try:
        url = f"http://127.0.0.1:{port}"
        until_ready(url, process)
        yield url, process
    finally:
        process.kill()
        process.communicate()
        model.shutdown()
        model.server_close()


def until_ready(url: str, process: subprocess.Popen[str]) -> None:
    """Wait for `/readyz`."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"not ready; exit status {process.poll()}")


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_guards_until_it_is_told_to_stop(workers: str, stop: signal.Signals) -> None:
    """Both directions are judged; a signal ends the process and its workers; no prompt is in its output."""
    with serving("--workers", workers) as (url, process):
        body = json.dumps(
            {"model": "m", "messages": [{"role": "user", "content": "a private prompt"}]}
        ).encode()
        for _ in range(4):
            request = urllib.request.Request(
                f"{url}/v1/chat/completions", body, {"content-type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                said = json.load(answer)["choices"][0]["message"]["content"]
            assert said == "card [CREDIT_CARD]"
        process.send_signal(stop)
        output, _ = process.communicate(timeout=WAIT_S)

    assert "private" not in output
    assert "Traceback" not in output
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{url}/healthz", timeout=5)


def test_a_wrong_start_says_why(tmp_path) -> None:
    """Exit status 2 and one line, for a policy, an address and an upstream that cannot be used."""
    policy = tmp_path / "p.yaml"
    policy.write_text("format: 1\nname: p\nrulez: []\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        cases = {
            ("--policy", str(policy), "--upstream", "http://127.0.0.1:1"): "3:1",
            ("--upstream", "http://127.0.0.1:1", "--port", str(taken.getsockname()[1])): "cannot listen",
            ("--upstream", "nowhere"): "upstream must be a URL",
        }
        for arguments, expected in cases.items():
            command = [sys.executable, "-m", "guardrails", "serve", *arguments]
            result = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S)
            assert result.returncode == 2
            assert expected in result.stderr
            assert "Traceback" not in result.stderr
