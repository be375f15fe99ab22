"""The runner of tests that stand beside rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.workshop import suite

POLICY = """
format: 1
name: small
detectors:
  words: {use: terms, terms: [forbidden], category: custom.word}
  ids: {use: patterns, patterns: ['ID-\\d+'], category: custom.id}
rules:
  - {id: word.block, on: [input, tool_call], when: custom.word > 0, then: block}
  - {id: id.redact, on: input, when: custom.id > 0, then: redact}
  - {id: id.shadow, on: input, when: custom.id > 0, then: block, mode: shadow}
  - {id: guest.block, on: input, when: 'custom.id > 0 && request.user.tier == "guest"', then: block}
tests:
  - TEST
"""


def results(folder: Path, test: str) -> list[suite.Result]:
    """Run one test of the small policy."""
    path = folder / "small.yaml"
    path.write_text(POLICY.replace("TEST", test))
    return suite.run(Guard.load(path))


@pytest.mark.parametrize(
    "test",
    [
        '{input: "fine", expect: {action: allow, rules: [], shadow: [], content: fine}}',
        '{tool_call: "forbidden", expect: {action: block, content: null}}',
        '{input: "ID-1", user: {tier: staff}, expect: {action: redact, rules: [id.redact], shadow: [id.shadow], content: "[ID]"}}',
        '{input: "ID-1", user: {tier: guest}, expect: {action: block}}',
        "{messages: [{role: user, content: forbidden}, {role: user, content: fine}], expect: {action: redact, content: [{role: user, content: fine}]}}",
    ],
)
def test_passes_where_the_verdict_is_as_expected(test: str, tmp_path: Path) -> None:
    """Action, exact rules, shadow rules, content and the asker are compared."""
    assert [result.differences for result in results(tmp_path, test)] == [()]


@pytest.mark.parametrize(
    ("test", "difference"),
    [
        ('{input: "fine", expect: {action: block}}', "action is allow, not block (no rule fired)"),
        ('{input: "forbidden", expect: {rules: []}}', "rules are ['word.block'], not []"),
        ('{input: "ID-1", user: {tier: a}, expect: {shadow: []}}', "shadow are ['id.shadow'], not []"),
        ('{input: "ID-1", user: {tier: a}, expect: {content: "ID-1"}}', "content is '[ID]', not 'ID-1'"),
    ],
)
def test_says_what_differs(test: str, difference: str, tmp_path: Path) -> None:
    """A difference names what is, and what was expected."""
    [result] = results(tmp_path, test)

    assert result.differences == (difference,)
    assert result.failed
    assert result.to_dict()["passed"] is False


def test_missing_context_follows_on_error(tmp_path: Path) -> None:
    """A test without a user shows what an unknown user means: the rule's `on_error`."""
    [result] = results(tmp_path, '{input: "ID-1", expect: {action: redact}}')

    assert result.differences == ("action is block, not redact (by guest.block, id.redact)",)
