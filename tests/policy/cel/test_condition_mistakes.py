"""Parts of conditions that parse, and are wrong as a whole: one problem, where they begin, with what to write."""

from __future__ import annotations

import pytest

from guardrails.policy.condition import ConditionError, compile_condition
from guardrails.policy.names import ConditionNames
from tests.cases import each_case

NAMES = ConditionNames({"a": frozenset({"hate", "self_harm", "pii.email"}), "b-c": frozenset({"toxic"})})


@each_case(
    ("text", "offset", "hint"),
    [
        ("IF(hate > 0.8, block, allow)", 0, "write hate > 0.8"),
        ("hate > 0.8 && len(content) > 5", 14, "content.length"),
        ("contains('bomb')", 0, "{use: terms, terms: [foo]}"),
        ("hate > 0.8 && now() > 5", 14, "request.metadata.hour"),
        ("self-harm > 0.8", 0, "did you mean 'self_harm'?"),
        ("hate/threatening > 0.8", 0, "did you mean 'hate.threatening'?"),
        ("pii.e-mail > 0", 0, "did you mean 'pii.email'?"),
        ("detector.b-c.toxic > 0", 0, "write '_' in it"),
        ("request.user.tier == staff", 21, 'write request.user.tier == "staff"'),
        ("request.user.tier != 3", 21, 'write request.user.tier != "3"'),
        ("request.user.tier == null", 21, "write !has(request.user.tier)"),
        ("None != request.user.tier", 0, "write has(request.user.tier)"),
        ("!has(user.tier)", 5, "write has(request.user.tier)"),
        ("0.5 < hate < 0.8", 11, "write (0.5 < hate && hate < 0.8)"),
        ("hate || toxic >= 0.8", 5, "write hate >= 0.8 || toxic >= 0.8"),
    ],
)
def test_a_mistake_is_one_problem(text: str, offset: int, hint: str) -> None:
    """No further one follows from it."""
    names = ConditionNames({**NAMES.by_detector, "d": frozenset({"toxic", "hate.threatening"})})
    with pytest.raises(ConditionError) as caught:
        compile_condition(text, names)
    (problem,) = caught.value.problems
    assert problem.offset == offset
    assert hint in problem.hint


@each_case(
    "text",
    [
        "hate - pii.email > 0.1",
        'request.user.tier == "staff"',
        'request.model.contains("gpt") && hate > 0.5',
        "request.user.tier == request.model && hate > 0.1",
        "has(request.user.tier) && hate > 0.5",
    ],
)
def test_what_is_meant_passes(text: str) -> None:
    """A difference of scores, a method of a value, two values of the request."""
    assert compile_condition(text, NAMES).text == text
