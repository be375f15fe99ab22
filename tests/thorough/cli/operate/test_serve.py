"""Servers of one process and of several."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import threading
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from guardrails import Guard
from guardrails.cli import main
from guardrails.cli.run import demo_model
from guardrails.testing import ScriptedUpstream
from tests.cli.operate.serve_kit import (
    WAIT_S,
    checked,
    listens,
    settled,
    text,
    wait_for_all,
    write,
)
from tests.ports import free_port
from tests.waiting import wait_until


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_ends_it_with_the_same_status_however_many_serve(running: Any, workers: str) -> None:
    """0 on SIGTERM, and as any program on Ctrl-C."""
    cases = [(signal.SIGTERM, 0), (signal.SIGINT, 130)]
    given = ("--policy", "pii-only", "--upstream", "http://127.0.0.1:9", "--workers", workers)
    with ExitStack() as stack:
        ports = [free_port() for _ in cases]
        servers = [stack.enter_context(running("serve", *given, "--port", str(port))) for port in ports]
        for port, server, (number, _) in zip(ports, servers, cases, strict=True):
            wait_until(partial(listens, port), WAIT_S)
            wait_for_all(port, workers)
            server.send_signal(number)
        statuses = [server.wait(WAIT_S) for server in servers]
    assert statuses == [status for _, status in cases]


ENDING = """
import sys
from guardrails.plugins import CLEAN, Config, Kind

class EndingConfig(Config):
    "Ends what it can."

class Ending:
    inline = True

    def __init__(self, name, config):
        pass

    def detect(self, batch):
        for content in batch:
            if "interrupt" in content.text:
                raise KeyboardInterrupt
            if "exit" in content.text:
                sys.exit(3)
        return [CLEAN for _ in batch]

KIND = Kind("ending", "Ends what it can.", EndingConfig, ("custom.ending",), Ending)
"""


def test_a_plugin_ends_no_server(running: Any, tmp_path: Path) -> None:
    """Also on its main thread: what it raises to that end is its failure, and the server goes on."""
    plugin, policy, port = tmp_path / "ending.py", tmp_path / "p.yaml", free_port()
    plugin.write_text(ENDING)
    policy.write_text(
        "format: 1\nname: p\ndetectors: {d: {use: ending}}\nrules: [{id: r, on: input, when: custom.ending > 0, then: block}]\n"
    )
    given = ("--plugin", str(plugin), "--policy", str(policy), "--upstream", "http://127.0.0.1:9")
    with running("serve", *given, "--port", str(port)) as server:
        wait_until(partial(listens, port), WAIT_S)
        found = [checked(port, text, "/v1/chat/completions")[0] for text in ("interrupt", "exit", "fine")]
        server.send_signal(signal.SIGTERM)
        assert server.wait(WAIT_S) == 0
    assert found == [503, 503, 502]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_policy_is_loaded_anew(running: Any, tmp_path: Path, workers: str) -> None:
    """On SIGHUP and when its file changes, by each worker; no request fails meanwhile, a bad file changes nothing."""
    policy, port = tmp_path / "p.yaml", free_port()
    digests = []
    for version in range(3):
        write(policy, text(version))
        digests.append(Guard.load(policy).policy.ref.digest)
    write(policy, text(0))
    config = tmp_path / "settings.yaml"
    config.write_text(f"upstream: http://127.0.0.1:9\nport: {port}\npolicy: p.yaml\n")

    with running("serve", "--config", str(config), GUARDRAILS_WORKERS=workers) as server:
        settled(port, digests[0], begun=False)
        wait_for_all(port, workers)
        write(policy, text(1))
        server.send_signal(signal.SIGHUP)
        statuses = settled(port, digests[1])
        write(policy, "format: 1\nname: p\nrulez: []\n")
        server.send_signal(signal.SIGHUP)
        statuses |= settled(port, digests[1])
        write(policy, text(2))
        statuses |= settled(port, digests[2])
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=WAIT_S)

    assert statuses == {200}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_policy_is_tried_beside_and_the_log_says_whether_it_is_ready(
    running: Any, tmp_path: Path, workers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--shadow` serves as before; `diff --decisions` reports what it would have done, by gates."""
    port, log, beside = free_port(), tmp_path / "log.jsonl", tmp_path / "next.yaml"
    beside.write_text(
        "format: 1\nname: next\nextends: pii-only\n"
        "detectors: {words: {use: terms, terms: [zqxnew], category: custom.word}}\n"
        "rules: [{id: word.block, on: input, when: custom.word > 0, then: block}]\n"
    )
    given = ["--policy", "pii-only", "--shadow", str(beside), "--shadow-log", str(log), "--workers", workers]
    with (
        demo_model.run_model() as upstream,
        running("serve", "--upstream", upstream, "--port", str(port), *given) as server,
        OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=8) as client,
    ):
        for text in ("say zqxnew", "say hello"):
            client.chat.completions.create(model="demo-model", messages=[{"role": "user", "content": text}])
        server.send_signal(signal.SIGINT)
        shown, _ = server.communicate(timeout=WAIT_S)

    assert f", {beside} beside pii-only, on" in shown
    report = tmp_path / "report.html"
    given = ["diff", "--decisions", str(log), "--max-new-blocks", "0", "--report", str(report)]
    assert main([*given, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["effects"]["rows"], told["effects"]["turns"]["new_block"]) == (4, 1)
    assert told["effects"]["rules"]["word.block"] == {"new": 1, "new_block": 1}
    assert main([*given, "--markdown"]) == 1
    assert "not ready" in capsys.readouterr().out
    assert "Not ready" in report.read_text()


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
