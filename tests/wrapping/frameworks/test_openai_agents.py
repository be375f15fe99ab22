"""Guardrails of OpenAI's Agents SDK, with stand-ins for its classes; with the SDK: `tests/system/frameworks/test_openai_agents.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails.testing import FakeGuard


class Guardrail:
    """A guardrail of the SDK: a function, and more."""

    def __init__(self, function: Callable[..., Any], name: str, run_in_parallel: bool = True) -> None:
        self.function, self.run_in_parallel = function, run_in_parallel


@dataclass
class ToolDecision:
    """What a guardrail of a tool says."""

    behavior: str
    message: str = ""

    @classmethod
    def allow(cls, output_info: Any) -> ToolDecision:
        """Let a call or a result pass."""
        return cls("allow")

    @classmethod
    def reject_content(cls, message: str, output_info: Any) -> ToolDecision:
        """Replace a result, or a call that is not made."""
        return cls("reject", message)


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> FakeGuard:
    """A guard that blocks `bomb` and redacts `mask`, beside stand-ins for the SDK."""
    kinds = dict.fromkeys(
        ("InputGuardrail", "OutputGuardrail", "ToolInputGuardrail", "ToolOutputGuardrail"), Guardrail
    )
    sdk = SimpleNamespace(
        **kinds, GuardrailFunctionOutput=SimpleNamespace, ToolGuardrailFunctionOutput=ToolDecision
    )
    monkeypatch.setitem(sys.modules, "agents", sdk)  # type: ignore[arg-type]
    return FakeGuard(blocks=["bomb"], redacts=["mask"])


def tripped(guardrail: Any, given: Any) -> bool:
    """Tell whether a guardrail stops a run."""
    output = asyncio.run(guardrail.function(None, None, given))
    return bool(output.tripwire_triggered)


@pytest.mark.parametrize("name", ["input_guardrail", "output_guardrail"])
@pytest.mark.parametrize(
    ("given", "trips", "passes"), [("hello", False, False), ("a mask", True, False), ("a bomb", True, True)]
)
def test_a_guardrail_trips_at_what_it_cannot_edit(
    guard: FakeGuard, name: str, given: str, trips: bool, passes: bool
) -> None:
    """What would be redacted trips unless somebody else redacts it; what is blocked always does."""
    assert tripped(getattr(guard.openai_agents(), name), given) is trips
    assert tripped(getattr(guard.openai_agents(on_redact="pass"), name), given) is passes


def test_items_of_a_conversation_are_judged(guard: FakeGuard) -> None:
    """The model is asked once they were."""
    rails = guard.openai_agents()
    assert not rails.input_guardrail.run_in_parallel
    assert tripped(rails.input_guardrail, [{"role": "user", "content": "a bomb"}])
    assert not tripped(rails.input_guardrail, [{"role": "user", "content": "hello"}])


@pytest.mark.parametrize(
    ("word", "call", "result"),
    [
        ("hello", ("allow", ""), ("allow", "")),
        ("mask", ("reject", "Stopped by policy."), ("reject", "[REDACT]")),
        ("bomb", ("reject", "Stopped by policy."), ("reject", "Stopped by policy.")),
    ],
)
def test_calls_and_results_of_tools_are_judged(
    guard: FakeGuard, word: str, call: tuple[str, str], result: tuple[str, str]
) -> None:
    """A call that would have to be edited is not made; of a result the model reads what is left of it."""
    rails = guard.openai_agents()
    data = SimpleNamespace(
        context=SimpleNamespace(tool_name="f", tool_arguments=f'{{"q": "{word}"}}'), output=word
    )
    for guardrail, expected in ((rails.tool_input_guardrail, call), (rails.tool_output_guardrail, result)):
        said = asyncio.run(guardrail.function(data))
        assert (said.behavior, said.message) == expected


def test_options_are_checked(guard: FakeGuard) -> None:
    """A misspelt one is an error."""
    with pytest.raises(ValueError, match="on_redact must be 'trip' or 'pass'"):
        guard.openai_agents(on_redact="no")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="openai_agents"):
        guard.openai_agents(usr={})  # type: ignore[call-arg]
