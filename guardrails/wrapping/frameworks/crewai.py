"""Models of CrewAI, guarded: what crews ask them and what they answer, and what listeners and streams hear of an answer.

A block is raised as `Blocked` that CrewAI takes as the denial of a hook's, so that it ends the run and is not tried again.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any, Final

from guardrails.engine.content.value_reader import is_readable, read_unread
from guardrails.errors import Blocked, GuardUnavailable, block_error
from guardrails.types import Stage, Verdict
from guardrails.wrapping.frameworks.model_calls import (
    Message,
    ModelForm,
    as_answer,
    begin_text,
    judge_prompt,
    left_of,
)
from guardrails.wrapping.frameworks.subclass import with_methods
from guardrails.wrapping.frameworks.tool_calls import call_tool, write_arguments
from guardrails.wrapping.guarded_call import Call, Check, Flow, arun, message_of, run
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms

ASKED: ContextVar[Verdict[Any] | None] = ContextVar("guardrails_crewai_asked", default=None)
"""The verdict of what a model is being asked in this thread or task."""

TEXTS: ContextVar[dict[str, Any] | None] = ContextVar("guardrails_crewai_texts", default=None)
"""The texts of its answer that come in chunks, by their kind, each with the options of its last chunk."""


class CrewForm(ModelForm):
    """Answers of CrewAI's models: texts, calls of tools in the types of each provider, and models of pydantic."""

    def read_answer(self, answer: Any) -> Message:
        if isinstance(answer, str):
            return {"role": "assistant", "content": answer}
        calls = [
            {
                "id": f"call_{at}",
                "type": "function",
                "function": {"name": name, "arguments": write_arguments(arguments)},
            }
            for at, (name, arguments) in enumerate(map(read_call, answer))
        ]
        return {"role": "assistant", "content": "", "tool_calls": calls}

    def write_answer(self, answer: Any, left: Message) -> Any:
        return left["content"] if isinstance(answer, str) else None


FORM: Final = CrewForm()


def read_call(call: Any) -> tuple[str, Any]:
    """Return the name and the arguments of a call of a tool, as whichever provider has it."""
    given = call if isinstance(call, Mapping) else _fields(call)
    inner = given.get("function") or given.get("function_call") or given
    inner = inner if isinstance(inner, Mapping) else _fields(inner)
    arguments: Any = next((inner[name] for name in ("arguments", "input", "args") if name in inner), {})
    return str(inner.get("name")), arguments


def _fields(value: Any) -> dict[str, Any]:
    names = ("function", "function_call", "name", "arguments", "input", "args")
    return {name: getattr(value, name) for name in names if getattr(value, name, None) is not None}


def is_calls(answer: Any) -> bool:
    """Tell whether an answer is a list of calls of tools."""
    return isinstance(answer, list) and bool(answer) and all(read_call(each)[0] != "None" for each in answer)


@functools.cache
def denial_classes() -> tuple[Any, Any]:
    """Return the classes of blocks, and of checks that could not be done, that CrewAI takes as a hook's denial."""
    aborted: Any = import_module("crewai.hooks.dispatch").HookAborted

    class CallDenied(Blocked, aborted):  # type: ignore[misc]
        """A call that the policy stopped."""

        def __init__(self, verdict: Verdict) -> None:
            Blocked.__init__(self, verdict)
            self.reason, self.source = str(self), "guardrails"

    class CallUnavailable(GuardUnavailable, aborted):  # type: ignore[misc]
        """A call that could not be checked."""

        def __init__(self, verdict: Verdict, retry_after: int | None = None) -> None:
            GuardUnavailable.__init__(self, verdict, retry_after)
            self.source = "guardrails"

    return CallDenied, CallUnavailable


@contextmanager
def denying() -> Iterator[None]:
    """Raise blocks as CrewAI takes them."""
    try:
        yield
    except Blocked as blocked:
        denied, unavailable = denial_classes()
        if isinstance(blocked, denied | unavailable):
            raise
        if isinstance(blocked, GuardUnavailable):
            raise unavailable(blocked.verdict, blocked.retry_after) from None
        raise denied(blocked.verdict) from None


def crew_flow(terms: Terms, given: Any, tools: Any) -> Flow:
    """Ask a model; the answer is a text, calls of tools, or an object."""
    alone = isinstance(given, str)
    messages = [{"role": "user", "content": given}] if alone else given
    asked, sent = yield from judge_prompt(FORM, messages, tools)
    if asked.blocked:
        return message_of(terms, asked)
    answer = yield Call((sent[0]["content"] if alone else sent, asked))
    verdict: Verdict[Any] = yield answer_check(answer, asked)
    return message_of(terms, verdict) if verdict.blocked else leave_answer(answer, verdict)


def answer_check(answer: Any, asked: Verdict[Any] | None) -> Check:
    """Return the check of what a model answered."""
    if isinstance(answer, str) or is_calls(answer):
        return Check(as_answer(FORM.read_answer(answer)), Stage.OUTPUT, asked)
    readable = answer is None or is_readable(answer)
    return Check(answer if readable else read_unread(answer, Stage.OUTPUT, "part"), Stage.OUTPUT, asked)


