"""Sends a request to the servers behind in turn, until one that serves its model answers.

A request is sent again, to the next server or to the same, only as long as no answer to it has begun: after a failure to
connect, after 5xx, after 429, after 401 and 403 of the operator's own key, and where its first bytes are late. One that may have
been worked on goes to the same server once, unless the operator says otherwise. What has begun is never repeated, so that
nothing of an answer can be judged, or released, twice.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import lru_cache, partial
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from guardrails.errors import BackendError
from guardrails.protocols.protocol import WithheldAnswer
from guardrails.protocols.providers import Provider
from guardrails.proxy.access.client import cancel_and_wait
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.errors import UpstreamAnswer
from guardrails.proxy.server.logs.request_entry import ENTRY
from guardrails.proxy.server.metrics import Metrics
from guardrails.proxy.upstreams.balancing import Balancer
from guardrails.proxy.upstreams.health.failure_log import FailureLog
from guardrails.proxy.upstreams.health.health_checks import run_health_checks
from guardrails.proxy.upstreams.http_client import UpstreamResponse
from guardrails.proxy.upstreams.model_renaming import rename_model
from guardrails.proxy.upstreams.routing_choice import Row, group_rows, order
from guardrails.proxy.upstreams.transport.rotation import keep_current
from guardrails.proxy.upstreams.upstream_client import (
    BUSY,
    JSON,
    Failure,
    Upstream,
    UpstreamRequest,
    failure_of,
    read_whole,
)
from guardrails.proxy.upstreams.upstream_rows import named_rows, unnamed_rows

if TYPE_CHECKING:
    from guardrails.telemetry.request_spans import UpstreamSpan

PAUSE_S = 0.1
"""Seconds before one is asked again, doubled for each further time; half of it is left to chance."""

LONGEST_PAUSE_S = 5.0
"""Seconds up to which an upstream's own `Retry-After` is waited for."""

FORBIDDEN = "403"

LONGEST_NAME = 256
"""Characters of a model's name up to which it is remembered who serves it."""


class Attempt(NamedTuple):
    """Whom to ask, and for which model; None is what is of no model."""

    row: Row
    model: str | None


