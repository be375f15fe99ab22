"""The contract matrix of checks that cannot be done: every API says so as what it is, and never as a violation.

A detector fails over a word; the rules that need it have the default `on_error: block`. What is asked about, or answered with, that
word is stopped with 503 and the code `guard_unavailable`, in a stream that has begun by the API's own error; gateways that ask a
hook get their block; the route whose answer is a verdict says it there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from guardrails import Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running
from guardrails.types import CLEAN, Text
from tests.cases import each_case

from .conftest import EVERYWHERE, Answer, Fake
from .contract import Api, Failure, World, _stream, _whole, documents, fill, tells
from .contract_apis import APIS
from .contract_hooks import HOOKED

WORD = "zqxdown"
TEXT = f"All is well, says {WORD}"
CODE = "guard_unavailable"
PLACES = 3
"""Places of each API that are tried: that all are judged alike, the matrix itself shows."""

POLICY = f"""
detectors: {{own: {{use: own}}}}
rules:
  - {{id: own, on: {EVERYWHERE}, when: custom.own > 0, then: block, message: Not that.}}
unchecked: {{part: flag, audio: flag, sealed: flag}}
"""
GATEWAYS = frozenset(api.path for api in HOOKED)
BEGIN_AT_ONCE = ("/v1/chat/completions", "/v1/messages", "/v1/responses")
"""APIs whose streams begin with events that hold no text, and so go out before anything is judged."""

FORWARDING = [api for api in APIS if api.forwards]


@pytest.fixture(scope="module")
def broken(_fake: Fake, guard_of: Callable[..., Guard], kind_of: Callable[..., Any]) -> Iterator[World]:
    """A proxy whose detector fails over the word."""

    def judge(content: Any) -> Any:
        text = content.text if isinstance(content, Text) else getattr(content, "arguments", "")
        return 1 / 0 if WORD in text else CLEAN

    with ExitStack() as stack:
        guard = guard_of(POLICY, detectors={"own": kind_of(judge)})
        url = stack.enter_context(running(Settings(_fake.url, port=0), guard))
        made = World(_fake, url, url)
        yield made
        for connection in made.connections.values():
            connection.close()


def says_unavailable(api: Api, got: Answer) -> str:
    """Return how an answer says that a check could not be done; asserts that it says so in the API's own form."""
    assert WORD not in got.raw.decode(errors="replace"), got.raw
    assert "Not that." not in got.raw.decode(errors="replace"), got.raw
    if got.status == 503:
        assert CODE in got.raw.decode(), got.raw
        assert (got.headers["x-guardrails-unavailable"], got.headers["x-should-retry"]) == ("crash", "false")
        assert got.headers["x-guardrails-action"] == "block"
        assert "own" not in got.headers["x-guardrails-rules"]
        return "503"
    assert got.status == 200, (got.status, got.raw)
    assert api.ending(got) == "error", got.raw
    assert CODE in json.dumps(documents(got.raw)), got.raw
    return "an error in the stream"


@each_case("api", FORWARDING, ids=lambda api: api.title)
def test_what_is_asked_is_503(broken: World, api: Api) -> None:
    """Asked for whole or as a stream; nothing reaches the upstream. A place that is refused whatever it says is refused."""
    outcomes = set()
    for template in [*api.asks.values()][:PLACES]:
        for more in (api.whole, api.streaming) if api.frames else (api.whole,):
            broken.fake.asked.clear()
            body = {**more, **fill(template, TEXT)}
            got = broken.send(api.address, api.form(body) if api.form else body)
            assert broken.fake.asked == []
            outcomes.add("refused" if got.status == 400 else says_unavailable(api, got))
    assert outcomes - {"refused"} == {"503"}


@each_case("api", [api for api in FORWARDING if api.answers], ids=lambda api: api.title)
def test_what_is_answered_is_503_or_ends_the_stream_with_an_error(broken: World, api: Api) -> None:
    """Nothing of what could not be judged is shown; no refusal is written in the model's name."""
    answers = [each for each in api.answers.values() if isinstance(each, dict) and "@" in json.dumps(each)]
    for template in answers[:PLACES]:
        for size in (0, 4) if api.frames else (0,):
            answer = fill(template, TEXT)
            broken.fake.reply = (
                _stream(api.frames(answer, size), api) if size and api.frames else _whole(answer)
            )
            body = {**api.question, **(api.streaming if size else api.whole)}
            got = broken.send(api.address, api.form(body) if api.form else body)
            if b"upstream_invalid" not in got.raw:  # an answer that is none of the API's
                said = says_unavailable(api, got)
                assert not size or said != "503" or api.path not in BEGIN_AT_ONCE


@each_case("api", [api for api in APIS if api.path in GATEWAYS], ids=lambda api: api.title)
def test_a_gateway_gets_its_block(broken: World, api: Api) -> None:
    """With status 200, as many let pass what is answered with an error; a header says why."""
    template = next(iter(api.asks.values()))
    got = broken.send(api.address, fill(template, TEXT))
    assert got.status in (200, 503), got.raw
    assert got.status == 200 or api.path == "/request", got.raw
    assert got.headers["x-guardrails-unavailable"] == "crash"
    assert not isinstance(template, Failure)


def test_a_verdict_says_it_and_a_moderation_is_503(broken: World) -> None:
    """A moderation could only say flagged or harmless."""
    got = broken.send("/v1/check", {"text": TEXT})
    assert got.status == 200
    assert (got.json["action"], got.json["rules"]) == ("block", [])
    assert got.json["unavailable"] == {"reason": "crash", "rules": ["own"]}
    moderated = broken.send("/v1/moderations", {"input": ["fine", TEXT]})
    assert (moderated.status, moderated.json["error"]["code"]) == (503, CODE)
    assert not tells(json.dumps(moderated.json), WORD)
