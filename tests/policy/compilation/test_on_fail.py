"""Where a rule may say `on_fail`, and what is said where it may not."""

from __future__ import annotations

import pytest

from guardrails import Guard, PolicyErrors
from guardrails.policy.compiled import OnFail
from tests.cases import each_case

RULE = "on: output, when: custom.json > 0, then: block"


def load(rule: str) -> Guard:
    """Return a guard of one rule."""
    return Guard.load(
        "format: 1\nname: p\ndetectors:\n"
        "  json: {use: format, kind: json, category: custom.json}\n"
        "  words: {use: terms, terms: [x], category: custom.words}\n"
        f"rules:\n  - {{id: r, {rule}}}\n"
    )


@each_case(
    ("more", "on_fail"),
    [
        ("", None),
        ("on_fail: repair", OnFail(True, 0)),
        ("on_fail: reask", OnFail(True, 1)),
        ("on_fail: reask, reask: 3", OnFail(True, 3)),
    ],
)
def test_what_is_tried(more: str, on_fail: OnFail | None) -> None:
    """Both repair first; a model is asked again once where nothing is said."""
    assert load(f"{RULE}, {more}").policy.rules[0].on_fail == on_fail


@each_case(
    ("rule", "code", "place"),
    [
        (f"{RULE.replace('json', 'words')}, on_fail: repair", "not_a_format", "repair"),
        (f"{RULE.replace('> 0', '> 0 || custom.words > 0')}, on_fail: repair", "not_a_format", "repair"),
        ("on: output, when: content.length > 5, then: block, on_fail: repair", "not_a_format", "repair"),
        (f"{RULE.replace('output', 'input')}, on_fail: reask", "not_in_scope", "reask"),
        (f"{RULE}, on_fail: repair, scope: message", "not_in_scope", "message"),
        (f"{RULE}, on_fail: repair, stream: annotate", "unused_field", "annotate"),
        (f"{RULE}, reask: 2", "unused_field", "reask"),
        (f"{RULE}, on_fail: repair, reask: 2", "unused_field", "reask"),
        (f"{RULE}, on_fail: reask, reask: 9", "invalid_value", "9"),
        (f"{RULE}, on_fail: mend", "invalid_value", "mend"),
    ],
)
def test_mistakes_are_located(rule: str, code: str, place: str) -> None:
    """Each with a line, a column and a cure."""
    with pytest.raises(PolicyErrors) as raised:
        load(rule)
    [error] = raised.value
    assert (error.code, error.line) == (code, 7)
    assert f"  - {{id: r, {rule}}}"[error.col - 1 :].startswith(place)
    assert error.hint or " must be " in error.message


def test_what_is_under_way_cannot_be_repaired() -> None:
    """`parallel: true` sends a request before it is judged; a reply may be repaired."""
    text = (
        "format: 1\nname: p\nparallel: true\nhistory: block\ndetectors: {json: {use: format, kind: json, category: custom.json}}\n"
        "rules: [{id: r, on: STAGE, when: custom.json > 0, then: block, on_fail: repair}]\n"
    )
    assert Guard.load(text.replace("STAGE", "output")).parallel
    with pytest.raises(PolicyErrors, match="rule 'r' repairs what stands in a request"):
        Guard.load(text.replace("STAGE", "tool_result"))


def test_the_digest_knows_it() -> None:
    """Policies without it keep theirs; what is tried is part of what a policy means."""
    digests = [
        load(f"{RULE}{more}").policy.ref.digest for more in ("", ", on_fail: repair", ", on_fail: reask")
    ]
    assert len({*digests}) == 3
