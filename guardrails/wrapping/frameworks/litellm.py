"""The functions of litellm by which models of any provider are asked, guarded: `completion` and `acompletion`."""

from __future__ import annotations

import copy
import functools
from collections.abc import AsyncIterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from guardrails.errors import RequestError
from guardrails.protocols.reply_values import restore_reply
from guardrails.types import Stage, Verdict
from guardrails.wrapping import guarded_call
from guardrails.wrapping.frameworks.model_calls import Message, ModelForm, judge_prompt, stream_answer
from guardrails.wrapping.guarded_call import Call, Check, Flow, arun, message_of, run
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms

WORDED: Final = ("functions", "response_format", "stop", "prediction")
"""Options with words in them that a model reads, or says, besides messages and tools."""

CALLS: Final = ("tool_calls", "function_call")


class LiteLLMForm(ModelForm):
    """Messages and streams of litellm."""

    def read_message(self, message: Any) -> Message:
        return message if isinstance(message, Mapping) else message.model_dump(exclude_none=True)

    def read_text(self, piece: Any) -> str:
        return (piece.choices[0].delta.content or "") if piece.choices else ""

    def is_text(self, piece: Any) -> bool:
        if not piece.choices or piece.choices[0].finish_reason is not None:
            return False
        return not _others(piece.choices[0].delta)

    def write_piece(self, piece: Any, text: str, shown: str) -> Any:
        made = copy.deepcopy(piece)
        for choice in made.choices:
            if text:
                choice.finish_reason = None
                for name in _others(choice.delta):
                    setattr(choice.delta, name, None)
            if hasattr(choice, "logprobs"):
                choice.logprobs = None
            choice.delta.content = text or (None if choice.delta.content is None else "")
        return made

    def read_whole(self, pieces: Sequence[Any]) -> Message:
        calls, thoughts, others = dict[Any, Any](), list[str](), list[Any]()
        for piece in pieces:
            for name, value in _others(piece.choices[0].delta).items() if piece.choices else ():
                if name in CALLS:
                    for part in value if isinstance(value, list) else [{"function": value}]:
                        _add_call(calls, part)
                elif name == "reasoning_content":
                    thoughts.append(value)
                else:
                    others.append({name: value})
        said: dict[str, Any] = {"role": "assistant", "content": "", "reasoning_content": "".join(thoughts)}
        if calls:
            said["tool_calls"] = [*calls.values()]
        return {**said, "annotations": others} if others else said

    def write_refusal(self, text: str) -> Any:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "content_filter", "message": message}
        return import_module("litellm").ModelResponse(choices=[choice])

    def write_refusal_piece(self, text: str) -> Any:
        delta = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "content_filter", "delta": delta}
        return import_module("litellm").ModelResponseStream(choices=[choice])


def _others(delta: Any) -> dict[str, Any]:
    """Return what a piece says besides its text."""
    said = delta.model_dump(exclude_none=True)
    return {name: value for name, value in said.items() if name not in ("content", "role") and value}


def _add_call(calls: dict[Any, Any], part: Mapping[str, Any]) -> None:
    empty = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    call = calls.setdefault(part.get("index", 0), empty)
    call["id"] = part.get("id") or call["id"]
    for name, value in (part.get("function") or {}).items():
        call["function"][name] = call["function"].get(name, "") + (value or "")


FORM: Final = LiteLLMForm()


def judge_choices(terms: Terms, asked: Verdict[Any], answer: Any) -> Flow:
    """Judge each choice of an answer; return what the caller may have of it."""
    said = {
        "choices": [
            {"index": at, "finish_reason": "stop", "message": FORM.read_message(choice.message)}
            for at, choice in enumerate(answer.choices)
        ]
    }
    verdict: Verdict[Any] = yield Check(said, Stage.OUTPUT, asked)
    if verdict.blocked:
        return FORM.write_refusal(message_of(terms, verdict))
    left: Any = verdict.content
    if verdict.restorer is not None and verdict.restorer.values:
        left = restore_reply(left, verdict.restorer)
    if left == said:
        return answer
    made = copy.deepcopy(answer)
    for choice, new in zip(made.choices, left["choices"], strict=True):
        choice.message = type(choice.message)(**new["message"])
        if hasattr(choice, "logprobs"):
            choice.logprobs = None
    return made


def prompt_flow(messages: Sequence[Any], options: Mapping[str, Any]) -> Flow:
    """Judge what a call asks.

    Raises:
        RequestError: it asks for a stream of several answers, which cannot be told apart as they grow.
    """
    if options.get("stream") and (options.get("n") or 1) > 1:
        raise RequestError(
            "unguarded_call", "a stream of several answers cannot be judged: ask for one, or for no stream"
        )
    worded = {name: options[name] for name in WORDED if isinstance(options.get(name), str | list | dict)}
    return (yield from judge_prompt(FORM, messages, options.get("tools"), worded))


def answer_flow(terms: Terms, asked: Verdict[Any], sent: Any) -> Flow:
    """Ask for an answer by messages that were judged."""
    return (yield from judge_choices(terms, asked, (yield Call((sent,)))))


def guard_completion(function: Any, terms: Terms) -> Any:
    """Return `completion` guarded."""

    def completion(model: Any, messages: Any = (), *args: Any, **options: Any) -> Any:
        def ask(sent: Any) -> Any:
            return function(model, sent, *args, **options)

        asked, sent = run(prompt_flow(messages, options), terms, ask)
        streams = options.get("stream")
        if asked.blocked:
            text = message_of(terms, asked)
            return iter([FORM.write_refusal_piece(text)]) if streams else FORM.write_refusal(text)
        if streams:
            return guarded_call.stream(stream_answer(terms, FORM, asked, sent), terms, ask)
        return run(answer_flow(terms, asked, sent), terms, ask)

    return completion


def guard_acompletion(function: Any, terms: Terms) -> Any:
    """Return `acompletion` guarded."""

    async def acompletion(model: Any, messages: Any = (), *args: Any, **options: Any) -> Any:
        async def ask(sent: Any) -> Any:
            return await function(model, sent, *args, **options)

        async def pieces(sent: Any) -> AsyncIterator[Any]:
            async for piece in await ask(sent):
                yield piece

        asked, sent = await arun(prompt_flow(messages, options), terms, ask)
        streams = options.get("stream")
        if asked.blocked:
            text = message_of(terms, asked)
            return _one(FORM.write_refusal_piece(text)) if streams else FORM.write_refusal(text)
        if streams:
            return guarded_call.astream(stream_answer(terms, FORM, asked, sent), terms, pieces)
        return await arun(answer_flow(terms, asked, sent), terms, ask)

    return acompletion


async def _one(piece: Any) -> AsyncIterator[Any]:
    yield piece


def wrap(function: Any, terms: Terms) -> Any:
    """Return `completion` or `acompletion` with a guard around what is asked and what is answered.

    Raises:
        ValueError: another stage is named for its answers.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is not for models: what a model generates stands at output")
    make = guard_acompletion if function.__name__ == "acompletion" else guard_completion
    return functools.wraps(function)(make(function, terms))


WRAPPER: Final = Wrapper(
    "litellm.completion", "Guards what a model is asked by litellm, and what it answers.", wrap
)
