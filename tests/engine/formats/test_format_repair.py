"""Texts that a rule with `on_fail` repairs: what is left is judged anew, and what cannot be repaired is told with its problems."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.engine.formats.format_repair import redact_problems
from guardrails.engine.model import Change
from guardrails.verdicts.format_failure import FormatProblem
from tests.cases import each_case

SCHEMA = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "card": {}},
}
RULE = {
    "id": "form",
    "on": ["output"],
    "when": "custom.form > 0",
    "then": "block",
    "on_fail": "reask",
    "reask": 2,
}


def load(*rules: dict[str, Any], **rule: Any) -> Guard:
    """Return a guard with the rule, some of its fields changed, and others."""
    detectors = {
        "form": {"use": "format", "kind": "json", "schema": SCHEMA, "category": "custom.form"},
        "pii": {"use": "pii", "entities": ["email", "credit_card"]},
        "words": {"use": "terms", "terms": ["zqxbomb"], "category": "custom.words"},
    }
    own = {name: value for name, value in {**RULE, **rule}.items() if value is not None}
    return Guard.load({"format": 1, "name": "p", "detectors": detectors, "rules": [own, *rules]})


MASK = {"id": "mask", "on": ["output"], "when": "pii > 0", "then": "redact"}
WORDS = {"id": "words", "on": ["output"], "when": "custom.words > 0", "then": "block"}


@pytest.fixture(scope="module")
def guard() -> Guard:
    """A guard that wants a name, masks and blocks."""
    return load(MASK, WORDS)


def test_what_is_repaired_is_the_content(guard: Guard) -> None:
    """The rule says that it changed something, and what it found stays on record; check and acheck alike."""
    for verdict in (
        guard.check("{'name': 'Jo',}", stage="output"),
        asyncio.run(guard.acheck("{'name': 'Jo',}", stage="output")),
    ):
        assert verdict.content == '{"name": "Jo"}'
        assert [(rule.id, str(rule.action), rule.reason) for rule in verdict.rules] == [
            ("form", "redact", "repaired")
        ]
        assert [finding.category for finding in verdict.findings] == ["custom.form"]
        assert not verdict.format_failures


@each_case(
    ("text", "content"),
    [
        ("{'name': 'jo@example.com'}", '{"name": "[EMAIL]"}'),
        ('```\n{"name": "x", "card": 4111111111111111}\n```', '{"name": "x", "card": "[CREDIT_CARD]"}'),
        ('{"name": "x", "card": 4111111111111111}', '{"name": "x", "card": "[CREDIT_CARD]"}'),
        ("{'name': 'zqxbomb'}", None),
        ("{'name': 'zqx/* */bomb'}", None),  # remarks inside of a word part it for no reader
        ("{'name': 'x'} zqxbomb", '{"name": "x"}'),
        ('{"name": "x", "name": "y"}', None),  # nobody knows which was meant
    ],
)
def test_what_is_repaired_is_judged_anew(guard: Guard, text: str, content: str | None) -> None:
    """Values are replaced so that JSON stays JSON; what is blocked is blocked, and what is gone is nobody's concern."""
    assert guard.check(text, stage="output").content == content


@each_case(
    ("text", "problems"),
    [
        ("no", ["the answer: must be valid JSON, and is not from line 1, column 1 on"]),
        ("{}", ["the answer: must have the property 'name'"]),
        ('{"name": 1, "age": "x"}', ["/name: must be of type string", "/age: must be of type integer"]),
        ('{"name": "x", "zip": 1}', ["/zip: is no property that the schema has"]),
    ],
)
def test_what_cannot_be_repaired_is_told(guard: Guard, text: str, problems: list[str]) -> None:
    """The rule does what it says, and the verdict has what is wrong and where."""
    verdict = guard.check(text, stage="output")
    assert verdict.blocked
    [failure] = verdict.format_failures
    assert (failure.rule, failure.reasks, failure.text) == ("form", 2, text)
    assert [*map(str, failure.problems)] == problems


def test_what_failed_is_redacted(guard: Guard) -> None:
    """A model is told no more of its answer than others are."""
    [failure] = guard.check('{"nam": "jo@example.com"}', stage="output").format_failures
    assert failure.text == '{"nam": "[EMAIL]"}'


@each_case(
    ("rule", "text", "action"),
    [
        ({"then": "flag"}, "no", "flag"),
        ({"then": "flag"}, "{'name': 'x'}", "redact"),
        ({"mode": "shadow"}, "no", "allow"),
        ({"mode": "shadow"}, "{'name': 'x'}", "allow"),
        ({"when": "custom.form > 0 && content.length > 99"}, "{'name': 'x'}", "allow"),
        ({"on_fail": None, "reask": None}, "{'name': 'x'}", "block"),
    ],
)
def test_the_rule_decides_whether_it_is_tried(rule: dict[str, Any], text: str, action: str) -> None:
    """Where its condition does not hold, or it only watches, nothing is changed."""
    verdict = load(**rule).check(text, stage="output")
    assert str(verdict.action) == action
    assert action == "redact" or verdict.content in (text, None)


def test_a_stream_is_held_and_repaired(guard: Guard) -> None:
    """Nothing goes out before the end, then all of it."""
    stream = guard.stream("output")
    assert [stream.feed(piece) for piece in ("{'name': ", "'jo@exam", "ple.com'}")] == ["", "", ""]
    assert stream.flush() == '{"name": "[EMAIL]"}'
    assert stream.verdict is not None
    assert str(stream.verdict.action) == "redact"
    assert "form" in guard.held("output")


def test_two_rules_on_one_text() -> None:
    """Each repairs what the other left, or does what it says."""
    other = {**RULE, "id": "other", "when": "custom.form >= 0.5"}
    assert load(other).check("{'name': 'x'}", stage="output").content == '{"name": "x"}'


@given(st.fixed_dictionaries({"name": st.text()}, optional={"age": st.integers()}))
def test_what_fits_passes_unchanged(value: dict[str, object]) -> None:
    """Any JSON that fits the schema, written in either way."""
    guard = GUARD
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert guard.check(text, stage="output").content == text


GUARD = load()


@each_case(
    ("answer", "problem"),
    [
        ('{"4111 1111 1111 1111": 1, "name": "x"}', "/[CREDIT_CARD]: is no property that the schema has"),
        ('{"a/jo@example.com": 1, "name": "x"}', "/a~1[EMAIL]: is no property that the schema has"),
        ('{"\\u006ao@example.com": 1, "name": "x"}', "/[EMAIL]: is no property that the schema has"),
    ],
)
def test_problems_say_nothing_that_is_redacted(answer: str, problem: str) -> None:
    """A pointer leads by the keys as rules leave them."""
    [failure] = load(MASK).check(answer, stage="output").format_failures
    assert [*map(str, failure.problems)] == [problem]


def test_words_on_a_value_are_redacted_as_the_value_is() -> None:
    """Also where it is escaped in the text; a short one only as a word."""
    text = '{"a": "x\\"y z", "b": "at"}'
    changes = [(text, Change(7, 13, "[A]")), (text, Change(22, 24, "[B]"))]
    problem = FormatProblem('/x"y z/at', 'x"y z is bad, and that at is')
    assert redact_problems([problem, problem], changes) == (
        FormatProblem("/[A]/[B]", "[A] is bad, and that [B] is"),
    )
