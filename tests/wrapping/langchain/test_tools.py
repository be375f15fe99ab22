"""Tools, retrievers and embeddings without LangChain; with it: `tests/system/frameworks/test_langchain.py`."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails import Blocked
from guardrails.testing import FakeGuard
from guardrails.types import Stage
from guardrails.wrapping.langchain.tools import (
    refusing,
    shown_arguments,
    wrap_embeddings,
    wrap_retriever,
    wrap_tool,
)
from guardrails.wrapping.sdk.exchange import Terms

TERMS = Terms(FakeGuard(blocks=["bomb"], redacts=["mask"]), answers=False)


class Tool:
    """A tool that a runtime is injected into."""

    name = "echo"
    _injected_args_keys = frozenset({"runtime"})

    def run(self, tool_input: Any, **options: Any) -> Any:
        """Say what was given, and whether the runtime came."""
        return f"{tool_input['q']} {'runtime' in tool_input}"

    async def arun(self, tool_input: Any, **options: Any) -> Any:
        """Its twin."""
        return self.run(tool_input)


def test_a_tool_gets_judged_arguments_and_its_own() -> None:
    """What is injected is handed on as it is; a result is judged."""
    tool = wrap_tool(Tool(), TERMS)
    given = {"q": "a mask", "runtime": object()}

    assert tool.run(given) == "a [REDACT] True"
    assert asyncio.run(tool.arun(given)) == "a [REDACT] True"
    with pytest.raises(Blocked):
        tool.run({"q": "bomb"})
    with pytest.raises(Blocked):
        asyncio.run(tool.arun({"q": "bomb"}))


def test_arguments_that_a_model_may_give_are_shown() -> None:
    """By the schema of its calls, where there is one."""
    tool = SimpleNamespace(
        tool_call_schema=SimpleNamespace(model_fields={"q": 1}),
        args_schema=SimpleNamespace(model_fields={"q": 1, "state": 1}),
    )
    assert shown_arguments(tool, {"q": "x", "state": object(), "more": "y"}) == {"q": "x", "more": "y"}
    assert shown_arguments(tool, "x") == "x"
    assert refusing("f", None)("no") == "no"


class Retriever:
    """A retriever that finds what is asked."""

    def _get_relevant_documents(self, query: str) -> list[str]:
        return [f"on {query}"]

    async def _aget_relevant_documents(self, query: str) -> list[str]:
        return [f"on {query}"]


def test_a_retriever_s_queries_and_documents_are_judged() -> None:
    """Synchronously and on an event loop."""
    retriever = wrap_retriever(Retriever(), TERMS)

    assert retriever._get_relevant_documents("a mask") == ["on a [REDACT]"]
    assert asyncio.run(retriever._aget_relevant_documents("a mask")) == ["on a [REDACT]"]
    with pytest.raises(Blocked):
        retriever._get_relevant_documents("bomb")


class Vectors:
    """Embeddings that say what they read."""

    def embed_documents(self, texts: list[str]) -> list[Any]:
        """Return the texts."""
        return texts

    def embed_query(self, text: str) -> Any:
        """Return the text."""
        return text

    async def aembed_documents(self, texts: list[str]) -> list[Any]:
        """Return the texts."""
        return texts

    async def aembed_query(self, text: str) -> Any:
        """Return the text."""
        return text


def test_what_embeddings_read_is_judged() -> None:
    """There is nothing to judge in what they return."""
    vectors = wrap_embeddings(Vectors(), TERMS)

    assert vectors.embed_query("a mask") == "a [REDACT]"
    assert vectors.embed_documents(["x", "mask"]) == ["x", "[REDACT]"]
    assert asyncio.run(vectors.aembed_query("a mask")) == "a [REDACT]"
    assert asyncio.run(vectors.aembed_documents(["mask"])) == ["[REDACT]"]
    with pytest.raises(Blocked):
        vectors.embed_documents(["x", "bomb"])
    with pytest.raises(ValueError, match="output is not for embeddings"):
        wrap_embeddings(Vectors(), Terms(TERMS.guard, answers=False, output=Stage.RETRIEVAL))