class Upstreams:
    """The servers behind one process, and how each of them is.

    Args:
        settings: which there are.
        metrics: where they are counted.
        clock: any clock in seconds that never goes back.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        clock: Callable[[], float] = perf_counter,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._metrics, self._clock, self._sleep = metrics, clock, sleep
        self._failures = FailureLog(clock)
        self._most = settings.max_answer_bytes
        self._upstreams: dict[Row, Upstream] = {}
        self._watching: dict[Row, asyncio.Future[None]] = {}
        self._closing: set[asyncio.Future[None]] = set()
        self._is_open = False
        self.named: tuple[Row, ...] = ()
        self.others: tuple[Row, ...] = ()
        """Who serves the models that none of those with a name does."""
        self.apply(settings)

    def apply(self, settings: Settings) -> None:
        """Ask the upstreams of other settings from now on. Those that stay as they were keep their connections and their state;
        requests under way end where they began. Inside the event loop, once it is open.

        Raises:
            ValueError: a certificate is wrong by now; all stays as it was.
        """
        before, known = {row.name: row for row in self.rows}, self._upstreams
        named, others = (
            tuple(_known_row(row, before) for row in rows)
            for rows in (named_rows(settings), unnamed_rows(settings))
        )
        upstreams = {row: known.get(row) or Upstream(row) for row in (*named, *others)}
        self.named, self.others = named, others
        self.fallbacks: Mapping[str, Sequence[str]] = settings.fallbacks
        self._balancer = Balancer(settings.balance, lambda row: self._upstreams[row].active)
        self._known = lru_cache(maxsize=1_024)(partial(group_rows, rows=named))
        self._upstreams = upstreams
        for row, upstream in self._upstreams.items():
            upstream.shown_name = row.name if len(self._upstreams) > 1 else ""
            if row not in known:
                self._metrics.watch_upstream(row.name, partial(_is_healthy, upstream))
                for name in ("requests", "retries"):
                    self._metrics.declare(f"guardrails_upstream_{name}_total", upstream=row.name)
                if self._is_open:
                    self._open(upstream)
        for row in known.keys() - self._upstreams.keys():
            self._retire(row, known[row])

    @property
    def rows(self) -> tuple[Row, ...]:
        """All of them, in the order of the settings."""
        return (*self.named, *self.others)

    async def open(self) -> None:
        """Open the sessions; inside the event loop that will use them."""
        self._is_open = True
        self._rotating = asyncio.ensure_future(keep_current(self._upstreams_now, asyncio.sleep))
        for upstream in self._upstreams.values():
            self._open(upstream)

    def _upstreams_now(self) -> Iterable[Upstream]:
        return self._upstreams.values()

    def _open(self, upstream: Upstream) -> None:
        upstream.open()
        row = upstream.row
        if row.check_s is not None:
            checks = run_health_checks(self, row, row.check_s, self._sleep)
            self._watching[row] = asyncio.ensure_future(checks)

    def _retire(self, row: Row, upstream: Upstream) -> None:
        """Ask one no more, and close it once the requests that it serves have ended."""
        if all(row.name != each.name for each in self._upstreams):
            self._metrics.forget_upstream(row.name)
        if (checks := self._watching.pop(row, None)) is not None:
            checks.cancel()
        if self._is_open:
            closing = asyncio.ensure_future(upstream.close_when_idle())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close the sessions."""
        self._is_open = False
        await cancel_and_wait(self._rotating, *self._watching.values(), *self._closing)
        for upstream in self._upstreams.values():
            await upstream.close()

    def health(self) -> dict[str, bool]:
        """Return of each by name whether it is up, as far as its last answers tell."""
        return {row.name: upstream.health.is_healthy for row, upstream in self._upstreams.items()}

    def failing_models(self) -> dict[str, list[str]]:
        """Return by name the models that each fails for, of those that fail for some; only models that the settings name, as
        others have what clients call them.
        """
        found: dict[str, list[str]] = {}
        for row, upstream in self._upstreams.items():
            named = [name for name in upstream.health.failing_models if name in row.models]
            if named:
                found[row.name] = named
        return found

    def model_names(self, model: str | None) -> set[str]:
        """Return every name under which upstreams may be asked for what is asked for as a model."""
        asked = (model or "", *self.fallbacks.get(model or "", ()))
        sent = {row.rename.get(each, each) for each in asked for group in self._groups(each) for row in group}
        return {*asked, *sent}

    def answer(
        self,
        method: str,
        path: str,
        client: Mapping[str, str],
        raw: bytes | None,
        provider: Provider,
        base: str = "",
        model: str | None = None,
        media: str = JSON,
        fallbacks: Iterable[str] = (),
    ) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Ask for an answer of a model; yields it once its status is 200. Read it inside, and only read it. `path` is below
        `base` (`Endpoint.base`); `media` is the type of the body; `fallbacks` are the models to ask where nobody can answer.

        Raises:
            UpstreamAnswer: the upstream answered with an error.
            BackendError: nobody serves the model (404), or who does cannot be reached (502), took too long (504), or broke
                off (502).
        """
        plan = (Attempt(row, each) for each in (model, *fallbacks) for row in self._plan(method, each))
        return _PendingAnswer(
            self, UpstreamRequest(method, path, client, raw, provider, base, media), tuple(plan), model
        )

    def ask_one(self, row: Row, asked: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Ask one of them alone, and once; else as `answer`."""
        return _PendingAnswer(self, asked, (Attempt(row, None),))

    async def read_whole(self, response: UpstreamResponse) -> bytes:
        """Return the whole body of an answer; raises `BackendError` if it is too large."""
        return await read_whole(response, self._most)

    async def start_answer(
        self, asked: UpstreamRequest, plan: Sequence[Attempt], model: str | None
    ) -> tuple[Upstream, UpstreamResponse, str | None]:
        """Return whose answer has begun, the answer, which must be released, and the model that it is of."""
        clock, began, told = self._clock, self._clock(), None
        due: dict[Attempt, float] = {}
        tries: dict[Attempt, int] = {}
        for at, attempt in enumerate(plan):
            row, left = attempt.row, None
            if told is not None:
                wait = max(0.0, due.get(attempt, 0.0) - clock())
                left = began + row.total_s - clock() - wait
                if left <= 0.0:
                    continue
                if wait:
                    await self._sleep(wait)
                self._metrics.count("guardrails_upstream_retries_total", upstream=row.name)
            upstream = self._upstreams.get(row)
            if upstream is None:  # it was taken out of the settings meanwhile
                continue
            has_next = any(due.get(each, 0.0) < math.inf for each in plan[at + 1 :] if each != attempt)
            try:
                sent = await _rename(asked, attempt, model)
                number = sum(tries.values())
                response = await self._once(upstream, attempt, sent, left, number, may_leave=has_next)
            except Exception as error:
                failure = failure_of(error, upstream.key)
                if failure is None:
                    raise
                if not (row.retry_on_timeout if failure.may_retry is None else failure.may_retry):
                    raise failure.client_error from error
                # What an upstream says itself is told rather than that another one is silent.
                told = told if isinstance(told, UpstreamAnswer) else failure.client_error
            else:
                response.model = attempt.model if attempt.model != model else None
                return upstream, response, attempt.model
            tries[attempt] = tries.get(attempt, 0) + 1
            due[attempt] = clock() + _pause(failure, tries[attempt])
        raise told or BackendError("no upstream serves this model", 404, "model_not_found")

    async def _once(
        self,
        upstream: Upstream,
        attempt: Attempt,
        asked: UpstreamRequest,
        left: float | None,
        number: int,
        *,
        may_leave: bool,
    ) -> UpstreamResponse:
        """Return an answer that has begun. With `may_leave` somebody else can be asked where its first bytes are late; `number`
        is how often somebody was asked before.
        """
        row, model, span = attempt.row, attempt.model, None
        self._metrics.count("guardrails_upstream_requests_total", upstream=row.name)
        if (entry := ENTRY.get()) is not None:
            entry.upstream = row.name
            if entry.span is not None:
                name = model if model is None else row.rename.get(model, model)
                provider = asked.provider.name
                span = entry.span.start_upstream(
                    row.name, row.url, asked.method, asked.path, provider, name, number
                )
                asked = asked._replace(trace=entry.span.headers_for(span))
        upstream.active += 1
        upstream.health.record_start(model)
        try:
            response = await upstream.ask(asked, left, row.first_byte_s if may_leave else None)
        except BaseException as error:
            self.record_end(upstream, model, error, span)
            raise
        response.span = span
        upstream.health.record_begin(model, self._clock())
        return response

    def record_end(
        self,
        upstream: Upstream,
        model: str | None,
        error: BaseException | None,
        span: UpstreamSpan | None = None,
        status: int | None = None,
    ) -> Failure | None:
        """Note how a request ended that was answered with a status; returns why it failed, None where that is not the upstream's
        doing.
        """
        upstream.active -= 1
        if isinstance(error, WithheldAnswer):  # it answered well; that nobody gets it is our doing
            error = None
        failure = None if error is None else failure_of(error, upstream.key)
        if span is not None:
            answered = error.status if isinstance(error, UpstreamAnswer) and status is None else status
            span.close(answered, "" if failure is None else failure.why)
        well = error is None or None if failure is None else failure.is_upstream_healthy
        server = failure is not None and failure.is_of_server
        if model is None and failure is not None and failure.why == FORBIDDEN:
            well = True  # keys that may ask models need not be allowed to list them
        if failure is not None and error is not None and not well:
            self._metrics.count(
                "guardrails_upstream_failures_total", upstream=upstream.row.name, why=failure.why
            )
            if isinstance(error, UpstreamAnswer) and server:
                self._failures.record_refusal(upstream.row, error.status)
            elif not isinstance(error, BackendError | UpstreamAnswer):
                self._failures.record(upstream.row.name, error)
        upstream.health.record_end(model, self._clock(), well=well, server=server)
        return failure

    def record_wait(self, since: float, upstream: str | None = None, model: str | None = None) -> None:
        """Count the time that somebody waited for an answer, and for whose, where one began."""
        took = self._clock() - since
        self._metrics.observe("guardrails_upstream_seconds", took)
        if upstream is not None:
            name = model or ""
            self._metrics.observe("guardrails_upstream_answer_seconds", took, upstream=upstream, model=name)
        if (entry := ENTRY.get()) is not None:
            entry.upstream_wait += took

    def now(self) -> float:
        """Return the time."""
        return self._clock()

    def _plan(self, method: str, model: str | None) -> Iterable[Row]:
        """Return whom to ask, one after the other; for what is of no model, such as a list, anybody."""
        groups = self._groups(model or "")
        if not groups and method == "GET":
            return order(self.others or self.named, partial(self.is_up, model=model))
        if not groups:
            return self.others
        is_up = partial(self.is_up, model=model)
        return order((*self._balancer.arrange(groups, is_up),), is_up)

    def _groups(self, model: str) -> tuple[tuple[Row, ...], ...]:
        return self._known(model) if len(model) <= LONGEST_NAME else group_rows(model, self.named)

    def is_up(self, row: Row, model: str | None = None) -> bool:
        """Tell whether one may be asked for a model first: it is up, or it is time to see whether it is."""
        return self._upstreams[row].health.remaining_wait(model, self._clock()) == 0.0


