"""What a model answered in, what the client may have of it out. First it is checked, then values are put back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from starlette.requests import Request as HttpRequest

from guardrails.engine.content.budget import CODE as TOO_LARGE
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload
from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.engine.formats.replies import max_reasks
from guardrails.engine.loop_calls import call_on_loop
from guardrails.engine.model import Outcome, Request
from guardrails.engine.redaction.vault import Vault
from guardrails.errors import GuardrailsError, GuardUnavailable, RequestError
from guardrails.protocols.chat import chat_payload
from guardrails.protocols.protocol import Protocol, invalid_answer
from guardrails.protocols.reasks import AnswerRejected, find_reask
from guardrails.protocols.reply_values import restore_reply
from guardrails.protocols.streaming.response_checker import ResponseChecker
from guardrails.proxy.access.client import client_headers
from guardrails.proxy.exchange.endpoint import Endpoint
from guardrails.proxy.exchange.report_headers import Report
from guardrails.proxy.exchange.response_extras import NO_EXTRAS, ResponseExtras
from guardrails.proxy.exchange.speculative_request import SpeculativeRequest
from guardrails.proxy.server.counting.answer_facts import AnswerFacts
from guardrails.proxy.server.counting.tokens import TokenCount
from guardrails.proxy.server.errors import UpstreamAnswer
from guardrails.proxy.server.logs.request_entry import KEY as LOG_ENTRY
from guardrails.proxy.server.middleware import ACTION, UNAVAILABLE
from guardrails.proxy.server.request_context import client_of, state_of
from guardrails.proxy.server.state import State
from guardrails.proxy.shadow.shadow_queue import ShadowSample
from guardrails.proxy.upstreams.http_client import UpstreamResponse
from guardrails.proxy.upstreams.upstream_client import JSON
from guardrails.types import Action, Stage, Verdict
from guardrails.verdicts.frozen_records import quick_init
from guardrails.wire import strict_json
from guardrails.wire.forms import Form

BETA = b"beta=true"
"""The only query that an upstream gets: Anthropic's clients send it."""


@quick_init
@dataclass(frozen=True, slots=True)
class AskedRequest:
    """What a client asked, as it came, and who it is; when it `started`, and how often the model was asked again since."""

    body: Mapping[str, Any]
    who: Request
    started: float
    reasked: int = 0