def leave_answer(answer: Any, verdict: Verdict[Any]) -> Any:
    """Return an answer as its verdict leaves it; raises `Blocked` where it has no form for that."""
    if not (isinstance(answer, str) or is_calls(answer)):
        return answer if verdict.content == answer else verdict.content
    left = left_of(verdict)
    if left == FORM.read_answer(answer):
        return answer
    written = FORM.write_answer(answer, left)
    if written is None:
        raise block_error(verdict)
    return written


class Listening:
    """The methods by which a model tells listeners of its answer, and runs tools by itself: each is judged first."""

    def __init__(self, base: Any, terms: Terms) -> None:
        self._base, self._terms = base, terms

    def methods(self) -> dict[str, Any]:
        """Return them."""
        outer = self

        def _emit_call_completed_event(self: Any, response: Any, *args: Any, **options: Any) -> None:
            outer.flush(self)
            outer._base._emit_call_completed_event(self, outer.judged(response), *args, **options)

        def _emit_stream_chunk_event(self: Any, chunk: str, *args: Any, **options: Any) -> None:
            if (
                options.get("tool_call") is None
            ):  # pieces of a call cannot be judged; the call is, once it is whole
                outer.tell(self, "_emit_stream_chunk_event", chunk, args, options)

        def _emit_thinking_chunk_event(self: Any, chunk: str, *args: Any, **options: Any) -> None:
            outer.tell(self, "_emit_thinking_chunk_event", chunk, args, options)

        def _handle_tool_execution(
            self: Any, function_name: str, function_args: Any, *args: Any, **options: Any
        ) -> Any:
            def call(given: Any) -> Any:
                return outer._base._handle_tool_execution(self, function_name, given, *args, **options)

            with denying():
                return run(call_tool(outer._terms, function_name, function_args), outer._terms, call)

        return {name: value for name, value in locals().items() if name.startswith(("_emit", "_handle"))}

    def judged(self, response: Any) -> Any:
        """Return what listeners may have of an answer."""
        check = answer_check(response, ASKED.get())
        verdict = self._terms.guard.check(check.subject, check.stage, **check.options(self._terms.context))
        with denying():
            return message_of(self._terms, verdict) if verdict.blocked else leave_answer(response, verdict)

    def tell(self, model: Any, method: str, chunk: str, args: Any, options: Mapping[str, Any]) -> None:
        """Tell listeners what they may have so far of a text that comes in chunks."""
        texts, asked = TEXTS.get(), ASKED.get()
        if texts is None or asked is None:
            return
        text, _ = texts.get(method, (None, None))
        text = begin_text(self._terms, asked) if text is None else text
        texts[method] = text, (args, options)
        shown = text.feed(chunk)
        if text.verdict is not None:
            with denying():
                message_of(self._terms, text.verdict)
        if shown:
            getattr(self._base, method)(model, shown, *args, **options)

    def flush(self, model: Any) -> None:
        """Tell listeners the rest of the texts."""
        for method, (text, (args, options)) in (TEXTS.get() or {}).items():
            if rest := text.flush():
                getattr(self._base, method)(model, rest, *args, **options)


@contextmanager
def being_asked(asked: Verdict[Any]) -> Iterator[None]:
    """Note what a model is being asked."""
    tokens = ASKED.set(asked), TEXTS.set({})
    try:
        yield
    finally:
        ASKED.reset(tokens[0])
        TEXTS.reset(tokens[1])


def wrap(model: Any, terms: Terms) -> Any:
    """Return a model of the same class with a guard around what it is asked and what it answers.

    Raises:
        TypeError: it is wrapped already.
        ValueError: another stage is named for its answers.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is not for models: what a model generates stands at output")
    base: Any = type(model)
    sync, twin = inspect.signature(base.call), inspect.signature(base.acall)

    def call(self: Any, *args: Any, **options: Any) -> Any:
        bound = sync.bind(self, *args, **options)

        def ask(given: Any, asked: Verdict[Any]) -> Any:
            bound.arguments["messages"] = given
            with being_asked(asked):
                return base.call(*bound.args, **bound.kwargs)

        with denying():
            flow = crew_flow(terms, bound.arguments["messages"], bound.arguments.get("tools"))
            return run(flow, terms, ask)

    async def acall(self: Any, *args: Any, **options: Any) -> Any:
        bound = twin.bind(self, *args, **options)

        async def ask(given: Any, asked: Verdict[Any]) -> Any:
            bound.arguments["messages"] = given
            with being_asked(asked):
                return await base.acall(*bound.args, **bound.kwargs)

        with denying():
            flow = crew_flow(terms, bound.arguments["messages"], bound.arguments.get("tools"))
            return await arun(flow, terms, ask)

    return with_methods(model, {"call": call, "acall": acall, **Listening(base, terms).methods()})


WRAPPER: Final = Wrapper("crewai.BaseLLM", "Guards what a model of CrewAI is asked and answers.", wrap)