class _PendingAnswer(AbstractAsyncContextManager[UpstreamResponse]):
    """One request, to those who are asked for it in turn: `Upstreams.answer`."""

    __slots__ = ("_asked", "_began", "_model", "_plan", "_response", "_served", "_upstream", "_upstreams")

    def __init__(
        self, upstreams: Upstreams, asked: UpstreamRequest, plan: Sequence[Attempt], model: str | None = None
    ) -> None:
        self._upstreams, self._asked, self._plan, self._model = upstreams, asked, plan, model

    async def __aenter__(self) -> UpstreamResponse:
        self._began = self._upstreams.now()
        try:
            self._upstream, self._response, self._served = await self._upstreams.start_answer(
                self._asked, self._plan, self._model
            )
        except BaseException:
            self._upstreams.record_wait(self._began)
            raise
        return self._response

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._response.release()
        finally:
            response = self._response
            failure = self._upstreams.record_end(
                self._upstream, self._served, error, response.span, response.status
            )
            self._upstreams.record_wait(self._began, self._upstream.row.name, self._model)
        if failure is not None and failure.client_error is not error:
            raise failure.client_error from error


def _known_row(row: Row, before: Mapping[str, Row]) -> Row:
    """Return the row from before where it says the same."""
    known = before.get(row.name)
    return known if known is not None and known.is_same(row) else row


def _is_healthy(upstream: Upstream) -> bool:
    return upstream.health.is_healthy


async def _rename(asked: UpstreamRequest, attempt: Attempt, model: str | None) -> UpstreamRequest:
    """Return what an upstream is sent for a request for a model."""
    if attempt.model is None:
        return asked
    sent = attempt.row.rename.get(attempt.model, attempt.model)
    return asked if sent == model else await rename_model(asked, sent)


def _pause(failure: Failure, tries: int) -> float:
    """Return the seconds until one may be asked again that was asked so often."""
    own = PAUSE_S * 2.0 ** (tries - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret, only spread
    asks = failure.after_s
    if asks is None:
        return math.inf if failure.why == str(BUSY) else own
    return max(own, asks) if asks <= LONGEST_PAUSE_S else math.inf
