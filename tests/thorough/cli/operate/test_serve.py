"""Servers of one process and of several."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from guardrails import Guard
from guardrails.cli.run import demo_model
from guardrails.testing import ScriptedUpstream
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


KILLS = 3
CLIENTS = 4
"""Clients, each of which has one request on its way."""


def worker_ids(server: int) -> list[int]:
    """Return the ids of the processes that a server answers with."""
    found = []
    for each in Path(f"/proc/{server}/task/{server}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            if b"resource_tracker" not in Path(f"/proc/{each}/cmdline").read_bytes():
                found.append(int(each))
    return found


def asked(port: int, prompt: str) -> tuple[int, str]:
    """Return status and body of the answer to a prompt, over a connection of its own; 0 where that was lost."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    try:
        body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"}
        )
        response = connection.getresponse()
        return response.status, response.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def test_workers_that_are_killed_let_nothing_through(running: Any, tmp_path: Path) -> None:
    """Requests meanwhile are answered by the others, all but those that the dead one had; nothing passes unjudged, and another
    worker takes its place.
    """
    policy, port, over = tmp_path / "p.yaml", free_port(), threading.Event()
    write(policy, text(0))
    answers: list[tuple[bool, int, str]] = []
    more = threading.Condition()

    def ask_on() -> None:
        turn = 0
        while not over.is_set():
            harmless, turn = turn % 2 == 0, turn + 1
            answer = asked(port, f"tell me {turn}" if harmless else f"tell me zqx {turn}")
            with more:
                answers.append((harmless, *answer))
                more.notify()

    with ScriptedUpstream("Hello.") as upstream:
        given = ["--upstream", upstream.origin, "--port", str(port), "--policy", str(policy)]
        with running("serve", *given, GUARDRAILS_WORKERS="2") as server:
            settled(port, Guard.load(policy).policy.ref.digest, begun=False)
            clients = [threading.Thread(target=ask_on) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            for _ in range(KILLS):
                os.kill(worker_ids(server.pid)[0], signal.SIGKILL)
                with more:
                    enough = len(answers) + 20
                    assert more.wait_for(lambda wanted=enough: len(answers) >= wanted, WAIT_S)
            over.set()
            for client in clients:
                client.join()
            end = time.monotonic() + WAIT_S
            while len(worker_ids(server.pid)) < 2:
                assert time.monotonic() < end, "no worker took the place of the dead one"
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=WAIT_S)

    told = [each.raw for each in upstream.requests]
    assert told
    assert not any(b"zqx" in each for each in told)
    assert {status for harmless, status, _ in answers if harmless} <= {0, 200}
    assert {"Hello." in body for harmless, status, body in answers if status and not harmless} == {False}
    assert [status for _, status, _ in answers].count(0) <= KILLS * CLIENTS
