"""Guarded calls of tools."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from guardrails import Blocked
from guardrails.testing import FakeGuard
from guardrails.wrapping.frameworks.tool_calls import call_tool, restore_types, write_arguments
from guardrails.wrapping.guarded_call import run
from guardrails.wrapping.sdk.exchange import Terms
from tests.cases import each_case

GUARD = FakeGuard(blocks=["bomb"], redacts=["mask"])


def call(arguments: Any, result: Any = "fine", *, answers: bool = False) -> tuple[Any, list[Any]]:
    """Call a tool; return what its caller gets, and what it was given."""
    terms, given = Terms(GUARD, answers), list[Any]()

    def tool(sent: Any) -> Any:
        given.append(sent)
        return result

    return run(call_tool(terms, "f", arguments), terms, tool), given


@each_case("arguments", [{"q": "bomb"}, '{"q": "bomb"}'])
def test_a_blocked_call_is_not_made(arguments: Any) -> None:
    """It is raised, or answered."""
    with pytest.raises(Blocked):
        call(arguments)
    assert call(arguments, answers=True) == ("Stopped by policy.", [])


@each_case(
    ("arguments", "sent"),
    [
        ({"q": "x", "day": date(2026, 1, 2)}, {"q": "x", "day": date(2026, 1, 2)}),
        ({"q": "mask", "day": date(2026, 1, 2)}, {"q": "[REDACT]", "day": date(2026, 1, 2)}),
        ('{"q": "mask"}', '{"q":"[REDACT]"}'),
    ],
)
def test_a_tool_gets_what_the_policy_leaves(arguments: Any, sent: Any) -> None:
    """In the types that were given where nothing changes."""
    result, given = call(arguments)
    assert result == "fine"
    assert [each.replace(" ", "") if isinstance(each, str) else each for each in given] == [sent]


def test_results_are_judged() -> None:
    """As what the tool returned."""
    assert call({}, "a mask")[0] == "a [REDACT]"
    assert call({}, {"a": ["mask"]})[0] == {"a": ["[REDACT]"]}
    assert call({}, None)[0] is None
    with pytest.raises(Blocked):
        call({}, "bomb")
    assert call({}, "bomb", answers=True)[0] == "Stopped by policy."


def test_arguments_are_json() -> None:
    """Or cannot be judged."""
    assert write_arguments({"a": 1}) == '{"a": 1}'
    assert write_arguments("x") == "x"
    assert restore_types({"a": (1, 2)}, {"a": [1, 2]}) == {"a": (1, 2)}
    with pytest.raises(TypeError):
        write_arguments({"a": object()})
