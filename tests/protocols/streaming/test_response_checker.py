"""Answers to one request are judged as steps, beside what was asked, and their streams are ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from guardrails import Action, BackendError, Guard, Stage
from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload
from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.engine.model import Outcome, Request
from guardrails.engine.redaction.vault import Vault
from guardrails.protocols.chat import chat_fields, chat_payload
from guardrails.protocols.chat.chat_stream import ChatCodec
from guardrails.protocols.streaming.codec import Patch, StreamCodec
from guardrails.protocols.streaming.response_checker import ResponseChecker
from guardrails.types import CLEAN, Verdict
from tests.cases import each_case

POLICY = """
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
rules:
  - {id: bomb, on: output, when: custom.bomb > 0, then: block, message: Not that.}
  - {id: mask, on: output, when: custom.mask > 0, then: redact}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks one word and redacts another."""
    return guard_of(POLICY)


class Said:
    """What is done with an answer; `heard` are the verdicts on it, and those that were asked for words."""

    def __init__(self) -> None:
        self.heard: list[Verdict] = []

    def read(self, answer: Any) -> Payload:
        """Read a completion."""
        return chat_payload.response_payload(answer, chat_fields.read_response(answer))

    def passed(self, answer: Any, heard: Payload, verdict: Verdict, outcome: Outcome) -> Any:
        """Return what the policy leaves, of a block a refusal."""
        if not verdict.blocked:
            return verdict.content
        refused = {"index": 0, "message": {"refusal": "Not that."}, "finish_reason": "content_filter"}
        return {**answer, "choices": [refused]}

    def message(self, verdict: Verdict) -> str:
        """Return the message of the rule."""
        self.heard.append(verdict)
        return verdict.message or ""


def judge(guard: Guard, beside: tuple[str, str, str] = ("", "", ""), **how: Any) -> ResponseChecker:
    """Return what judges an answer."""

    def verdict(heard: Payload, outcome: Outcome, before: Vault | None) -> Verdict:
        return guard.verdict(heard, outcome, Stage.OUTPUT, before)

    return ResponseChecker(guard.pipeline, Request(), beside, verdict, **how)


def ended(guard: Guard, *texts: str, codec: StreamCodec | None = None) -> tuple[str, dict[str, Any], Said]:
    """Return what a client reads of a stream with these pieces, by field, and how it was answered."""
    said, own = Said(), judge(guard)
    relay = own.relay(codec or ChatCodec(), chat_fields.read_response)
    choices: list[Any] = [{"index": 0, "delta": {"content": text}} for text in texts]
    told: list[Any] = []
    for choice in (*choices, {"index": 0, "delta": {}, "finish_reason": "stop"}):
        data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        if relay.stop is None:
            guard.pipeline.drive(relay.take([(data, "", b"")], None))
            told += relay.ready()
    told += guard.pipeline.drive(own.ended(relay, said, None))
    deltas = [choice for event in told for choice in event.data["choices"]]
    text = "".join(choice["delta"].get("content") or "" for choice in deltas)
    return text, deltas[-1], said


def test_a_stream_ends_with_what_is_left_of_it(guard: Guard) -> None:
    """As the policy leaves it; nobody is asked for words."""
    for pieces, left in ((("so it ", "is"), "so it is"), (("a zqx", "mask it"), "a [MASK] it")):
        text, last, said = ended(guard, *pieces)
        assert (text, last["finish_reason"], said.heard) == (left, "stop", [])


def test_a_stream_that_was_stopped_ends_in_a_refusal(guard: Guard) -> None:
    """Of what there was of it."""
    text, last, said = ended(guard, "so it ", "zqxbomb is")
    assert (text, last["finish_reason"]) == ("so it ", "content_filter")
    assert [rule.id for verdict in said.heard for rule in verdict.rules] == ["bomb"]
    assert said.heard[0].content is None


class Contradictory(ChatCodec):
    """Says at the end that the answer was another."""

    def __init__(self, **message: Any) -> None:
        super().__init__()
        self._message = message

    def finish(self) -> list[Patch]:
        """Return the patch by which it is."""
        choice = {"index": 0, "message": self._message, "finish_reason": "stop"}
        return [Patch("set", (), {"choices": [choice]})]


def test_an_answer_that_is_withheld_ends_in_a_refusal(guard: Guard) -> None:
    """Though its stream was not stopped: what was told of it is not what was judged."""
    text, last, said = ended(guard, "so it ", "is", codec=Contradictory(content="so zqxbomb"))
    assert "so it is".startswith(text)
    assert last["finish_reason"] == "content_filter"
    assert [verdict.action for verdict in said.heard] == [Action.BLOCK]


class Speechless(Contradictory):
    """Cannot tell what is left of an answer."""

    def write_rest(self, answer: Any) -> None:
        """Tell nothing."""


def test_what_cannot_be_told_is_an_error(guard: Guard) -> None:
    """Never an answer of which something is missing."""
    codec = Speechless(content="so it is", note="a zqxmask")
    with pytest.raises(BackendError, match="not what is left"):
        ended(guard, "so it is", codec=codec)


def test_what_there_was_of_an_answer_has_a_verdict(guard: Guard) -> None:
    """Also where nothing stopped it, such as an upstream that broke it off."""
    for text, action in (
        ("so it is", Action.ALLOW),
        ("a zqxmask", Action.REDACT),
        ("a zqxbomb", Action.BLOCK),
    ):
        own = judge(guard)
        relay = own.relay(ChatCodec(), chat_fields.read_response)
        data: Any = {"choices": [{"index": 0, "delta": {"content": text}}]}
        guard.pipeline.drive(relay.take([(data, "", b"")], None))
        assert guard.pipeline.drive(own.so_far(relay, None)).action is action


def test_answers_are_judged_alike_on_an_event_loop(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Any]
) -> None:
    """And with what they are judged beside, for a detector that reads it."""
    seen: list[dict[str, str]] = []
    own = kind_of(
        lambda content: seen.append(dict(content.context or {})) or CLEAN,
        reads=("system", "prompt", "sources"),
    )
    policy = POLICY.replace("rules:", "  own: {use: own}\nrules:")
    policy += "  - {id: own, on: output, when: custom.own > 0, then: flag}\n"
    guards = [
        guard_of(policy, detectors={"own": own}) for _ in range(2)
    ]  # neither knows what the other found
    for text in ("fine", "zqxmask", "zqxbomb"):
        here, there = [judge(guard, ("system", "prompt", "source"), complete=True) for guard in guards]

        async def on_loop(there: ResponseChecker = there, text: str = text) -> Any:
            heard = payload.text(text, Stage.OUTPUT)
            return await guards[1].pipeline.adrive(there.whole(heard, INLINE_ON_LOOP))

        verdict, outcome = guards[0].pipeline.drive(here.whole(payload.text(text, Stage.OUTPUT), None))
        again, _ = asyncio.run(on_loop())
        assert (verdict.action, verdict.content) == (again.action, again.content)
        assert outcome.action is verdict.action
    assert seen == [{"system": "system", "prompt": "prompt", "sources": "source"}] * 6


def test_who_asks_to_be_told_sees_what_an_answer_is_judged_beside(guard: Guard) -> None:
    """Also where no detector reads it, as a log of decisions keeps the prompt of an answer."""
    seen: list[dict[str, str]] = []

    def before(tree: ContentTree, ended: bool) -> None:
        seen.append(dict(tree.leaves[0].content.context or {}))

    own = judge(guard, ("system", "prompt", "source"), before=before)
    guard.pipeline.drive(own.whole(payload.text("fine", Stage.OUTPUT), None))
    assert seen == [{"system": "system", "prompt": "prompt", "sources": "source"}]


def test_all_detectors_can_have_their_say(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Any]
) -> None:
    """On a whole answer, and on what there was of one, though a quicker one has decided."""
    seen: list[str] = []
    own = kind_of(lambda content: seen.append(content.text) or CLEAN, tier=1)
    policy = POLICY.replace("rules:", "  own: {use: own}\nrules:")
    policy += "  - {id: own, on: output, when: custom.own > 0, then: flag}\n"
    guard = guard_of(policy, detectors={"own": own})
    text = payload.text
    for complete, expected in ((False, []), (True, ["a zqxbomb", "a zqxbomb"])):
        seen.clear()
        judging = judge(guard, complete=complete)
        guard.pipeline.drive(judging.whole(text("a zqxbomb", Stage.OUTPUT), None))
        relay = judging.relay(ChatCodec(), chat_fields.read_response)
        data: Any = {"choices": [{"index": 0, "delta": {"content": "a zqxbomb"}}]}
        guard.pipeline.drive(relay.take([(data, "", b"")], None))
        guard.pipeline.drive(judging.so_far(relay, None))
        assert seen == expected


def test_an_outcome_is_what_is_made_of_it(guard: Guard) -> None:
    """The verdict is on that, and so is what is withheld."""
    judging = judge(guard, settled=lambda outcome: replace(outcome, action=Action.BLOCK))

    verdict, outcome = guard.pipeline.drive(judging.whole(payload.text("fine", Stage.OUTPUT), None))

    assert (verdict.action, outcome.action, verdict.content) == (Action.BLOCK, Action.BLOCK, None)


@each_case(("text", "ended"), [("so it is", True), ("a zqxmask", True), ("a zqxbomb", False)])
def test_what_is_about_to_be_judged_is_shown_before(text: str, ended: bool, guard: Guard) -> None:
    """As it is then, with what it is judged beside, and whether it is all of the answer."""
    seen: list[tuple[str, Any, bool]] = []

    def before(tree: ContentTree, whole: bool) -> None:
        content: Any = tree.leaves[0].content
        seen.append((content.text, content.context["prompt"], whole))

    own = judge(guard, ("", "a question", ""), before=before)
    if ended:
        answer = {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]}
        guard.pipeline.drive(
            own.whole(chat_payload.response_payload(answer, chat_fields.read_response(answer)), None)
        )
    else:
        relay = own.relay(ChatCodec(), chat_fields.read_response)
        data: Any = {"choices": [{"index": 0, "delta": {"content": text}}]}
        guard.pipeline.drive(relay.take([(data, "", b"")], None))
        guard.pipeline.drive(own.so_far(relay, None))
    assert seen == [(text, "a question", ended)]
