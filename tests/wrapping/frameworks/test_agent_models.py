"""Models of OpenAI's Agents SDK with stand-ins for its classes; with it: `tests/system/frameworks/test_openai_agents.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage

from guardrails import Blocked
from guardrails.protocols.registry import load_protocols
from guardrails.testing import FakeGuard
from guardrails.types import Stage
from guardrails.wrapping.frameworks.agent_models import wrap, write_event
from guardrails.wrapping.sdk.exchange import Terms

TERMS = Terms(FakeGuard(blocks=["bomb"], redacts=["mask"]), answers=False)
POLITE = Terms(TERMS.guard, answers=True)
RESPONSES = next(each for each in load_protocols() if each.name == "openai.responses")


def message(text: str) -> dict[str, Any]:
    """Return a message of a model's."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


class Model:
    """A model that says what it is told to."""

    def __init__(self, text: str, arguments: str = "{}") -> None:
        self.text, self.arguments = text, arguments
        self.heard: list[Any] = []

    async def get_response(
        self, system_instructions: Any, input: Any, model_settings: Any, tools: Any, tracing: Any = None
    ) -> Any:
        """Answer."""
        self.heard.append((system_instructions, input))
        call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": self.arguments}
        output = [
            ResponseOutputMessage.model_validate(message(self.text)),
            ResponseFunctionToolCall.model_validate(call),
        ]
        return SimpleNamespace(output=output)

    async def stream_response(
        self, system_instructions: Any, input: Any, model_settings: Any, tools: Any, tracing: Any = None
    ) -> AsyncIterator[Any]:
        """Answer event by event."""
        self.heard.append((system_instructions, input))
        assert RESPONSES.stream is not None
        whole = {
            **{"id": "r", "object": "response", "created_at": 1, "status": "completed", "model": "m"},
            **{
                "output": [message(self.text)],
                "tools": [],
                "tool_choice": "auto",
                "parallel_tool_calls": True,
            },
        }
        for event in RESPONSES.stream.events(whole):
            yield write_event(event.data, ())


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the library."""
    made = SimpleNamespace(ModelResponse=SimpleNamespace, Usage=SimpleNamespace)
    monkeypatch.setitem(sys.modules, "agents", made)  # type: ignore[arg-type]


def ask(model: Any, given: Any, system: str | None = None, tools: Any = ()) -> Any:
    """Ask a model, as the SDK does."""
    return asyncio.run(
        model.get_response(system_instructions=system, input=given, model_settings=None, tools=tools)
    )


def stream(model: Any, given: Any) -> list[Any]:
    """Ask a model for a stream."""

    async def main() -> list[Any]:
        return [event async for event in model.stream_response(None, given, None, [])]

    return asyncio.run(main())


def text_of(output: Any) -> str:
    """Return what the message of an answer says."""
    part = output[0].content[0]
    return str(getattr(part, "text", None) or part.refusal)


def test_prompts_and_answers_are_judged() -> None:
    """In the SDK's own types; what does not change is what it was."""
    model = wrap(Model("my mask", '{"q": "mask"}'), TERMS)
    answer = ask(model, "a mask", "Be kind, mask.")
    assert text_of(answer.output) == "my [REDACT]"
    assert "mask" not in answer.output[1].arguments
    assert [type(item) for item in answer.output] == [ResponseOutputMessage, ResponseFunctionToolCall]
    items = [{"role": "user", "content": "hello"}]
    ask(model, items)
    assert model.heard[0] == ("Be kind, [REDACT].", "a [REDACT]")
    assert model.heard[1][1] is items


def test_a_block_is_raised_or_answered() -> None:
    """By a refusal of the model's."""
    model = wrap(Model("x"), TERMS)
    for call in (ask, stream):
        with pytest.raises(Blocked):
            call(model, "bomb")
    assert model.heard == []
    for prompt, said in (("bomb", "x"), ("hello", "a bomb")):
        assert text_of(ask(wrap(Model(said), POLITE), prompt).output) == "Stopped by policy."
        events = stream(wrap(Model(said), POLITE), prompt)
        assert "Stopped by policy." in str(events[-1])
        assert "bomb" not in str(events)


def test_tools_are_judged() -> None:
    """One whose definition would have to be changed is not sent."""
    tool = SimpleNamespace(name="f", description="a mask", params_json_schema={})
    with pytest.raises(Blocked):
        ask(wrap(Model("x"), TERMS), "hello", tools=[tool])


def test_streams_go_on_as_they_are_judged() -> None:
    """Event by event, in the SDK's own types."""
    events = stream(wrap(Model("my mask."), TERMS), "hello")
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == "my [REDACT]."
    assert "mask" not in str(events)
    assert events[-1].response.output[0].content[0].text == "my [REDACT]."
    with pytest.raises(Blocked):
        stream(wrap(Model("a bomb"), TERMS), "hello")


def test_answers_stand_at_output() -> None:
    """Nowhere else."""
    with pytest.raises(ValueError, match="output is not for models"):
        wrap(Model("x"), Terms(TERMS.guard, answers=False, output=Stage.RETRIEVAL))
