"""Calls a function again where the answer of the model behind it is not in the format that a rule wants.

The new call has the arguments of the first, with what the model answered and what is wrong with it behind the prompt, or as two
more messages of the conversation. All of it is judged as that of the first call was.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from guardrails.engine.formats.replies import max_reasks
from guardrails.protocols.chat.chat_payload import is_messages
from guardrails.protocols.reasks import AnswerRejected, Reask
from guardrails.wrapping.argument_roles import ArgumentRoles
from guardrails.wrapping.function_call import FunctionCall
from guardrails.wrapping.guarded_call import Flow, arun, run
from guardrails.wrapping.sdk.exchange import Terms

Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]
FlowOf = Callable[[FunctionCall, tuple[Any, ...], Mapping[str, Any]], Flow]
"""Describes a call with the checks around it, of these arguments."""


def find_prompt(roles: ArgumentRoles, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int | str | None:
    """Return the argument, by position or name, that a model is asked with; None where none is known to be.

    That is the last conversation among the arguments, else the first text that is a prompt, else the only text.
    """
    own = int(roles.is_method)
    slots: list[int | str] = [*range(own, len(args)), *kwargs]
    texts: list[int | str] = []
    prompts: list[int | str] = []
    conversations: list[int | str] = []
    for slot, (_, value, what) in zip(slots, roles.bind(args[own:], kwargs), strict=True):
        if what.role == "ignored":  # what is not judged must not take in what a model answered
            continue
        if _is_conversation(value):
            conversations.append(slot)
        elif isinstance(value, str) and what.role in ("prompt", "value"):
            texts.append(slot)
            prompts += [slot] * (what.role == "prompt")
    if conversations:
        return conversations[-1]
    return next(iter(prompts or (texts if len(texts) == 1 else ())), None)


def _is_conversation(value: Any) -> bool:
    held = value.get("messages") if isinstance(value, Mapping) else value
    return isinstance(held, list | tuple) and is_messages(held)


def append_reask(value: Any, reask: Reask) -> Any:
    """Return a prompt, or a conversation, that goes on with what the model answered, and with words on what is wrong with it."""
    if isinstance(value, str):
        return f"{value}\n\nThe last answer was:\n{reask.answer}\n\n{reask.words}"
    if isinstance(value, Mapping):
        return {**value, "messages": append_reask(value["messages"], reask)}
    turns = [{"role": "assistant", "content": reask.answer}, {"role": "user", "content": reask.words}]
    return [*value, *turns] if isinstance(value, list) else (*value, *turns)


@dataclass(frozen=True, slots=True)
class Reasking:
    """A function whose model may be asked again.

    Attributes:
        start: begins the checks around one call; given how often the model was asked again before.
        terms: of the wrapper.
        function: what is called.
        roles: what its arguments are.
    """

    start: Callable[..., FunctionCall]
    terms: Terms
    function: Callable[..., Any]
    roles: ArgumentRoles

    def flow(self, flow_of: FlowOf, args: tuple[Any, ...], kwargs: Mapping[str, Any], done: int = 0) -> Flow:
        """Describe a call, and those that ask again; returns what the last of them returns."""
        policies = self.terms.answering.pipeline.policies
        slot = None
        if max_reasks(policies, self.terms.output) > done:
            slot = find_prompt(self.roles, args, kwargs)
        if slot is None:
            return (yield from flow_of(self.start(), args, kwargs))
        try:
            returned = yield from flow_of(self.start(reasked=done), args, kwargs)
        except AnswerRejected as rejected:
            again = _replace(args, kwargs, slot, rejected.reask)
            return (yield from self.flow(flow_of, *again, done + 1))
        return self._later(flow_of, args, kwargs, slot, done, returned)

    def _later(
        self,
        flow_of: FlowOf,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        slot: int | str,
        done: int,
        returned: Any,
    ) -> Any:
        """Return what a call returned; where its answer comes later, what asks again then."""

        def again(rejected: AnswerRejected) -> Flow:
            return self.flow(flow_of, *_replace(args, kwargs, slot, rejected.reask), done + 1)

        if inspect.iscoroutine(returned):
            return self._await_again(returned, again)
        if inspect.isasyncgen(returned):
            return self._iterate_again(returned, again)
        if inspect.isgenerator(returned):
            return self._yield_again(returned, again)
        return returned

    async def _ask(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function from an event loop; what it returns comes later."""
        return self.function(*args, **kwargs)

    async def _await_again(self, first: Awaitable[Any], again: Callable[[AnswerRejected], Flow]) -> Any:
        try:
            return await first
        except AnswerRejected as rejected:
            flow = again(rejected)
        returned = await arun(flow, self.terms, self._ask)
        return await returned if inspect.isawaitable(returned) else returned

    def _yield_again(self, first: Iterator[Any], again: Callable[[AnswerRejected], Flow]) -> Iterator[Any]:
        try:
            yield from first
            return
        except AnswerRejected as rejected:
            flow = again(rejected)
        returned = run(flow, self.terms, self.function)
        yield from returned if inspect.isgenerator(returned) else [returned]

    async def _iterate_again(
        self, first: AsyncIterator[Any], again: Callable[[AnswerRejected], Flow]
    ) -> AsyncIterator[Any]:
        try:
            async for piece in first:
                yield piece
            return
        except AnswerRejected as rejected:
            flow = again(rejected)
        returned = await arun(flow, self.terms, self._ask)
        if not inspect.isasyncgen(returned):  # the words that answer a block
            yield returned
            return
        async for piece in returned:
            yield piece


def _replace(args: tuple[Any, ...], kwargs: Mapping[str, Any], slot: int | str, reask: Reask) -> Arguments:
    """Return arguments with what is asked again."""
    if isinstance(slot, int):
        return (*args[:slot], append_reask(args[slot], reask), *args[slot + 1 :]), kwargs
    return args, {**kwargs, slot: append_reask(kwargs[slot], reask)}
