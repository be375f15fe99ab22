"""The steps of one guarded call in, its answer out: one description serves sync and async callers.

A flow is a generator. It yields a `Check` to have something judged, and gets the verdict, or a `Call` to have the backend
asked, and gets its answer; what it returns is what the caller gets.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from guardrails.backends.exchange import REFUSAL, Terms
from guardrails.engine.subject import Subject
from guardrails.errors import Blocked
from guardrails.types import Stage, Verdict


@dataclass(frozen=True, slots=True)
class Check:
    """Something to judge; `after` is the verdict of what it answers to."""

    subject: Subject
    stage: Stage
    after: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """The backend is to be asked."""

    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


Flow = Generator[Check | Call, Any, Any]


def run(flow: Flow, terms: Terms, call: Callable[..., Any]) -> Any:
    """Run a flow to its end and return what it returns."""
    try:
        step = next(flow)
        while True:
            if isinstance(step, Check):
                verdict = terms.guard.check(step.subject, step.stage, **terms.context, after=step.after)
                step = flow.send(verdict)
            else:
                step = flow.send(call(*step.args, **step.options))
    except StopIteration as end:
        return end.value


async def arun(flow: Flow, terms: Terms, call: Callable[..., Awaitable[Any]]) -> Any:
    """The twin of `run` on an event loop."""
    try:
        step = next(flow)
        while True:
            if isinstance(step, Check):
                verdict = await terms.guard.acheck(
                    step.subject, step.stage, **terms.context, after=step.after
                )
                step = flow.send(verdict)
            else:
                step = flow.send(await call(*step.args, **step.options))
    except StopIteration as end:
        return end.value


def message_of(terms: Terms, verdict: Verdict) -> str:
    """Return the text that answers a block.

    Raises:
        Blocked: blocks are not answered.
    """
    if not terms.answers:
        raise Blocked(verdict)
    return verdict.message or REFUSAL
