"""Terms over context that is absent are false, `!=` is true, and what nobody bound stays unknown."""

from __future__ import annotations

import pytest

from guardrails.policy.condition import ConditionError, compile_condition
from guardrails.policy.names import ConditionNames
from tests.cases import each_case

NAMES = ConditionNames({"t": frozenset({"hate", "custom.bad"})})
METADATA = "_present.request.metadata"


@each_case(
    ("text", "truth"),
    [
        ('request.user.tier == "a"', False),
        ('"a" == request.user.tier', False),
        ('request.user.tier != "a"', True),
        ('(request.user.tier) != ("a")', True),
        ('!(request.user.tier != "a")', False),
        ("request.user.age < 16", False),
        ("request.user.age >= 16", False),
        ("!(request.user.age < 16)", True),
        ("request.user.age + 1 > 2", False),
        ('request.user.tier in ["a", "b"]', False),
        ('!(request.user.tier in ["a"]) // a comment (', True),
        ('request.user.id.startsWith("a")', False),
        ("size(request.user.id) > 3", False),
        ("request.user.roles.exists(r, r == request.tenant)", False),
        ("request.user.id == request.tenant", False),
        ("request.user.id != request.tenant", True),
        ("request.user.vip && true", False),
        ("!request.user.vip && true", True),
        ('request.tenant == "a" ? true : request.model == "m"', False),
        ('request.client.app == ") && ("', False),
        ("has(request.user.tier)", False),
        ("!has(request.tenant) && !has( request.user.age )", True),
        ("has(request.metadata) || has(request.metadata.a.b)", False),
        ('request.metadata.a == "x" || request.metadata["a"] == "x"', False),
        ('request.metadata.a.b != "x" && request.metadata["a"]["b"] != "x"', True),
    ],
)
def test_what_is_absent_equals_no_value(text: str, truth: bool) -> None:
    """However the comparison is written, in brackets or not."""
    condition = compile_condition(text, NAMES)
    assert condition.evaluate(condition.bind_context(lambda _: None)) is truth
    assert condition.evaluate({}) is None


@each_case(
    ("text", "metadata", "truth"),
    [
        ("has(request.metadata.a)", {"a": 1}, True),
        ("has(request.metadata.a.b)", {}, False),
        ("has(request.metadata.a.b)", {"a": {"b": 1}}, True),
        ('request.metadata.a == "x"', {}, False),
        ('request.metadata.a == "x"', {"a": "x"}, True),
        ('request.metadata.a != "x"', {}, True),
        ('request.metadata.a.b == "x"', {"a": {}}, False),
        ('"x" in request.metadata.tags', {}, False),
        ('request.metadata["a b"] > 3', {"a b": 4}, True),
        ('request.metadata.exists(key, key == "a")', {"a": 1}, True),
    ],
)
def test_a_key_may_be_absent(text: str, metadata: dict[str, object], truth: bool) -> None:
    """As may one below another."""
    condition = compile_condition(text, NAMES)
    assert condition.evaluate(condition.bind_context(lambda _: metadata)) is truth


@each_case(
    ("text", "offset", "hint"),
    [
        ("has(custom.bad)", 4, "write custom.bad > 0"),
        ("has(hate)", 4, "write has(request.user.tier)"),
        ("has(request.usr.tier)", 4, "did you mean"),
        ("request.user.tier > 5", 18, "in quotes"),
    ],
)
def test_what_has_cannot_ask_is_an_error_with_its_cure(text: str, offset: int, hint: str) -> None:
    """A category is always there, and types are checked as ever."""
    with pytest.raises(ConditionError) as caught:
        compile_condition(text, NAMES)
    assert caught.value.problems[0].offset == offset
    assert hint in caught.value.problems[0].hint


def test_the_index_knows_nothing_of_the_context() -> None:
    """A rule that an absent value makes fire needs no finding."""
    assert not compile_condition("!has(request.tenant)", NAMES).needs_findings()
    assert compile_condition('hate > 0 && request.tenant != "a"', NAMES).needs_findings()
