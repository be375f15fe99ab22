"""What a model answered in, what the client may have of it out. First it is checked, then values are put back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import aiohttp
from starlette.requests import Request as HttpRequest

from guardrails.engine.content import payload
from guardrails.engine.content.budget import CODE as TOO_LARGE
from guardrails.engine.content.content_tree import Leaves
from guardrails.engine.content.payload import Subject
from guardrails.engine.core.outcome import Outcome
from guardrails.engine.core.pipeline import INLINE_ON_LOOP
from guardrails.engine.core.rule_evaluation import Request
from guardrails.engine.redaction.reply_values import reply
from guardrails.engine.redaction.vault import Vault
from guardrails.errors import GuardrailsError, RequestError
from guardrails.protocols.images.images_fields import media_of
from guardrails.protocols.streaming.response_checker import Judge
from guardrails.proxy.exchange.api import Api
from guardrails.proxy.exchange.report_headers import Report
from guardrails.proxy.exchange.response_extras import NONE, Asides
from guardrails.proxy.exchange.speculative_request import Early
from guardrails.proxy.server.errors import UpstreamAnswer
from guardrails.proxy.server.middleware import ACTION
from guardrails.proxy.server.state import State
from guardrails.proxy.shadow.shadow_queue import ShadowSample
from guardrails.proxy.upstreams.upstream_client import JSON, invalid
from guardrails.types import Action, Stage, Verdict
from guardrails.wire import strict_json
from guardrails.wire.forms import Form
from guardrails.wire.pointers import Path

REFUSAL = "This reply was stopped by policy."
"""What a client reads where the rule that blocks has no message."""

BETA = b"beta=true"
"""The only query that an upstream gets: Anthropic's clients send it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed: the bytes to forward, and what the check of the answer needs to know; `system` is the
    request's system prompt, `prompt` what the user asks, `sources` what was retrieved for it, `who.vault` what its check
    handed out; `choices` is how many answers it asks for, `asides` what is to be told beside them. Of one that is still judged
    `early` is the answer, if it was asked for already; of one that came as a form `form` is that.
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
    early: Early | None = None
    choices: int = 1
    asides: Asides = NONE
    form: Form | None = None

    def answer(self) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Ask the upstream (`Upstreams.answer`), or take the answer that was asked for early."""
        if self.early is not None:
            return self.early.answer()
        api, media = self.api, JSON if self.form is None else self.form.media
        return self.state.upstream.answer(
            "POST", self.path, self.http.headers, self.raw, api.dialect, api.base, self.who.model, media
        )

    def dump(self, body: Any) -> bytes:
        """Write a request as it goes on: as it came, JSON or a form."""
        return strict_json.dump(body) if self.form is None else self.form.written(body, media_of)

    @property
    def path(self) -> str:
        """Where to ask, below the upstream's base URL."""
        return (
            f"{self.api.path}?{BETA.decode()}" if self.http.scope["query_string"] == BETA else self.api.path
        )

    @property
    def judge(self) -> Judge:
        """What judges the answer; its verdicts are counted and put on record."""
        state, asides = self.state, self.asides
        taken: list[ShadowSample | None] = []

        def before(leaves: Leaves, ended: bool) -> None:
            taken[:] = [state.sample_for_shadow(leaves, self.who, ended=ended)]

        def verdict(heard: Subject, outcome: Outcome, vault: Vault | None) -> Verdict:
            made = state.guard.verdict(heard, outcome, Stage.OUTPUT, vault)
            state.record_verdict(
                made, made.timings_ms["total"] / 1000.0, taken[-1] if taken else None, outcome
            )
            note(self.http, self.report, made)
            asides.saw("output", made, heard.leaves, outcome)
            return made

        return Judge(
            state.guard.pipeline,
            self.who,
            (self.system, self.prompt, self.sources),
            verdict,
            complete=bool(asides),
            settled=asides.settled("output"),
            before=before,
        )

    def read(self, answer: dict[str, Any]) -> Subject:
        """Return what there is to judge of an answer.

        Raises:
            BackendError: it has no form that can be judged.
        """
        try:
            return payload.body(answer, self.api.response(answer))
        except RequestError as error:
            raise invalid(f"the upstream's answer is malformed: {error.code}") from None

    def passed(
        self, answer: dict[str, Any], heard: Subject, verdict: Verdict, outcome: Outcome
    ) -> dict[str, Any]:
        """Return an answer as its verdict lets it pass; the same object if nothing changes."""
        content = answer
        if verdict.action >= Action.REDACT:
            content = self.api.withheld(answer, heard.leaves, outcome, self.message(verdict))
        restorer = verdict.restorer
        return content if restorer is None or not restorer.values else reply(content, restorer)

    def message(self, verdict: Verdict) -> str:
        """Return the words that answer a block."""
        return message_of(verdict)


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
        return strict_json.parse(raw)
    except RequestError as error:
        raise invalid(f"the upstream's answer is malformed: {error.code}") from None


def blocked_fields(leaves: Leaves, outcome: Outcome) -> set[Path]:
    """Return the fields of an answer in which what is blocked stands."""
    return {leaves.found[index].path[:1] for index in outcome.blocked if index >= 0}


async def judged(
    call: Call, answer: dict[str, Any], size: int, read: Callable[[dict[str, Any]], Subject] | None = None
) -> dict[str, Any]:
    """Return an answer (of so many bytes) as the policy lets it pass; the same object if nothing changes. `read` gives what there
    is to judge of it, where that is more than what `Call.read` does.
    """
    state, links = call.state, call.api.links
    if links is not None:
        answer = await state.fetch_pictures(answer, links)
    heard = await state.run_by_size(size, lambda: (read or call.read)(answer))
    verdict, outcome = await state.guard.pipeline.adrive(call.judge.whole(heard, INLINE_ON_LOOP))
    return await state.run_by_size(size, lambda: call.passed(answer, heard, verdict, outcome))


async def vetted(call: Call, error: GuardrailsError) -> GuardrailsError:
    """Return an error as a client may see it: what an upstream says of its own is judged like an answer."""
    if isinstance(error, RequestError) and error.code == TOO_LARGE:  # the request itself was let in
        return invalid(f"the upstream's answer is too large to be judged: {error}")
    if not isinstance(error, UpstreamAnswer):
        return error
    verdict, _ = await call.state.judge(payload.read(error.error, Stage.OUTPUT), call.who, Stage.OUTPUT)
    if verdict.action > Action.ALLOW:
        note(call.http, call.report, verdict)
    content = verdict.content
    return error.with_error(content if isinstance(content, Mapping) else {})


def message_of(verdict: Verdict) -> str:
    """Return what a client reads in place of what is blocked."""
    messages = (rule.message for rule in verdict.rules if rule.action is Action.BLOCK)
    return next((message for message in messages if message), REFUSAL)
