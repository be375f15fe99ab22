"""`guardrails serve`."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from guardrails import Guard
from guardrails.cli import main
from guardrails.cli.run import demo_model
from guardrails.inference.safety.folder import TEXT_MODELS, read_manifest
from tests.cli.operate.serve_kit import text
from tests.larger_model import install_larger_model, remove_larger_model
from tests.ports import free_port


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
