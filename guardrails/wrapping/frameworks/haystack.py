"""Chat generators of Haystack, guarded: components of pipelines and agents that stay what they are.

Of what a generator streams to a callback the text goes on as it is judged. Pieces of calls and thoughts are no callback's: the
program gets all of them with the reply.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

from guardrails.types import Stage, Verdict
from guardrails.wrapping.frameworks.model_calls import (
    Message,
    ModelForm,
    begin_text,
    judge_answer,
    judge_prompt,
)
from guardrails.wrapping.frameworks.subclass import with_methods
from guardrails.wrapping.frameworks.tool_calls import write_arguments
from guardrails.wrapping.guarded_call import Call, Flow, arun, message_of, run
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms

MESSAGE: Final = "haystack.dataclasses"


def kind_of(part: Any) -> str:
    """Return the name of the class of a part of a message."""
    return type(part).__name__


def read_part(part: Any) -> Any:
    """Return what a message says in a part as one of the chat API's."""
    kind = kind_of(part)
    if kind == "TextContent":
        return {"type": "text", "text": part.text}
    if kind == "ToolCallResult":
        told = part.result if isinstance(part.result, str) else [read_part(each) for each in part.result]
        return {"type": "text", "text": told if isinstance(told, str) else write_arguments(told)}
    if kind == "ImageContent":
        url = f"data:{part.mime_type or 'image/png'};base64,{part.base64_image}"
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"file_data": str(getattr(part, "base64_data", part))}}


def is_said(part: Any) -> bool:
    """Tell whether a part is of a message's content, rather than a thought or a call of a tool."""
    return kind_of(part) not in ("ToolCall", "ReasoningContent")


class HaystackForm(ModelForm):
    """Chat messages of Haystack."""

    def read_message(self, message: Any) -> Message:
        parts = message._content
        said: dict[str, Any] = {
            "role": str(getattr(message.role, "value", message.role)),
            "content": [read_part(part) for part in parts if is_said(part)],
        }
        if message.reasonings:
            said["reasoning_content"] = "".join(part.reasoning_text for part in message.reasonings)
        if message.tool_calls:
            said["tool_calls"] = [
                {
                    "id": call.id or f"call_{at}",
                    "type": "function",
                    "function": {"name": call.tool_name, "arguments": write_arguments(call.arguments)},
                }
                for at, call in enumerate(message.tool_calls)
            ]
        for result in message.tool_call_results:
            said |= {"tool_call_id": result.origin.id or result.origin.tool_name}
        return said

    def write_message(self, message: Any, left: Message) -> Any:
        said, calls = iter(left["content"]), iter(left.get("tool_calls", ()))
        if left.get("reasoning_content") != self.read_message(message).get("reasoning_content"):
            return None
        parts = list[Any]()
        for part in message._content:
            if kind_of(part) == "ReasoningContent":
                new = part
            elif kind_of(part) == "ToolCall":
                new = replace(part, arguments=json.loads(next(calls)["function"]["arguments"]))
            else:
                new = write_part(part, next(said))
            if new is None:
                return None
            parts.append(new)
        return replace(message, _content=parts)

    def read_tool(self, tool: Any) -> Any:
        return {"type": "function", "function": tool.tool_spec}

    def read_answer(self, answer: Any) -> Message:
        return self.read_message(answer)

    def write_answer(self, answer: Any, left: Message) -> Any:
        return self.write_message(answer, left)

    def write_refusal(self, text: str) -> Any:
        meta = {"finish_reason": "content_filter"}
        return import_module(MESSAGE).ChatMessage.from_assistant(text, meta=meta)


def write_part(part: Any, left: Any) -> Any:
    """Return a part as the policy leaves it, None where it has no form for that."""
    if left == read_part(part):
        return part
    if kind_of(part) == "TextContent":
        return replace(part, text=left["text"])
    if kind_of(part) == "ToolCallResult" and isinstance(part.result, str):
        return replace(part, result=left["text"])
    return None


FORM: Final = HaystackForm()


