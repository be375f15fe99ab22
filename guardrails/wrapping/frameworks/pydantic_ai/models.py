"""Models of Pydantic AI, guarded: what agents ask them and what they answer, whole or in a stream.

A request is read part by part, each as one message of the chat API: instructions and system prompts, what a user says, results of
tools, and what a model said before.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final

from guardrails.errors import RequestError
from guardrails.types import Stage
from guardrails.wrapping.frameworks.model_calls import Message, ModelForm, ask_model, judge_prompt
from guardrails.wrapping.frameworks.pydantic_ai.parts import (
    READERS,
    read_other,
    read_parts,
    write_content,
    write_parts,
)
from guardrails.wrapping.frameworks.pydantic_ai.streams import stream_class
from guardrails.wrapping.frameworks.subclass import with_methods
from guardrails.wrapping.guarded_call import arun, message_of
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms

INSTRUCTIONS: Final = "instructions"


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a message, and the number of the message; of a request's instructions the text."""

    at: int
    part: Any


class PartForm(ModelForm):
    """Parts of requests and responses."""

    def read_message(self, message: Item) -> Message:
        part = message.part
        if isinstance(part, str):
            return {"role": "system", "content": part}
        reader = READERS.get(getattr(part, "part_kind", ""), read_other)
        return reader(part)

    def write_message(self, message: Item, left: Message) -> Any:
        part, content = message.part, left["content"]
        if isinstance(part, str):
            return replace(message, part=content)
        if part.part_kind == "tool-call":
            return None
        if isinstance(content, list) and isinstance(part.content, Sequence):
            written = [write_content(old, new) for old, new in zip(part.content, content, strict=True)]
            return None if None in written else _with_part(message, content=written)
        return _with_part(message, content=content)

    def read_tool(self, tool: Any) -> Any:
        defined = {"name": tool.name, "description": tool.description or ""}
        return {
            "type": "function",
            "function": {**defined, "parameters": tool.parameters_json_schema},
        }

    def read_answer(self, answer: Any) -> Message:
        return read_parts(answer.parts)

    def write_answer(self, answer: Any, left: Message) -> Any:
        return replace(answer, parts=write_parts(answer.parts, left))

    def write_refusal(self, text: str) -> Any:
        messages = import_module("pydantic_ai.messages")
        return messages.ModelResponse(parts=[messages.TextPart(text)], finish_reason="content_filter")


FORM: Final = PartForm()


def _with_part(item: Item, **changes: Any) -> Item:
    part = copy.copy(item.part)
    for name, value in changes.items():
        setattr(part, name, value)
    return replace(item, part=part)


def read_items(messages: Sequence[Any]) -> list[Item]:
    """Return the parts of the messages of a request, with their instructions."""
    items = list[Item]()
    for at, message in enumerate(messages):
        if getattr(message, INSTRUCTIONS, None):
            items.append(Item(at, message.instructions))
        items += [Item(at, part) for part in message.parts]
    return items


def write_items(messages: Sequence[Any], items: Sequence[Item]) -> list[Any]:
    """Return the messages with other parts, without those that have none left."""
    made = list[Any]()
    for at, message in enumerate(messages):
        own = [item.part for item in items if item.at == at]
        parts = [part for part in own if not isinstance(part, str)]
        changes: dict[str, Any] = {"parts": parts}
        if getattr(message, INSTRUCTIONS, None):
            changes[INSTRUCTIONS] = next((part for part in own if isinstance(part, str)), None)
        if parts or not message.parts:
            same = len(parts) == len(message.parts) and all(map(_is, parts, message.parts))
            unchanged = same and changes.get(INSTRUCTIONS) == getattr(message, INSTRUCTIONS, None)
            made.append(message if unchanged else replace(message, **changes))
    return made


def _is(a: object, b: object) -> bool:
    return a is b


def tools_of(parameters: Any) -> list[Any]:
    """Return the tools that a model may call, those by which it answers too."""
    return [*(parameters.function_tools or ()), *(parameters.output_tools or ())]


async def _nobody(*_: Any) -> None:
    """Ask nobody: a prompt alone is judged."""


def wrap(model: Any, terms: Terms) -> Any:
    """Return a model of the same class with a guard around what it is asked and what it answers.

    Raises:
        TypeError: it is wrapped already.
        ValueError: another stage is named for its answers.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is not for models: what a model generates stands at output")
    base: Any = type(model)

    async def request(self: Any, messages: Any, model_settings: Any, model_request_parameters: Any) -> Any:
        parameters = model_request_parameters

        async def ask(items: Sequence[Item]) -> Any:
            return await base.request(self, write_items(messages, items), model_settings, parameters)

        return await arun(ask_model(terms, FORM, read_items(messages), tools_of(parameters)), terms, ask)

    @asynccontextmanager
    async def request_stream(
        self: Any,
        messages: Any,
        model_settings: Any,
        model_request_parameters: Any,
        run_context: Any = None,
    ) -> AsyncIterator[Any]:
        parameters = model_request_parameters

        def opened(items: Sequence[Item]) -> Any:
            given = write_items(messages, items)
            return base.request_stream(self, given, model_settings, parameters, run_context)

        asked, items = await arun(
            judge_prompt(FORM, read_items(messages), tools_of(parameters)), terms, _nobody
        )
        if asked.blocked:
            refusal = FORM.write_refusal(message_of(terms, asked))
            models = import_module("pydantic_ai.models")
            yield models.CompletedStreamedResponse(
                refusal, model_request_parameters=parameters, replay_events=True
            )
            return
        async with opened(items) as stream:
            yield stream_class()(stream, terms, asked)

    async def batch_create(self: Any, requests: Any) -> Any:
        raise RequestError("unguarded_call", "batches cannot be judged: ask the model that was wrapped")

    return with_methods(
        model, {"request": request, "request_stream": request_stream, "batch_create": batch_create}
    )


WRAPPER: Final = Wrapper(
    "pydantic_ai.Model", "Guards what a model of Pydantic AI is asked and answers.", wrap
)
