"""`guardrails serve`."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from guardrails.cli import demo_model, main


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_serves_the_policy_before_the_upstream(running: Any) -> None:
    """The command starts a server that OpenAI's own client talks to, and ends on Ctrl-C."""
    port = free_port()
    with (
        demo_model.running() as upstream,
        running("serve", "--upstream", upstream, "--port", str(port)) as server,
    ):
        assert server.stdout is not None
        assert re.search(rf"http://127.0.0.1:{port}/v1", server.stdout.readline())
        with OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=8) as client:
            answer = client.chat.completions.create(
                model="demo-model", messages=[{"role": "user", "content": "card 4111 1111 1111 1111"}]
            )
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=20)

    assert "[CREDIT_CARD]" in (answer.choices[0].message.content or "")
    assert server.returncode in {0, 130}


def test_a_broken_policy_does_not_serve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with status 2 and the located problem before it listens."""
    policy = tmp_path / "bad.yaml"
    policy.write_text("format: 1\nname: bad\nrules: [{id: a, on: input, when: hate > 0, then: block}]\n")

    assert (
        main(
            ["serve", "--policy", str(policy), "--upstream", "http://127.0.0.1:1", "--port", str(free_port())]
        )
        == 2
    )
    assert f"{policy}:3:34: category_without_detector" in capsys.readouterr().err
