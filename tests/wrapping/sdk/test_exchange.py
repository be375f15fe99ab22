"""The checks around one call, without any call: requests and verdicts in, bodies and refusals out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from guardrails import BackendError, Blocked, Guard
from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.chat.chat_stream import ChatCodec, write_events
from guardrails.protocols.protocol import Protocol, StreamFormat
from guardrails.types import Place, Stage
from guardrails.wrapping.sdk.exchange import Exchange, Terms, response_checker_of
from tests.cases import each_case

BOMB, MASK = "zqxbomb", "zqxmask"


def anything(stage: Stage) -> Any:
    """Return a reader that judges all of a body."""

    def reader(body: Any) -> Any:
        leaves = ContentTree()
        leaves.anything(body, (), Place(stage))
        return leaves

    return reader


API = Protocol(
    name="made.up",
    path="/made-up",
    read_request=anything(Stage.INPUT),
    read_response=anything(Stage.OUTPUT),
    withhold=payload.apply_edits,  # type: ignore[arg-type] # nothing is withheld here
    refuse=lambda words, body: {"no": words, "choices": []},
    stream=StreamFormat(codec=ChatCodec, events=write_events),
)


def exchange(guard: Guard, body: Any, *, answers: bool = False) -> Exchange:
    """Return an exchange whose request passed."""
    made = Exchange(Terms(guard, answers, {"tenant": "acme"}), API, body)
    assert made.ask(guard.check(API.request_payload(body), "input")) is None  # type: ignore[misc]
    return made


def test_a_request_is_sent_as_the_policy_leaves_it(policy_guard: Guard) -> None:
    """With the model as context, unless the caller says another one."""
    made = exchange(policy_guard, {"model": "m", "text": MASK})
    assert made.body == {"model": "m", "text": "[MASK]"}
    assert made.asking == {"model": "m", "tenant": "acme"}
    assert exchange(policy_guard, {"model": 1}).asking == {"tenant": "acme"}


@each_case("stream", [False, True])
def test_a_blocked_request_is_raised_or_answered(policy_guard: Guard, stream: bool) -> None:
    """In the form that was asked for."""
    blocked = policy_guard.check(API.request_payload({"a": BOMB}), "input")  # type: ignore[misc]
    asking = Exchange(Terms(policy_guard, True), API, {"a": BOMB, "stream": stream})
    answered = asking.ask(blocked)
    assert answered is not None
    assert (answered == b"") if stream else json.loads(answered) == {"no": "Not that.", "choices": []}
    with pytest.raises(Blocked):
        Exchange(Terms(policy_guard, False), API, {}).ask(blocked)
    with pytest.raises(Blocked):
        Exchange(Terms(policy_guard, True), replace(API, refuse=None), {}).ask(blocked)


def test_an_answer_of_no_form_is_refused(policy_guard: Guard) -> None:
    """It nests too deep."""
    deep: Any = "x"
    for _ in range(99):
        deep = [deep]
    with pytest.raises(BackendError, match="cannot be judged"):
        exchange(policy_guard, {}).read({"a": deep})


def test_an_answer_is_judged_as_a_check_would(policy_guard: Guard) -> None:
    """With the context and what the request's check handed out."""
    asked = policy_guard.check("hi")
    for text in ("fine", "zqxmask", "zqxbomb"):
        judge = response_checker_of(policy_guard, {"tenant": "acme", "user": None}, asked)
        expected = policy_guard.check(text, "output", tenant="acme", after=asked)
        verdict, _ = policy_guard.pipeline.drive(judge.whole(payload.text(text, Stage.OUTPUT), None))
        assert (verdict.action, verdict.content) == (expected.action, expected.content)


def test_who_asks_is_what_conditions_read(guard_of: Callable[..., Guard]) -> None:
    """Of the whole answer and of one that grows."""
    guard = guard_of("""
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
rules:
  - {id: one, on: output, when: custom.bomb > 0 && request.tenant == "acme", then: block}
""")
    chunk: Any = {"choices": [{"index": 0, "delta": {"content": "a zqxbomb. "}}]}
    for tenant, stops in (("acme", True), ("other", False)):
        judge = response_checker_of(guard, {"tenant": tenant}, None)
        verdict, _ = guard.pipeline.drive(judge.whole(payload.text("zqxbomb", Stage.OUTPUT), None))
        assert verdict.blocked == stops
        relay = judge.relay(ChatCodec(), chat_fields.read_response)
        guard.pipeline.drive(relay.take([(chunk, "", b"")], None))
        assert (relay.stop is not None) == stops
        if stops:
            verdict = guard.pipeline.drive(judge.so_far(relay, None))
            assert (verdict.blocked, verdict.content, [rule.id for rule in verdict.rules]) == (
                True,
                None,
                ["one"],
            )


def test_who_asks_in_a_block_is_who_asked_when_its_answer_comes(guard_of: Callable[..., Guard]) -> None:
    """A stream may be read behind the block that its call was made in; what the wrapper was told goes before, and None says nothing."""
    guard = guard_of("""
rules:
  - {id: acme, on: [input, output], when: 'request.tenant == "acme"', then: flag, on_error: allow}
  - {id: staff, on: [input, output], when: 'request.user.tier == "staff"', then: flag, on_error: allow}
""")
    for context, expected in (({}, ["acme", "staff"]), ({"tenant": "own", "user": None}, ["staff"])):
        with guard.with_context(tenant="acme", user={"tier": "staff"}):
            made = Exchange(Terms(guard, answers=False, context=context), API, {"model": "m"})
        judge = made.judge
        verdict, _ = guard.pipeline.drive(judge.whole(payload.text("hi", Stage.OUTPUT), None))
        assert sorted(rule.id for rule in verdict.rules) == expected
        assert made.verdicts.output is verdict
