"""Models of Pydantic AI with stand-ins for its classes; with it: `tests/system/frameworks/test_pydantic_ai.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails import Blocked, RequestError
from guardrails.testing import FakeGuard
from guardrails.types import Stage
from guardrails.wrapping.frameworks.pydantic_ai.models import wrap
from guardrails.wrapping.sdk.exchange import Terms
from tests.wrapping.frameworks.pydantic_ai.kit import ModelMessage, Parameters, Part

GUARD = FakeGuard(blocks=["bomb"], redacts=["mask"])
TOOL = SimpleNamespace(name="f", description="Does it.", parameters_json_schema={})


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the library."""
    messages = SimpleNamespace(ModelResponse=ModelMessage, TextPart=lambda text: Part("text", text))
    models = SimpleNamespace(
        CompletedStreamedResponse=lambda response, **_: response, StreamedResponse=object
    )
    monkeypatch.setitem(sys.modules, "pydantic_ai.messages", messages)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "pydantic_ai.models", models)  # type: ignore[arg-type]


class Model:
    """A model that says what it is told to."""

    def __init__(self, *parts: Part) -> None:
        self.parts = [*parts]
        self.heard: list[Any] = []

    async def request(self, messages: Any, settings: Any, parameters: Any) -> Any:
        """Answer."""
        self.heard.append(messages)
        return ModelMessage(self.parts)

    @asynccontextmanager
    async def request_stream(
        self, messages: Any, settings: Any, parameters: Any, run_context: Any = None
    ) -> AsyncIterator[Any]:
        """Answer in a stream."""
        self.heard.append(messages)
        yield None

    async def batch_create(self, requests: Any) -> Any:
        """Ask much at once."""


def ask(model: Any, *messages: ModelMessage, parameters: Any = None) -> Any:
    """Ask a model."""
    return asyncio.run(model.request([*messages], None, parameters or Parameters([TOOL])))


def test_requests_and_responses_are_judged_part_by_part() -> None:
    """What does not change is the same object."""
    model = wrap(Model(Part("text", "a mask"), Part("text", "x")), Terms(GUARD, answers=False))
    same = ModelMessage([Part("user-prompt", "hello")], instructions="Be kind.")
    answer = ask(model, same, ModelMessage([Part("user-prompt", ["mask", "y"])], instructions="mask"))

    assert [part.content for part in answer.parts] == ["a [REDACT]", "x"]
    heard = model.heard[0]
    assert heard[0] is same
    assert (heard[1].parts[0].content, heard[1].instructions) == (["[REDACT]", "y"], "[REDACT]")


def test_a_block_is_raised_or_answered() -> None:
    """A blocked turn of before is left out with what it answers to."""
    bomb = ModelMessage([Part("user-prompt", "bomb")])
    model = wrap(Model(Part("text", "x")), Terms(GUARD, answers=False))
    with pytest.raises(Blocked):
        ask(model, bomb)
    assert model.heard == []
    ask(model, bomb, ModelMessage([Part("text", "no")]), ModelMessage([Part("user-prompt", "hello")]))
    assert [message.parts[0].content for message in model.heard[0]] == ["hello"]
    polite = ask(wrap(Model(Part("text", "bomb")), Terms(GUARD, answers=True)), bomb)
    assert (polite.parts[0].content, polite.finish_reason) == ("Stopped by policy.", "content_filter")
    with pytest.raises(Blocked):
        ask(model, ModelMessage([Part("tool-call", tool_name="f", args={"q": "mask"})]))


def test_a_blocked_stream_is_not_begun() -> None:
    """It is answered as a whole, or raised."""

    async def main(answers: bool) -> Any:
        model = wrap(Model(), Terms(GUARD, answers))
        asked = [ModelMessage([Part("user-prompt", "bomb")])]
        async with model.request_stream(asked, None, Parameters()) as stream:
            assert model.heard == []
            return stream

    assert asyncio.run(main(True)).parts[0].content == "Stopped by policy."
    with pytest.raises(Blocked):
        asyncio.run(main(False))


def test_what_cannot_be_guarded_is_refused() -> None:
    """With the cure."""
    with pytest.raises(RequestError, match="ask the model that was wrapped"):
        asyncio.run(wrap(Model(), Terms(GUARD, answers=False)).batch_create([]))
    with pytest.raises(ValueError, match="output is not for models"):
        wrap(Model(), Terms(GUARD, answers=False, output=Stage.RETRIEVAL))
