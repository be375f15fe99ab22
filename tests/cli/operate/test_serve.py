"""`guardrails serve`."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from guardrails import Guard
from guardrails.cli import main
from guardrails.cli.run import demo_model
from guardrails.inference.safety.folder import TEXT_MODELS, read_manifest
from tests.larger_model import install_larger_model, remove_larger_model
from tests.proxy.metrics_kit import counted
from tests.waiting import wait_until


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_serves_the_policy_before_the_upstream(running: Any) -> None:
    """The command starts a server that OpenAI's own client talks to, and ends on Ctrl-C."""
    port = free_port()
    with (
        demo_model.run_model() as upstream,
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
    assert server.returncode == 130


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


WAIT_S = 60


def text(version: int) -> str:
    """Return a policy in some version."""
    return (
        f"format: 1\nname: p\nversion: '{version}'\ndetectors: {{d: {{use: terms, terms: [zqx], category: custom.d}}}}\n"
        "rules: [{id: r, on: input, when: custom.d > 0, then: block}]\n"
    )


def write(path: Path, text: str) -> None:
    """Write a file whole at once."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def checked(port: int, text: str = "hi", path: str = "/v1/check") -> tuple[int, str]:
    """Return the status of a request over a connection of its own, and the digest of the policy that judged."""
    body = (
        {"text": text}
        if path == "/v1/check"
        else {"model": "m", "messages": [{"role": "user", "content": text}]}
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status, (response.getheader("x-guardrails-policy") or "").partition(";")[2]
    finally:
        connection.close()


def settled(port: int, digest: str, *, begun: bool = True) -> set[int]:
    """Wait until a dozen checks in a row were judged by one policy; return the statuses of all that were answered."""
    row, statuses = 0, set[int]()

    def is_settled() -> bool:
        nonlocal row
        try:
            status, found = checked(port)
        except ConnectionError:
            assert not begun  # nobody listens yet
            return False
        statuses.add(status)
        row = row + 1 if found == digest else 0
        return row == 12

    wait_until(is_settled, WAIT_S)
    return statuses


def listens(port: int) -> bool:
    """Tell whether a server answers at a port by now."""
    try:
        return checked(port)[0] == 200
    except ConnectionError:
        return False


def count_processes(port: int) -> float:
    """Return how many processes serve, as one of them tells."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    try:
        connection.request("GET", "/metrics")
        return counted(connection.getresponse().read(), "guardrails_worker_processes")
    finally:
        connection.close()


def wait_for_all(port: int, workers: str) -> None:
    """Wait until each worker serves."""
    wait_until(lambda: count_processes(port) == int(workers), WAIT_S)


@pytest.mark.parametrize("workers", ["2"])
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


def test_check_prints_what_would_be_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each setting with who gave it, and the policies by digest, for people and as JSON; nothing listens."""
    config, policy = tmp_path / "settings.yaml", tmp_path / "p.yaml"
    policy.write_text(text(7))
    config.write_text("upstream: http://h\npolicy: p.yaml\nfloor: pii-only\n")
    given = ["serve", "--config", str(config), "--port", "9", "--no-reload", "--check"]

    assert main(given) == 0
    shown = capsys.readouterr().out
    assert main([*given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    digest = Guard.load(policy).policy.ref.digest
    assert re.search(rf"^upstream +http://h +{re.escape(str(config))}$", shown, re.MULTILINE)
    assert re.search(r"^port +9 +--port$", shown, re.MULTILINE)
    assert re.search(r"^workers +1 +default$", shown, re.MULTILINE)
    assert f"policy p 7: 1 rules, 1 detectors, {digest}" in shown
    assert re.search(r"^floor pii-only ", shown, re.MULTILINE)
    assert (told["policy"]["digest"], told["floor"]["name"], told["settings"]["reload"]) == (
        digest,
        "pii-only",
        False,
    )
    assert told["given"] == {
        "upstream": str(config), "policy": str(config), "floor": str(config), "port": "--port", "reload": "--no-reload",
    }  # fmt: skip


def test_check_names_every_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of the policy and of its floor, a larger one too; one that is not installed is an error with its cure."""
    policy = tmp_path / "p.yaml"
    policy.write_text(
        "format: 1\nname: p\n"
        "detectors: {s: {use: classifier, categories: [unsafe], escalate_to: text-safety-large}}\n"
        "rules: [{id: a, on: input, when: unsafe >= 0.8, then: block}]\n"
    )
    given = ["serve", "--upstream", "http://h", "--policy", str(policy), "--floor", "default", "--check"]
    remove_larger_model(monkeypatch)
    assert main(given) == 2
    assert "pip install guardrails-middleware-large" in capsys.readouterr().err
    install_larger_model(tmp_path / "site", monkeypatch, 1.0)
    assert main(given) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("model ")] == [
        f"model text-safety {read_manifest(TEXT_MODELS['text-safety']).version}: shipped",
        "model text-safety-large 1.0.0: package",
        "model nsfw 1.0.0: shipped",
    ]
    assert main([*given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["models"]
    assert [each["model"] for each in told] == ["text-safety", "text-safety-large", "nsfw"]


def test_check_names_every_upstream(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is, what it is asked for, and whether its key is there, which is not shown."""
    monkeypatch.setenv("A_KEY", "sk-zqx")
    monkeypatch.delenv("B_KEY", raising=False)
    config = tmp_path / "settings.yaml"
    config.write_text(
        "upstreams:\n  a: {url: 'http://a', models: [llama-*, m], key_env: A_KEY}\n"
        "  b: {url: 'http://b', models: ['*'], key_env: B_KEY}\n  c: {url: 'http://c', models: [c]}\n"
    )
    given = ["serve", "--config", str(config), "--check"]

    assert main(given) == 0
    shown = capsys.readouterr().out
    assert main([*given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert re.search(rf"^upstreams +3: a, b, c +{re.escape(str(config))}$", shown, re.MULTILINE)
    assert "\nupstream a http://a: 2: llama-*, m (A_KEY is set)\n" in shown
    assert "\nupstream b http://b: 1: * (B_KEY is not set: no key is sent)\n" in shown
    assert "\nupstream c http://c: 1: c (the client's own authorization passes through)\n" in shown
    assert told["upstream_keys"] == {"a": True, "b": False, "c": False}
    assert told["settings"]["upstreams"]["a"]["models"] == ["llama-*", "m"]
    assert "sk-zqx" not in shown + json.dumps(told)
    assert "GUARDRAILS_UPSTREAM_KEY" not in shown.replace("upstream_key_env", "").split("\n\n")[1]


def test_check_never_shows_the_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only whether there is one."""
    monkeypatch.setenv("GUARDRAILS_UPSTREAM_KEY", "sk-zqx")

    for more in ([], ["--json"]):
        assert main(["serve", "--upstream", "http://h", "--check", *more]) == 0
        assert "sk-zqx" not in (shown := capsys.readouterr().out)
        assert "GUARDRAILS_UPSTREAM_KEY is set" in shown or '"upstream_key": true' in shown


@pytest.mark.parametrize(
    ("settings", "policy", "told"),
    [
        (
            "upstream: http://h\nprot: 9\n",
            text(1),
            "settings.yaml:2:1: unknown_field: 'prot' is not a field of the server",
        ),
        (
            "upstream: http://h\npolicy: p.yaml\n",
            "format: 1\nname: p\nrulez: []\n",
            "p.yaml:3:1: unknown_field",
        ),
        ("upstream: http://h\npolicy: q.yaml\n", "", "q.yaml:0:0: unknown_policy"),
        (
            "upstream: http://h\npolicy: p.yaml\nworkers: 2\n",
            text(1).replace("block", "redact, with: hash"),
            "set GUARDRAILS_REDACTION_KEY",
        ),
    ],
)
def test_check_tells_what_is_wrong(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    settings: str,
    policy: str,
    told: str,
) -> None:
    """Of the settings, the policy, and of both together; the status is 2."""
    monkeypatch.delenv("GUARDRAILS_REDACTION_KEY", raising=False)
    (tmp_path / "p.yaml").write_text(policy)
    (tmp_path / "settings.yaml").write_text(settings)

    assert main(["serve", "--config", str(tmp_path / "settings.yaml"), "--check"]) == 2
    assert told in capsys.readouterr().err


def test_a_server_for_everybody_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` says so as the start does: status 2 without keys, unless `--open` says it."""
    given = ["serve", "--upstream", "http://h", "--host", "0.0.0.0"]

    for words in (given, [*given, "--check"]):
        assert main(words) == 2
        assert "--host:1:1: open_to_everybody: whoever reaches 0.0.0.0 could ask: " in capsys.readouterr().err
    assert main([*given, "--open", "--check"]) == 0
    assert re.search(r"open +True +--open", capsys.readouterr().out)


def test_an_upstream_is_needed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file, the environment or a flag; without one the status is 2, and the message shows one."""
    monkeypatch.delenv("GUARDRAILS_UPSTREAM", raising=False)

    assert main(["serve"]) == 2
    assert "missing_field: the server needs 'upstream' - such as" in capsys.readouterr().err
    monkeypatch.setenv("GUARDRAILS_UPSTREAM", "http://h")
    assert main(["serve", "--check"]) == 0


@pytest.mark.parametrize("workers", ["2"])
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
    assert "not ready" in report.read_text()


def test_check_names_what_judges_beside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people and for programs; one that is wrong is an error."""
    given = ["serve", "--upstream", "http://h", "--shadow", "pii-only", "--check"]
    assert main(given) == 0
    shown = capsys.readouterr().out
    assert "shadow pii-only " in shown
    assert "policy pii-only, log None, content False, sample 1.0" in shown
    assert main([*given, "--json"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)["shadows"]] == ["pii-only"]
    assert main(["serve", "--upstream", "http://h", "--shadow", "pii-onli", "--check"]) == 2
    assert "unknown_policy" in capsys.readouterr().err
    log = str(tmp_path / "none" / "log.jsonl")
    assert main([*given, "--shadow-log", log]) == 2
    assert "the log of decisions cannot be written" in capsys.readouterr().err
    assert main(["serve", "--upstream", "http://h", "--shadow-log", log, "--check"]) == 2
    assert "no_shadow" in capsys.readouterr().err
