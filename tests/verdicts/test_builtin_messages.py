"""The sentences that come with the package: in all validated languages, and said in that of what was judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from guardrails import Guard
from guardrails.detectors.kinds import Kind
from guardrails.detectors.language.identification import choose_language
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from guardrails.verdicts.builtin_messages import (
    CALL_STOPPED,
    LANGUAGES,
    RESULT_STOPPED,
    STOPPED,
    UNCHECKED,
    BuiltinMessage,
    say,
)
from tests.cases import each_case

MODEL = """
format: 1
name: model
detectors: {safety: {use: classifier}}
rules: [{id: a, on: input, when: hate >= 0.9, then: block}]
"""


@each_case("message", [STOPPED, CALL_STOPPED, RESULT_STOPPED, UNCHECKED])
def test_each_is_in_all_validated_languages(message: BuiltinMessage) -> None:
    """Those of the text model, each sentence in its own."""
    (bound,) = compile_policy(load(MODEL)).detectors
    assert frozenset(message) == frozenset(LANGUAGES) == getattr(bound.detector, "languages", None)
    for code, text in message.items():
        assert choose_language(text, frozenset(LANGUAGES)) in (code, None), text


def test_one_that_is_in_no_such_language_is_said_in_english() -> None:
    """As is one of which nothing is known."""
    assert [say(STOPPED, "de"), say(STOPPED, "nl"), say(STOPPED)] == [
        STOPPED[code] for code in ("de", "en", "en")
    ]


RULE = """
detectors: {stop: {use: terms, terms: [zqxstop], category: custom.stop, match: substring}}
rules: [{id: a, on: [input, output], when: custom.stop > 0, then: block}]
"""
SPANISH = "Por favor, cuéntame algo sobre zqxstop y las montañas."


@each_case(
    ("text", "asked", "language"),
    [
        (SPANISH, {}, "es"),
        ("Bitte erzähl mir etwas über zqxstop und die Berge.", {}, "de"),
        ("zqxstop 山について教えてください", {}, "ja"),
        ("zqxstop", {}, "en"),
        ("zqxstop", {"client": {"language": "tr-TR"}}, "tr"),
        ("zqxstop", {"client": {"language": "nl"}}, "en"),
    ],
)
def test_a_block_without_a_message_is_said_in_the_language_of_what_was_judged(
    guard_of: Callable[..., Guard], text: str, asked: dict[str, Any], language: str
) -> None:
    """Chosen as rules' messages are, in streams too; the verdict itself says that the rule has none."""
    guard = guard_of(RULE)
    verdict = guard.check(text, stage="input", **asked)
    assert (verdict.message, verdict.refusal) == (None, STOPPED[language])
    stream = guard.stream(stage="output", **asked)
    stream.feed(text)
    stream.flush()
    assert stream.verdict is not None
    assert stream.verdict.refusal == STOPPED[language]


def test_a_wrapped_call_is_answered_so(guard_of: Callable[..., Guard]) -> None:
    """In place of its answer."""
    safe = guard_of(RULE).wrap(lambda text: "Sí.", on_block="answer")
    assert safe(SPANISH) == STOPPED["es"]


def test_what_could_not_be_checked_is_said_so(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """A check that failed is no violation, whatever the messages of rules."""

    def fails(content: Any) -> Any:
        raise ValueError

    rule = "detectors: {own: {use: own}}\nrules: [{id: x, on: input, when: custom.own > 0, then: block, message: 'No.'}]"
    verdict = guard_of(rule, detectors={"own": kind_of(fails)}).check(SPANISH, stage="input")
    assert verdict.unavailable is not None
    assert verdict.refusal == UNCHECKED["es"]
