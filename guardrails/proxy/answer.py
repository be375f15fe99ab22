"""What a model answered in, what the client may have of it out. First it is checked, then values are put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request as HttpRequest

from guardrails.engine import subject
from guardrails.engine.evaluate import Request
from guardrails.engine.fields import Leaves, Path
from guardrails.engine.outcome import Outcome
from guardrails.engine.reply import reply
from guardrails.errors import RequestError
from guardrails.proxy import wire
from guardrails.proxy.api import Api
from guardrails.proxy.gate import ACTION
from guardrails.proxy.state import Report, State
from guardrails.proxy.upstream import invalid
from guardrails.types import Action, Stage, Verdict

REFUSAL = "This reply was stopped by policy."
"""What a client reads where the rule that blocks has no message."""

BETA = "beta=true"
"""The only query that an upstream gets: Anthropic's clients send it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed: the bytes to forward, and what the check of the answer needs to know; `system` is the
    request's system prompt, `prompt` what the user asks, `sources` what was retrieved for it, `who.vault` what its check
    handed out.
    """

    state: State
    api: Api
    http: HttpRequest
    who: Request
    report: Report
    raw: bytes
    system: str = ""
    prompt: str = ""
    sources: str = ""

    @property
    def path(self) -> str:
        """Where to ask, below the upstream's base URL."""
        return f"{self.api.path}?{BETA}" if self.http.url.query == BETA else self.api.path


def note(request: HttpRequest, report: Report, verdict: Verdict) -> None:
    """Put a check on record, for the headers and for the counters."""
    report.add(verdict)
    request.scope[ACTION] = str(report.action)


def parsed(raw: bytes) -> dict[str, Any]:
    """Return the object that an upstream's answer is.

    Raises:
        BackendError: it is none.
    """
    try:
        return wire.parse(raw)
    except RequestError as error:
        raise invalid(f"the upstream's answer is malformed: {error.code}") from None


def blocked_fields(leaves: Leaves, outcome: Outcome) -> set[Path]:
    """Return the fields of an answer in which what is blocked stands."""
    return {leaves.found[index].path[:1] for index in outcome.blocked if index >= 0}


async def judged(call: Call, answer: dict[str, Any], size: int) -> dict[str, Any]:
    """Return an answer (of so many bytes) as the policy lets it pass; the same object if nothing changes."""
    api = call.api
    try:
        asked = (call.system, call.prompt, call.sources)
        leaves = await call.state.by_size(size, lambda: api.response(answer, *asked))
    except RequestError as error:
        raise invalid(f"the upstream's answer is malformed: {error.code}") from None
    verdict, outcome = await call.state.judge(subject.body(answer, leaves), call.who, Stage.OUTPUT)
    note(call.http, call.report, verdict)
    passed = answer
    if verdict.action >= Action.REDACT:
        passed = api.withheld(answer, leaves, outcome, message_of(verdict))
    restorer = verdict.restorer
    if restorer is None or not restorer.values:
        return passed
    restored: dict[str, Any] = await call.state.by_size(size, lambda: reply(passed, restorer))
    return restored


def message_of(verdict: Verdict) -> str:
    """Return what a client reads in place of what is blocked."""
    messages = (rule.message for rule in verdict.rules if rule.action is Action.BLOCK)
    return next((message for message in messages if message), REFUSAL)
