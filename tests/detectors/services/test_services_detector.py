"""Services as detectors: what a policy may say of one, and what becomes of long, foreign and unread contents."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard, PolicyErrors
from guardrails.detectors.services.services_detector import KIND

ENDPOINTS = """endpoints:
  far: {url: URL, retries: 0}
  other: {url: URL, retries: 0, timeout_ms: 1000}
  aws: {url: URL, aws: {region: eu-central-1}}
"""


class Handler(BaseHTTPRequestHandler):
    """A service of `use: remote, service: http` that finds `zqx`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    asked: list[str]

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        text = json.loads(self.rfile.read(int(self.headers["content-length"])))["t"]
        self.asked.append(text)
        data = json.dumps({"s": 0.9 if "zqx" in text else 0.15 if "zqy" in text else 0.0}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def asked() -> list[str]:
    """What the service was asked."""
    return []


@pytest.fixture
def url(asked: list[str]) -> Iterator[str]:
    """The address of the service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Handler,), {"asked": asked}))
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


Load = Callable[..., Guard]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Load:
    """Return a function: the fields of a detector `d` and what blocks in, a guard out."""

    def load(fields: str, when: str = "toxic > 0.5", more: str = "") -> Guard:
        (tmp_path / "endpoints.yaml").write_text(ENDPOINTS.replace("URL", url))
        monkeypatch.setenv("GUARDRAILS_ENDPOINTS", str(tmp_path / "endpoints.yaml"))
        policy = tmp_path / "policy.yaml"
        policy.write_text(
            f"format: 1\nname: tested\ndetectors:\n  d: {{use: remote, {fields}}}\n"
            f"rules:\n  - {{id: r, on: [input, output], when: {when}, then: block}}\n{more}\n"
        )
        return Guard.load(policy, detectors={"remote": KIND})

    return load


HTTP = "service: http, endpoint: far, http: {body: {t: '{text}'}, score: s, category: toxic}"


def test_a_service_is_a_detector(load: Load, asked: list[str]) -> None:
    """By the process's loop, whether a check waits or not."""
    guard = load(HTTP)
    assert guard.check("a zqx").blocked
    assert asyncio.run(guard.acheck("b zqx")).blocked
    assert not guard.check("a text").blocked
    (bound,) = guard.policy.detectors
    assert (bound.tier, bound.inline, bound.adetect is not None) == (2, False, True)
    assert asked == ["a zqx", "b zqx", "a text"]


def test_a_block_that_costs_nothing_comes_first(load: Load, asked: list[str]) -> None:
    """No service is asked about what is blocked for certain."""
    words = "w: {use: terms, terms: [bomb], category: custom.bomb}"
    guard = load(
        HTTP + "}\n  " + words.removesuffix("}"),
        more="  - {id: w, on: input, when: custom.bomb > 0, then: block}",
    )
    verdict = guard.check("a bomb zqx")
    assert (verdict.blocked, verdict.complete, asked) == (True, False, [])


def test_small_scores_are_not_reported(load: Load) -> None:
    """Below `min_score`."""
    assert [each.score for each in load(HTTP).check("a zqy").findings] == [0.15]
    assert load(f"{HTTP}, min_score: 0.2").check("b zqy").findings == ()


@pytest.mark.parametrize(
    ("fields", "more"), [(f"{HTTP}, windows: 2", ""), (HTTP, "limits: {windows: 2}")], ids=["own", "policy"]
)
def test_what_is_past_the_limit_is_unchecked(load: Load, asked: list[str], fields: str, more: str) -> None:
    """It is not sent, and the policy says what that means."""
    guard = load(f"{fields}, characters: 100", more=more)
    verdict = guard.check("All is well here. " * 50)
    assert len(asked) == 2
    assert [each.kind for each in verdict.coverage.unchecked] == ["limit"]
    assert [rule.id for rule in verdict.rules] == ["unchecked.limit"]


def test_a_language_that_it_was_not_validated_on_is_unchecked(load: Load, asked: list[str]) -> None:
    """It is judged all the same."""
    text = (
        "Das ist ein ganz gew\u00f6hnlicher Satz, den niemand f\u00fcr etwas anderes als Deutsch halten wird."
    )
    verdict = load(f"{HTTP}, languages: [en]").check(text)
    assert asked == [text]
    assert [each.kind for each in verdict.coverage.unchecked] == ["language"]


def test_a_spelling_trick_is_read_too(load: Load, asked: list[str]) -> None:
    """A service reads what a person would."""
    assert load(HTTP).check("a z\u200bq\u200bx").blocked
    assert "a zqx" in asked


def test_the_digest_knows_whom_it_asks(load: Load) -> None:
    """What was found by one service is not taken for what another finds."""
    digests = {load(HTTP.replace("far", name)).policy.detectors[0].digest for name in ("far", "other")}
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("service: openai, endpoint: fra", "unknown_endpoint: detector 'd': no endpoint 'fra' is declared in endpoints.yaml - did"),
        ("service: opnai, endpoint: far", "invalid_value: service must be"),
        ("service: openai", "missing_field"),
        ("service: openai, endpoint: far, url: 'http://x'", "unknown_field"),
        ("service: openai, endpoint: far, categories: [hat]", "unknown_category: detector 'd': 'hat' is nothing that service 'openai' tells - did you mean 'hate'?"),
        ("service: openai, endpoint: far, categories: [hate, pii.email]", "unknown_category: detector 'd': 'pii.email' is nothing"),
        ("service: azure, endpoint: far, categories: [custom.blocklist]", "unknown_category: detector 'd': 'custom.blocklist' is nothing"),
        ("service: openai, endpoint: far, labels: {x: hat}", "unknown_category: detector 'd': 'hat' is no category - did you mean 'hate'?"),
        ("service: openai, endpoint: far, labels: {x: [hate, nope!]}", "unknown_category: detector 'd': 'nope!' is no category"),
        ("service: azure, endpoint: far, model: x", "unused_field: detector 'd': 'model' is not for service 'azure' - remove it"),
        ("service: openai, endpoint: far, blocklists: [x]", "unused_field: detector 'd': 'blocklists' is not for service 'openai'"),
        ("service: openai, endpoint: far, bedrock: {guardrail: x}", "unused_field: detector 'd': 'bedrock' is not for"),
        ("service: openai, endpoint: far, http: {body: {a: '{text}'}}", "unused_field: detector 'd': 'http' is not for"),
        ("service: guardrails, endpoint: far, categories: [custom.Bomb]", "unknown_category: detector 'd': 'custom.Bomb' is nothing"),
        ("service: openai, endpoint: aws", "wrong_endpoint: detector 'd': endpoint 'aws' is one of AWS"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_when_it_is_loaded(load: Load, fields: str, problem: str) -> None:
    """With the place in the policy, and a cure."""
    with pytest.raises(PolicyErrors) as error:
        load(fields, "unsafe > 0.5")
    assert problem in str(error.value)
    assert "policy.yaml:" in str(error.value)


def test_all_that_is_wrong_is_said_at_once(load: Load) -> None:
    """In the order of the file."""
    with pytest.raises(PolicyErrors) as error:
        load(
            "service: openai, endpoint: far, categories: [hat, vio], labels: {x: hot}, blocklists: [x]",
            "unsafe > 0.5",
        )
    assert [each.code for each in error.value] == ["unknown_category"] * 3 + ["unused_field"]


@pytest.mark.parametrize(
    ("fields", "when"),
    [
        ("service: openai, endpoint: far", "sexual.minors > 0.5 && self_harm.intent > 0.5"),
        ("service: openai, endpoint: far, categories: [sexual], labels: {x: sexual.suggestive}", "sexual.suggestive > 0.5"),
        ("service: azure, endpoint: far, blocklists: [x], labels: {x: custom.x}", "custom.blocklist > 0 || custom.x > 0"),
        ("service: azure_shield, endpoint: far", "jailbreak > 0.5 || injection > 0.5"),
        ("service: bedrock, endpoint: far, bedrock: {guardrail: x}", "pii.email > 0 || custom.bedrock_topic > 0"),
        ("service: guardrails, endpoint: far, categories: [custom.bomb, custom, hate]", "custom.bomb > 0 || custom.blocked > 0 || hate > 0"),
        (HTTP, "toxic > 0.5"),
    ],
)  # fmt: skip
def test_rules_know_what_a_service_tells(load: Load, fields: str, when: str) -> None:
    """Before it is ever asked."""
    (bound,) = load(fields, when).policy.detectors
    assert {*re.findall(r"[a-z_.]+(?= > )", when)} <= bound.categories


@pytest.mark.parametrize(
    ("fields", "when"),
    [
        ("service: openai, endpoint: far, categories: [sexual]", "hate > 0.5"),
        ("service: azure, endpoint: far", "custom.blocklist > 0"),
        ("service: azure_shield, endpoint: far", "hate > 0.5"),
        ("service: guardrails, endpoint: far, categories: [hate]", "custom.blocked > 0"),
        (HTTP, "hate > 0.5"),
    ],
)
def test_rules_for_what_no_service_tells_are_wrong(load: Load, fields: str, when: str) -> None:
    """Nothing would ever fire."""
    with pytest.raises(PolicyErrors) as error:
        load(fields, when)
    assert "categor" in str(error.value)