@dataclass(slots=True)
class Call:
    """A request on its way: the bytes to forward, and once it passed what the check of the answer needs to know; `system` is the
    request's system prompt, `prompt` what the user asks, `sources` what was retrieved for it, `who.vault` what its check
    handed out; `choices` is how many answers it asks for, `asides` what is to be told beside them. Of one that is still judged
    `early` is the answer, if it was asked for already; of one that came as a form `form` is that. `given` is what was asked, and
    who asks, before it was judged; None: the model cannot be asked again.
    """

    state: State
    endpoint: Endpoint
    http: HttpRequest
    who: Request
    report: Report
    raw: bytes
    system: str = ""
    prompt: str = ""
    sources: str = ""
    early: SpeculativeRequest | None = None
    choices: int = 1
    asides: ResponseExtras = NO_EXTRAS
    form: Form | None = None
    given: AskedRequest | None = None

    @property
    def may_reask(self) -> bool:
        """Whether the model may have to be asked again, so that nothing of its answer goes on before all of it is judged."""
        given, pipeline = self.given, self.state.guard.pipeline
        if given is None or self.protocol.append_reask is None or not pipeline.asks_for_formats:
            return False
        left = max_reasks(pipeline.policies, Stage.OUTPUT) > given.reasked
        return left and perf_counter() - given.started < self.state.settings.total_s

    def answer(self) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Ask the upstream (`Upstreams.answer`), or take the answer that was asked for early."""
        if self.early is not None:
            return self.early.answer()
        endpoint, media = self.endpoint, JSON if self.form is None else self.form.media
        return self.state.upstream.answer(
            "POST",
            self.path,
            client_headers(self.http.scope),
            self.raw,
            endpoint.provider,
            endpoint.base,
            self.who.model,
            media,
            self.fallbacks,
        )

    @property
    def fallbacks(self) -> list[str]:
        """The models that may be asked in place of the one that is: the client may ask them, and the same policy judges them."""
        others = self.state.upstream.fallbacks.get(self.who.model or "")
        if not others:
            return []
        scope = self.http.scope
        client, served = client_of(scope), state_of(self.http)
        path, guard = scope["path"], self.state.guard
        return [
            other
            for other in others
            if client.may_ask(other) and served.select(client, path, other).guard is guard
        ]

    def dump(self, body: Any) -> bytes:
        """Write a request as it goes on: as it came, JSON or a form."""
        return strict_json.dump(body) if self.form is None else self.form.written(body)

    @property
    def path(self) -> str:
        """Where to ask, below the upstream's base URL."""
        path = self.endpoint.path
        return f"{path}?{BETA.decode()}" if self.http.scope["query_string"] == BETA else path

    @property
    def protocol(self) -> Protocol:
        """The API that is asked."""
        return self.endpoint.protocol

    def begin_count(self) -> TokenCount:
        """Return what takes the tokens that the answer says it took, and what else is told of it."""
        entry = self.http.scope[LOG_ENTRY]
        follows = entry.span is not None and entry.span.follows_answers
        count = AnswerFacts() if follows else TokenCount()
        entry.tokens = count.counts
        return count

    def record_count(self, tokens: TokenCount) -> None:
        """Count the tokens of the answer."""
        self.state.metrics.count_tokens(self.who.model, tokens)
        if isinstance(tokens, AnswerFacts):
            self.http.scope[LOG_ENTRY].span.describe_answer(tokens)

    @property
    def judge(self) -> ResponseChecker:
        """What judges the answer; its verdicts are counted and put on record."""
        state, asides = self.state, self.asides
        taken: list[ShadowSample | None] = []

        def sample(leaves: ContentTree, ended: bool) -> None:
            taken[:] = [state.sample_for_shadow(leaves, self.who, ended=ended)]

        def verdict(heard: Payload, outcome: Outcome, vault: Vault | None) -> Verdict:
            made = state.guard.verdict(heard, outcome, Stage.OUTPUT, vault, who=self.who)
            seconds = made.timings_ms["total"] / 1000.0
            sampled = taken[-1] if taken else None
            call_on_loop(partial(state.record_verdict, made, seconds, sampled, outcome))
            record_verdict(self.http, self.report, made)
            asides.saw("output", made, heard.tree, outcome)
            return made

        return ResponseChecker(
            state.guard.pipeline,
            self.who,
            (self.system, self.prompt, self.sources),
            verdict,
            complete=bool(asides),
            settled=asides.settled("output"),
            before=None if state.shadow is None else sample,
        )

    def read(self, answer: dict[str, Any]) -> Payload:
        """Return what there is to judge of an answer.

        Raises:
            BackendError: it has no form that can be judged.
        """
        try:
            return self.protocol.response_payload(answer)
        except RequestError as error:
            raise invalid_answer(f"the upstream's answer is malformed: {error.code}") from None

    def passed(
        self, answer: dict[str, Any], heard: Payload, verdict: Verdict, outcome: Outcome
    ) -> dict[str, Any]:
        """Return an answer as its verdict lets it pass; the same object if nothing changes.

        Raises:
            AnswerRejected: the model is to be asked again.
            GuardUnavailable: it could not be checked.
        """
        if verdict.unavailable is not None:
            raise self.unavailable(verdict)
        if self.may_reask and self.given is not None:
            reask = find_reask(verdict, self.given.reasked)
            if reask is not None:
                raise AnswerRejected(reask)
        content = answer
        if verdict.action >= Action.REDACT:
            content = self.protocol.withhold(answer, heard.tree, outcome, self.message(verdict))
        restorer = verdict.restorer
        return content if restorer is None or not restorer.values else restore_reply(content, restorer)

    def message(self, verdict: Verdict) -> str:
        """Return the words that answer a block; raises `GuardUnavailable` where the answer could not be checked."""
        if verdict.unavailable is not None:
            raise self.unavailable(verdict)
        return verdict.refusal

    def unavailable(self, verdict: Verdict) -> GuardUnavailable:
        """Return the exception for a check that could not be done, which says not to try a request again that was late before."""
        error = GuardUnavailable(verdict)
        if error.reason == "timeout":
            error.may_retry = not self.state.timeouts.remember(self.who.tenant, self.path, self.raw)
        return error

    def refused(self, error: GuardUnavailable) -> GuardUnavailable:
        """Return the exception for an answer whose check was refused before it began, which is put on record."""
        if not error.is_refusal:
            return error
        made = self.state.guard.refuse(error, Stage.OUTPUT, self.who)
        record_verdict(self.http, self.report, made.verdict)
        return made


