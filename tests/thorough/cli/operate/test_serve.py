"""Servers of one process and of several."""

from __future__ import annotations

import http.client
import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from guardrails import Guard
from guardrails.cli.run import demo_model
from tests.cases import widen
from tests.cli.operate import test_serve as short
from tests.cli.operate.test_serve import WAIT_S, free_port, settled, text, write

WORKERS = ("1", "2")

test_the_policy_is_loaded_anew = widen(short.test_the_policy_is_loaded_anew, "workers", WORKERS)
test_a_policy_is_tried_beside_and_the_log_says_whether_it_is_ready = widen(
    short.test_a_policy_is_tried_beside_and_the_log_says_whether_it_is_ready, "workers", WORKERS
)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serves_what_the_first_upstream_that_can_answers(running: Any, tmp_path: Path, workers: str) -> None:
    """One that is away, one that is there, in every worker; OpenAI's own client sees one server and its models."""
    port, config = free_port(), tmp_path / "settings.yaml"
    with demo_model.run_model() as upstream:
        config.write_text(
            f"port: {port}\npolicy: pii-only\nupstreams:\n"
            f"  away: {{url: 'http://127.0.0.1:{free_port()}', models: ['*'], tries: 1}}\n"
            f"  here: {{url: '{upstream}', models: [demo, 'demo-*'], rename: {{demo: demo-model}}}}\n"
        )
        with (
            running("serve", "--config", str(config), GUARDRAILS_WORKERS=workers) as server,
            OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=8) as client,
        ):
            answer = client.chat.completions.with_raw_response.create(
                model="demo", messages=[{"role": "user", "content": "hi"}]
            )
            server.send_signal(signal.SIGINT)
            shown, _ = server.communicate(timeout=WAIT_S)

    assert answer.headers["x-guardrails-upstream"] == "here"
    assert answer.parse().choices[0].message.content
    assert f"before away, here, on http://127.0.0.1:{port}/v1" in shown


def reload_states(port: int, row: int) -> list[str]:
    """Return what the server says of its last load, over connections of their own, which several workers share."""
    states = []
    for _ in range(row):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
        try:
            connection.request("GET", "/readyz")
            states.append(json.loads(connection.getresponse().read())["reload"]["state"])
        finally:
            connection.close()
    return states


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_weaker_policy_waits_for_sighup(running: Any, tmp_path: Path, workers: str) -> None:
    """In each worker: a file that loses its rules changes nothing before the operator says so."""
    policy, port, weaker = tmp_path / "p.yaml", free_port(), "format: 1\nname: p\n"
    digests = []
    for content in (weaker, text(0)):
        write(policy, content)
        digests.append(Guard.load(policy).policy.ref.digest)
    given = ["--upstream", "http://127.0.0.1:9", "--port", str(port), "--policy", str(policy)]

    with running("serve", *given, GUARDRAILS_WORKERS=workers) as server:
        settled(port, digests[1], begun=False)
        write(policy, weaker)
        end = time.monotonic() + WAIT_S
        while {*reload_states(port, 12)} != {"held"}:
            assert time.monotonic() < end, "the policy was never held"
        assert settled(port, digests[1]) == {200}
        server.send_signal(signal.SIGHUP)
        assert settled(port, digests[0]) == {200}
        end = time.monotonic() + WAIT_S
        while {*reload_states(port, 12)} != {"current"}:  # each worker takes it in its own time
            assert time.monotonic() < end, "a worker never took the policy"
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=WAIT_S)