class GuardedCallback:
    """Takes the chunks that a generator streams, and gives a callback what may go on of their text."""

    def __init__(self, terms: Terms, asked: Verdict[Any], callback: Callable[[Any], Any]) -> None:
        self._text, self._callback = begin_text(terms, asked), callback

    def __call__(self, chunk: Any) -> None:
        """Take a chunk."""
        shown = self._text.feed(chunk.content) if chunk.content else ""
        shown += self._text.flush() if chunk.finish_reason else ""
        for each in self._told(chunk, shown):
            self._callback(each)

    def twin(self) -> Callable[[Any], Any]:
        """Return what takes chunks on an event loop."""

        async def callback(chunk: Any) -> None:
            shown = await self._text.afeed(chunk.content) if chunk.content else ""
            shown += await self._text.aflush() if chunk.finish_reason else ""
            for each in self._told(chunk, shown):
                made = self._callback(each)
                if inspect.isawaitable(made):
                    await made

        return callback

    def _told(self, chunk: Any, shown: str) -> list[Any]:
        bare = {"tool_calls": None, "reasoning": None}
        told = [replace(chunk, content=shown, finish_reason=None, **bare)] if shown else []
        ends = chunk.finish_reason and not self._text.blocked
        return [*told, replace(chunk, content="", **bare)] if ends else told


def generator_flow(terms: Terms, given: Any, tools: Any) -> Flow:
    """Ask a generator; the answer has replies, each of which is judged."""
    messages = [import_module(MESSAGE).ChatMessage.from_user(given)] if isinstance(given, str) else given
    asked, sent = yield from judge_prompt(FORM, messages, tools)
    if asked.blocked:
        return {"replies": [FORM.write_refusal(message_of(terms, asked))]}
    answer = yield Call((sent, asked))
    replies = list[Any]()
    for reply in answer["replies"]:
        replies += [(yield from judge_answer(terms, FORM, asked, reply))]
    return {**answer, "replies": replies}


def tools_of(generator: Any, arguments: Mapping[str, Any]) -> Sequence[Any]:
    """Return the tools of a call: those that it names, else those of the generator; a set of tools one by one."""
    given = arguments.get("tools") or getattr(generator, "tools", None) or ()
    tools = list[Any]()
    for each in given:
        tools += [each] if hasattr(each, "tool_spec") else [*each]
    return tools


def _refuse_writing(self: Any) -> Any:
    raise TypeError(
        f"cannot write a {type(self).__name__} that is guarded, as what is read again would have no guard: write the pipeline "
        "with the generator that was wrapped, and wrap that of the pipeline that is read"
    )


def wrap(generator: Any, terms: Terms) -> Any:
    """Return a chat generator of the same class with a guard around what it is asked and what it answers.

    Raises:
        TypeError: it is wrapped already.
        ValueError: another stage is named for its answers.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is not for models: what a model generates stands at output")
    base: Any = type(generator)

    def bound(method: Any, self: Any, args: Any, options: Any) -> tuple[Any, Flow]:
        call = inspect.signature(method).bind(self, *args, **options)
        given = call.arguments["messages"]
        return call, generator_flow(terms, given, tools_of(self, call.arguments))

    def prepare(call: Any, self: Any, sent: Any, asked: Any, *, twin: bool) -> None:
        call.arguments["messages"] = sent
        callback = call.arguments.get("streaming_callback") or getattr(self, "streaming_callback", None)
        if callback is not None:
            guarded = GuardedCallback(terms, asked, callback)
            call.arguments["streaming_callback"] = guarded.twin() if twin else guarded

    def run_(self: Any, *args: Any, **options: Any) -> Any:
        call, flow = bound(base.run, self, args, options)

        def ask(sent: Any, asked: Any) -> Any:
            prepare(call, self, sent, asked, twin=False)
            return base.run(*call.args, **call.kwargs)

        return run(flow, terms, ask)

    async def run_async(self: Any, *args: Any, **options: Any) -> Any:
        call, flow = bound(base.run_async, self, args, options)

        async def ask(sent: Any, asked: Any) -> Any:
            prepare(call, self, sent, asked, twin=True)
            return await base.run_async(*call.args, **call.kwargs)

        return await arun(flow, terms, ask)

    return with_methods(generator, {"run": run_, "run_async": run_async, "to_dict": _refuse_writing})


WRAPPER: Final = Wrapper(
    "haystack.OpenAIChatGenerator", "Guards what a chat generator of Haystack is asked and answers.", wrap
)
