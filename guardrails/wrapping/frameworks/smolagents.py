"""Models of smolagents, guarded: what agents ask them and what they answer, whole or in a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

from guardrails.types import Stage
from guardrails.wrapping import guarded_call
from guardrails.wrapping.frameworks.model_calls import Message, ModelForm, ask_model, stream_model
from guardrails.wrapping.frameworks.subclass import with_methods
from guardrails.wrapping.guarded_call import run
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms

ROLES: Final = {"tool-call": "assistant", "tool-response": "user"}
"""Roles that models are not told: smolagents sends these in their place."""


class SmolagentsForm(ModelForm):
    """Messages of smolagents: objects, or mappings as the chat API has them."""

    def read_message(self, message: Any) -> Message:
        given = message if isinstance(message, dict) else vars(message)
        role = str(getattr(given["role"], "value", given["role"]))
        return {"role": ROLES.get(role, role), "content": given.get("content") or ""}

    def write_message(self, message: Any, left: Message) -> Any:
        if isinstance(message, dict):
            return {**message, "content": left["content"]}
        return replace(message, content=left["content"])

    def read_tool(self, tool: Any) -> Any:
        return import_module("smolagents.models").get_tool_json_schema(tool)

    def read_answer(self, answer: Any) -> Message:
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": _write(call.function.arguments)},
            }
            for call in answer.tool_calls or ()
        ]
        said = {"role": "assistant", "content": answer.content or ""}
        return {**said, "tool_calls": calls} if calls else said

    def write_answer(self, answer: Any, left: Message) -> Any:
        pairs = zip(answer.tool_calls or (), left.get("tool_calls", ()), strict=True)
        calls = [
            replace(call, function=replace(call.function, arguments=_read(call.function.arguments, new)))
            for call, new in pairs
        ]
        return replace(answer, content=left["content"], tool_calls=calls or None, raw=None)

    def write_refusal(self, text: str) -> Any:
        models = import_module("smolagents.models")
        return models.ChatMessage(role=models.MessageRole.ASSISTANT, content=text)

    def read_text(self, piece: Any) -> str:
        return piece.content or ""

    def is_text(self, piece: Any) -> bool:
        return not piece.tool_calls

    def write_piece(self, piece: Any, text: str, shown: str) -> Any:
        usage = piece.token_usage if text in ("", piece.content) else None
        return replace(piece, content=text, tool_calls=None if text else piece.tool_calls, token_usage=usage)

    def read_whole(self, pieces: Sequence[Any]) -> Message:
        whole = import_module("smolagents.models").agglomerate_stream_deltas(pieces)
        return {**self.read_answer(whole), "content": ""}

    def write_refusal_piece(self, text: str) -> Any:
        return import_module("smolagents.models").ChatMessageStreamDelta(content=text)


def _write(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, default=str)


def _read(before: Any, new: Any) -> Any:
    text = new["function"]["arguments"]
    return text if isinstance(before, str) else json.loads(text)


FORM: Final = SmolagentsForm()


def wrap(model: Any, terms: Terms) -> Any:
    """Return a model of the same class with a guard around what it is asked and what it answers.

    Raises:
        TypeError: it is wrapped already.
        ValueError: another stage is named for its answers.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is not for models: what a model generates stands at output")
    base: Any = type(model)

    def generate(self: Any, messages: Any, *args: Any, **options: Any) -> Any:
        return run(
            ask_model(terms, FORM, messages, options.get("tools_to_call_from")),
            terms,
            lambda given: base.generate(self, given, *args, **options),
        )

    def generate_stream(self: Any, messages: Any, *args: Any, **options: Any) -> Iterator[Any]:
        return guarded_call.stream(
            stream_model(terms, FORM, messages, options.get("tools_to_call_from")),
            terms,
            lambda given: base.generate_stream(self, given, *args, **options),
        )

    return with_methods(model, {"generate": generate, "generate_stream": generate_stream})


WRAPPER: Final = Wrapper("smolagents.Model", "Guards what a model of smolagents is asked and answers.", wrap)
