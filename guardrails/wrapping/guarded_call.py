"""The steps of one guarded call in, its answer out: one description serves sync and async callers.

A flow is a generator. It yields a `Check` to have something judged, and gets the verdict; a `Run` to have steps of the
pipeline run, and gets what they return; a `Call` to have the backend asked. `run` and `arun` send back its answer, and return
what the flow returns. `stream` and `astream` begin a stream with it, of which the flow gets the next piece for a `Next`, `END`
behind the last; what it gives (`Give`) and the pieces that it returns are yielded, these with the backend's stream closed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from guardrails.checker import Checker
from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.engine.detector_task import Task
from guardrails.engine.redaction.vault import Vault
from guardrails.errors import block_error
from guardrails.types import Stage, Verdict
from guardrails.wrapping.sdk.exchange import Terms

END = object()
"""Stands behind the last piece of a stream."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something to judge; `after` is the verdict of what it answers to, or what was handed out before, `beside` more options of
    `Checker.check`, where the call's own say nothing else. What is `formatted` must fit the schema of the call, if there is one.
    """

    subject: object
    stage: Stage
    after: Verdict | Vault | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    formatted: bool = False

    def guard(self, terms: Terms) -> Checker:
        """Return the guard that judges it."""
        return terms.answering if self.formatted else terms.guard

    def options(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of the check in a call with a context."""
        return {**self.beside, **context, "after": self.after}


@dataclass(frozen=True, slots=True)
class Run:
    """Steps to be run; made of the number of characters up to which quick detectors run at once (`Pipeline.steps`)."""

    steps: Callable[[int | None], Generator[list[Task], None, Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """The backend is to be asked."""

    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Next:
    """The next piece of the backend's stream is wanted."""


@dataclass(frozen=True, slots=True)
class Give:
    """A piece that the caller may have."""

    piece: Any


@dataclass(frozen=True, slots=True)
class Done:
    """What a flow returned."""

    value: Any


Flow = Generator[Check | Run | Call | Next | Give, Any, Any]


def _resumed(flow: Flow, value: Any) -> Any:
    """Return the next step of a flow, `Done` at its end."""
    try:
        return flow.send(value)
    except StopIteration as end:
        return Done(end.value)


def _judged(step: Check | Run, terms: Terms) -> Any:
    if isinstance(step, Run):
        return terms.guard.pipeline.drive(step.steps(None))
    return step.guard(terms).check(step.subject, step.stage, **step.options(terms.context))


async def _ajudged(step: Check | Run, terms: Terms) -> Any:
    if isinstance(step, Run):
        return await terms.guard.pipeline.adrive(step.steps(INLINE_ON_LOOP))
    return await step.guard(terms).acheck(step.subject, step.stage, **step.options(terms.context))


def run(flow: Flow, terms: Terms, call: Callable[..., Any]) -> Any:
    """Run a flow to its end and return what it returns."""
    step = _resumed(flow, None)
    while not isinstance(step, Done):
        if isinstance(step, Call):
            step = _resumed(flow, call(*step.args, **step.options))
        else:
            step = _resumed(flow, _judged(step, terms))
    return step.value


async def arun(flow: Flow, terms: Terms, call: Callable[..., Awaitable[Any]]) -> Any:
    """The twin of `run` on an event loop."""
    step = _resumed(flow, None)
    while not isinstance(step, Done):
        if isinstance(step, Call):
            step = _resumed(flow, await call(*step.args, **step.options))
        else:
            step = _resumed(flow, await _ajudged(step, terms))
    return step.value


def stream(flow: Flow, terms: Terms, call: Callable[..., Iterator[Any]]) -> Iterator[Any]:
    """Run a flow and yield the pieces that it gives; a piece of the backend's is asked for when one more is wanted."""
    pieces: Iterator[Any] = iter(())
    try:
        step = _resumed(flow, None)
        while not isinstance(step, Done):
            if isinstance(step, Give):
                yield step.piece
                step = _resumed(flow, None)
            elif isinstance(step, Next):
                step = _resumed(flow, next(pieces, END))
            elif isinstance(step, Call):
                pieces = call(*step.args, **step.options)
                step = _resumed(flow, None)
            else:
                step = _resumed(flow, _judged(step, terms))
    finally:
        close(pieces)
    yield from step.value


async def astream(
    flow: Flow, terms: Terms, call: Callable[..., AsyncIterator[Any]]
) -> AsyncGenerator[Any, None]:
    """The twin of `stream` on an event loop."""
    pieces: Any = None
    try:
        step = _resumed(flow, None)
        while not isinstance(step, Done):
            if isinstance(step, Give):
                yield step.piece
                step = _resumed(flow, None)
            elif isinstance(step, Next):
                step = _resumed(flow, await anext(pieces, END))
            elif isinstance(step, Call):
                pieces = call(*step.args, **step.options)
                step = _resumed(flow, None)
            else:
                step = _resumed(flow, await _ajudged(step, terms))
    finally:
        await aclose(pieces)
    for piece in step.value:
        yield piece


def close(pieces: Any) -> None:
    """End a stream, if it can be ended."""
    if hasattr(pieces, "close"):
        pieces.close()


async def aclose(pieces: Any) -> None:
    """The twin of `close` on an event loop."""
    if hasattr(pieces, "aclose"):
        await pieces.aclose()


def message_of(terms: Terms, verdict: Verdict) -> str:
    """Return the text that answers a block.

    Raises:
        Blocked: blocks are not answered; `GuardUnavailable` always where the check could not be done.
    """
    if not terms.answers or verdict.unavailable is not None:
        raise block_error(verdict)
    return verdict.refusal
