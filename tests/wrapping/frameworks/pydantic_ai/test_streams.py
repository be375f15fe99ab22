"""Streams of Pydantic AI with stand-ins for its classes; with it: `tests/system/frameworks/test_pydantic_ai.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails import Blocked
from guardrails.testing import FakeGuard
from guardrails.types import Verdict
from guardrails.wrapping.frameworks.pydantic_ai.streams import read_event, stream_class
from guardrails.wrapping.sdk.exchange import Terms
from tests.cases import each_case
from tests.wrapping.frameworks.pydantic_ai.kit import Part

GUARD = FakeGuard(blocks=["bomb"], redacts=["mask"])
ASKED: Verdict[Any] = GUARD.check("hello")


class Manager:
    """Makes events of what a stream says."""

    def handle_text_delta(self, *, vendor_part_id: Any, content: str) -> Iterator[Any]:
        """Yield the event of a text."""
        yield "text", content

    def handle_thinking_delta(self, *, vendor_part_id: Any, content: str) -> Iterator[Any]:
        """Yield the event of a thought."""
        yield "thinking", content

    def handle_part(self, *, vendor_part_id: Any, part: Any) -> Any:
        """Return the event of a whole part."""
        return part.part_kind, part.args


class Streamed:
    """What the library has of a stream."""

    def __init__(self, parameters: Any) -> None:
        self._parts_manager = Manager()


class Inner:
    """A stream of a model's, part by part, letter by letter."""

    model_request_parameters = None
    usage = "3 tokens"
    finish_reason = "stop"

    def __init__(self, *parts: Part) -> None:
        self.parts = [*parts]

    async def __aiter__(self) -> AsyncIterator[Any]:
        for at, part in enumerate(self.parts):
            empty = Part(part.part_kind)
            yield SimpleNamespace(event_kind="part_start", index=at, part=empty)
            for letter in part.content:
                delta = SimpleNamespace(part_delta_kind=part.part_kind, content_delta=letter)
                yield SimpleNamespace(event_kind="part_delta", index=at, delta=delta)
        yield SimpleNamespace(event_kind="final_result")

    def get(self) -> Any:
        """Return the whole."""
        return SimpleNamespace(parts=self.parts)

    async def cancel(self) -> None:
        """End it."""
        self.parts.clear()


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stand-ins for the library."""
    models = SimpleNamespace(StreamedResponse=Streamed)
    monkeypatch.setitem(sys.modules, "pydantic_ai.models", models)  # type: ignore[arg-type]
    stream_class.cache_clear()
    yield
    stream_class.cache_clear()


def run(*parts: Part, answers: bool = False) -> tuple[list[Any], Any]:
    """Return the events of a guarded stream, and the stream."""
    stream = stream_class()(Inner(*parts), Terms(GUARD, answers), ASKED)

    async def main() -> list[Any]:
        return [event async for event in stream._get_event_iterator()]

    return asyncio.run(main()), stream


def test_texts_and_thoughts_grow_and_calls_wait() -> None:
    """All of them judged; what else a stream says is the model's."""
    call = Part("tool-call", tool_name="f", args='{"q": "mask"}')
    events, stream = run(Part("thinking", "a mask"), call, Part("text", "my mask."))

    assert "".join(text for kind, text in events if kind == "thinking") == "a [REDACT]"
    assert "".join(text for kind, text in events if kind == "text") == "my [REDACT]."
    assert events[-1] == ("tool-call", '{"q": "[REDACT]"}')
    assert (stream.usage, stream.finish_reason) == ("3 tokens", "stop")
    asyncio.run(stream.close_stream())
    assert stream._inner.parts == []


@each_case("part", [Part("text", "a bomb"), Part("tool-call", tool_name="f", args='{"q": "bomb"}')])
def test_a_block_ends_a_stream(part: Part) -> None:
    """By an exception, or by the policy's message."""
    with pytest.raises(Blocked):
        run(part)
    events, _ = run(part, answers=True)
    assert events[-1] == ("text", "Stopped by policy.")


def test_events_about_no_part_bring_nothing() -> None:
    """The library makes them itself."""
    assert read_event(SimpleNamespace(event_kind="final_result")) == (-1, "", "")
