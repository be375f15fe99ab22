"""What a model answered in, what the client may have of it out. First it is checked, then values are put back.

Of a blocked answer each choice keeps its place and says `content_filter`; an edited choice loses what spells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request as HttpRequest

from guardrails.engine import chat, subject
from guardrails.engine.evaluate import Request
from guardrails.engine.fields import Leaves
from guardrails.engine.outcome import Outcome
from guardrails.engine.reply import reply
from guardrails.errors import RequestError
from guardrails.proxy import wire
from guardrails.proxy.gate import ACTION
from guardrails.proxy.state import Report, State
from guardrails.proxy.upstream import invalid
from guardrails.types import Action, Stage, Verdict

REFUSAL = "This reply was stopped by policy."
"""What a client reads where the rule that blocks has no message."""

REQUIRED: Mapping[str, Any] = {"id": "", "object": "chat.completion", "created": 0, "model": ""}


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed: the bytes to forward, and what the check of the answer needs to know; `system` is the
    request's system prompt, `prompt` what the user asks, `sources` what was retrieved for it, `who.vault` what its check
    handed out.
    """

    state: State
    http: HttpRequest
    who: Request
    report: Report
    raw: bytes
    system: str = ""
    prompt: str = ""
    sources: str = ""


def note(request: HttpRequest, report: Report, verdict: Verdict) -> None:
    """Put a check on record, for the headers and for the counters."""
    report.add(verdict)
    request.scope[ACTION] = str(report.action)


def parsed(raw: bytes) -> dict[str, Any]:
    """Return the completion that an upstream's answer is.

    Raises:
        BackendError: it is none.
    """
    try:
        completion = wire.parse(raw)
    except RequestError as error:
        raise invalid(f"the upstream's answer is malformed: {error.code}") from None
    choices = completion.get("choices")
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise invalid("the upstream's answer is malformed: it has no choices")
    return completion


async def judged(call: Call, completion: dict[str, Any], size: int) -> dict[str, Any]:
    """Return a completion (of so many bytes) as the policy lets it pass; the same object if nothing changes."""
    try:
        asked = (call.system, call.prompt, call.sources)
        leaves = await call.state.by_size(size, lambda: chat.response(completion, *asked))
    except RequestError as error:
        raise invalid(f"the upstream's answer is malformed: {error.code}") from None
    verdict, outcome = await call.state.judge(subject.response(completion, leaves), call.who, Stage.OUTPUT)
    note(call.http, call.report, verdict)
    passed = completion
    if verdict.action >= Action.REDACT:
        passed = withheld(completion, leaves, outcome, message_of(verdict))
    restorer = verdict.restorer
    if restorer is None or not restorer.values:
        return passed
    restored: dict[str, Any] = await call.state.by_size(size, lambda: reply(passed, restorer))
    return restored


def message_of(verdict: Verdict) -> str:
    """Return what a client reads in place of a choice."""
    messages = (rule.message for rule in verdict.rules if rule.action is Action.BLOCK)
    return next((message for message in messages if message), REFUSAL)


def withheld(completion: dict[str, Any], leaves: Leaves, outcome: Outcome, message: str) -> dict[str, Any]:
    """Return a completion with texts edited and choices refused: all, for what belongs to none of them."""
    changed: Any = subject.apply_edits(completion, leaves, outcome)
    touched = {
        leaves.found[index].path[1] for index in outcome.edits if leaves.found[index].path[0] == "choices"
    }
    places = [leaves.found[index].path if index >= 0 else () for index in outcome.blocked]
    refused = {path[1] for path in places if path[:1] == ("choices",) and len(path) > 1}
    outside = {path[0] for path in places if path[:1] != ("choices",) and path}
    everything = any(path[:1] != ("choices",) or len(path) < 2 for path in places)
    choices = []
    for position, choice in enumerate(changed["choices"]):
        if everything or position in refused:
            choices.append(refusal(choice, position, message))
        elif position in touched:
            choices.append(silent(choice))
        else:
            choices.append(choice)
    top = {name: value for name, value in changed.items() if name not in outside}
    missing = {name: value for name, value in REQUIRED.items() if name not in top}
    return {**top, **missing, "choices": choices}


def refusal(choice: Mapping[str, Any], position: int, message: str) -> dict[str, Any]:
    """Return what stands in the place of a blocked choice: nothing of it but its index."""
    index = choice.get("index")
    return {
        "index": index if type(index) is int else position,
        "message": {"role": "assistant", "content": None, "refusal": message},
        "logprobs": None,
        "finish_reason": "content_filter",
    }


def silent(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return an edited choice without what spells its old text."""
    return {name: None if name in subject.SPELLED else value for name, value in choice.items()}
