"""Graphs without LangGraph; with it: `tests/system/frameworks/test_langchain.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails import Blocked, RequestError
from guardrails.testing import FakeGuard
from guardrails.wrapping.langchain.graphs import Chunk, wrap_graph
from guardrails.wrapping.sdk.exchange import Terms
from tests.cases import each_case

TERMS = Terms(FakeGuard(blocks=["bomb"], redacts=["mask"]), answers=False)


class Pregel:
    """A graph that streams what it is given, and remembers it."""

    stream_mode = "values"

    def __init__(self) -> None:
        self.state: list[Any] = []

    def stream(self, input: Any, config: Any = None, **options: Any) -> Iterator[Any]:
        """Yield what was given as a state and as an update."""
        self.state.append(input)
        yield {"said": input["ask"]}
        yield {"node": {"said": input["ask"]}}

    async def astream(self, input: Any, config: Any = None, **options: Any) -> AsyncIterator[Any]:
        """Its twin."""
        for chunk in self.stream(input):
            yield chunk

    def invoke(self, input: Any) -> Any:
        """Return the last chunk, as LangGraph does."""
        return [*self.stream(input)][-1]

    def astream_events(self, input: Any) -> Any:
        """Yield what is not judged."""


def test_what_goes_in_and_each_chunk_is_judged() -> None:
    """By all methods that read the stream; others are the graph's own."""
    graph = wrap_graph(Pregel(), TERMS)
    judged = [{"said": "a [REDACT]"}, {"node": {"said": "a [REDACT]"}}]

    async def collect() -> list[Any]:
        return [chunk async for chunk in graph.astream({"ask": "a mask"})]

    assert [*graph.stream({"ask": "a mask"})] == judged
    assert graph.invoke({"ask": "a mask"}) == judged[-1]
    assert asyncio.run(collect()) == judged
    assert graph.state[0] == {"ask": "a [REDACT]"}
    with pytest.raises(Blocked):
        graph.invoke({"ask": "bomb"})


def test_what_cannot_be_guarded_is_refused() -> None:
    """With the cure."""
    graph = wrap_graph(Pregel(), TERMS)
    with pytest.raises(RequestError, match="use stream"):
        graph.astream_events({"ask": "x"})
    with pytest.raises(ValueError, match=r"catch Blocked, wrap the model in the graph"):
        wrap_graph(Pregel(), Terms(TERMS.guard, answers=True))
    with pytest.raises(TypeError, match="wrapped already"):
        wrap_graph(graph, TERMS)


PIECE = SimpleNamespace(type="AIMessageChunk", id="m", chunk_position="last")


@each_case(
    ("chunk", "mode", "subgraphs", "told"),
    [
        ((PIECE, {}), "messages", False, ("x", {})),
        (("messages", (PIECE, {})), ("messages", "values"), False, ("messages", ("x", {}))),
        ((("a",), (PIECE, {})), "messages", True, (("a",), ("x", {}))),
        ((("a",), "messages", (PIECE, {})), ("messages",), True, (("a",), "messages", ("x", {}))),
        (
            {"type": "messages", "ns": (), "data": (PIECE, {})},
            "messages",
            False,
            {"type": "messages", "ns": (), "data": ("x", {})},
        ),
    ],
)
def test_pieces_of_messages_are_found_in_each_form(chunk: Any, mode: Any, subgraphs: bool, told: Any) -> None:
    """And put back where they stood."""
    found = Chunk(chunk, mode, subgraphs)
    assert found.message is PIECE
    assert found.is_last
    assert found.with_message("x") == told


@each_case(
    ("chunk", "mode"),
    [({"a": 1}, "values"), (("values", {"a": 1}), ("values", "messages")), ((PIECE, {}), "custom")],
)
def test_other_chunks_are_no_pieces(chunk: Any, mode: Any) -> None:
    """They are judged as a whole."""
    assert Chunk(chunk, mode, False).message is None