def record_verdict(request: HttpRequest, report: Report, verdict: Verdict) -> None:
    """Put a check on record, for the headers and for the counters."""
    report.add(verdict)
    request.scope[ACTION] = str(report.action)
    entry = request.scope.get(LOG_ENTRY)
    if entry is not None:
        entry.check += verdict.timings_ms.get("total", 0.0) / 1000.0
    if verdict.unavailable is not None:
        request.scope[UNAVAILABLE] = verdict.unavailable.reason


def parse_object(raw: bytes) -> dict[str, Any]:
    """Return the object that an upstream's answer is.

    Raises:
        BackendError: it is none.
    """
    try:
        return strict_json.parse(raw)
    except RequestError as error:
        raise invalid_answer(f"the upstream's answer is malformed: {error.code}") from None


def parse_answer(protocol: Protocol, raw: bytes) -> dict[str, Any]:
    """Return the answer of an API that an upstream's is; raises `BackendError` where it is none."""
    answer = parse_object(raw)
    protocol.check_response(answer)
    return answer


async def judge_answer(
    call: Call, answer: dict[str, Any], weight: int, read: Callable[[dict[str, Any]], Payload] | None = None
) -> dict[str, Any]:
    """Return an answer as the policy lets it pass; the same object if nothing changes.

    Args:
        call: the request that is answered.
        answer: the answer.
        weight: what it weighed as JSON (`strict_json.weigh`).
        read: gives what there is to judge of it, where that is more than what `Call.read` does.
    """
    state, links = call.state, call.protocol.links
    if links is not None:
        answer = await state.fetch_pictures(answer, links)
    heard = await state.run_by_size(weight, lambda: (read or call.read)(answer))
    verdict, outcome = await state.guard.pipeline.adrive(call.judge.whole(heard, INLINE_ON_LOOP))
    return await state.run_by_size(weight, lambda: call.passed(answer, heard, verdict, outcome))


async def vet_error(call: Call, error: GuardrailsError) -> GuardrailsError:
    """Return an error as a client may see it: what an upstream says of its own is judged like an answer."""
    if isinstance(error, GuardUnavailable):
        return call.refused(error)
    if isinstance(error, RequestError) and error.code == TOO_LARGE:  # the request itself was let in
        return invalid_answer(f"the upstream's answer is too large to be judged: {error}")
    if not isinstance(error, UpstreamAnswer):
        return error
    try:
        verdict, _ = await call.state.judge(
            chat_payload.read(error.error, Stage.OUTPUT), call.who, Stage.OUTPUT
        )
    except GuardUnavailable:
        return error.with_error({})
    if verdict.action > Action.ALLOW:
        record_verdict(call.http, call.report, verdict)
    content = verdict.content
    return error.with_error(content if isinstance(content, Mapping) else {})
