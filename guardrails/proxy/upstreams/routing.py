"""Sends a request to the servers behind in turn, until one that serves its model answers.

A request is sent again, to the next server or to the same, only as long as no answer to it has begun: after a failure to
connect, after 502, 503, 504 and 529, and after 429. One that may have been worked on is sent once, unless the operator says
otherwise. What has begun is never repeated, so that nothing of an answer can be judged, or released, twice.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import lru_cache, partial
from time import perf_counter
from types import TracebackType
from urllib.parse import quote

from guardrails.engine.core.worker_pool import workers
from guardrails.errors import BackendError
from guardrails.protocols.providers import Provider
from guardrails.proxy.access.client import cancel_and_wait
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.errors import UpstreamAnswer
from guardrails.proxy.server.metrics import Metrics
from guardrails.proxy.upstreams.failure_log import FailureLog
from guardrails.proxy.upstreams.health_checks import run_health_checks
from guardrails.proxy.upstreams.http_client import UpstreamResponse
from guardrails.proxy.upstreams.routing_choice import Row, order, select_rows
from guardrails.proxy.upstreams.upstream_client import (
    BUSY,
    JSON,
    Failure,
    Upstream,
    UpstreamRequest,
    failure_of,
    read_whole,
)
from guardrails.proxy.upstreams.upstream_settings import ONLY, UpstreamDoc, base_url
from guardrails.wire.forms import form
from guardrails.wire.json_patch import saying
from guardrails.wire.strict_json import LARGE

PAUSE_S = 0.1
"""Seconds before one is asked again, doubled for each further time; half of it is left to chance."""

LONGEST_PAUSE_S = 5.0
"""Seconds up to which an upstream's own `Retry-After` is waited for."""

LONGEST_NAME = 256
"""Characters of a model's name up to which it is remembered who serves it."""

MODELS = "/models/"
"""What a path begins with in which the model stands, up to a colon."""


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
        self.named = tuple(_row(name, doc, settings) for name, doc in settings.upstreams.items())
        self.others = () if settings.upstream is None else (_unnamed_row(settings.upstream, settings),)
        """Who serves the models that none of those with a name does."""
        self._known = lru_cache(maxsize=1_024)(partial(select_rows, rows=self.named))
        rows = (*self.named, *self.others)
        self._by_name = {row.name: Upstream(row, row.name if len(rows) > 1 else "") for row in rows}
        self._watching: list[asyncio.Future[None]] = []
        for name, upstream in self._by_name.items():
            metrics.watch_upstream(name, upstream.is_healthy)

    async def open(self) -> None:
        """Open the sessions; inside the event loop that will use them."""
        for upstream in self._by_name.values():
            upstream.open()
        self._watching = [
            asyncio.ensure_future(run_health_checks(self, row, every_s, self._sleep))
            for row in self.named
            if (every_s := row.check_s) is not None
        ]

    async def close(self) -> None:
        """Close the sessions."""
        await cancel_and_wait(*self._watching)
        for upstream in self._by_name.values():
            await upstream.close()

    def health(self) -> dict[str, bool]:
        """Return of each by name whether it is up, as far as its last answers tell."""
        return {name: upstream.is_healthy() for name, upstream in self._by_name.items()}

    def model_names(self, model: str | None) -> set[str]:
        """Return every name under which a model may be asked for."""
        asked = model or ""
        return {asked, *(row.rename.get(asked, asked) for row in self._select_rows(asked))}

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
    ) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Ask for an answer of a model; yields it once its status is 200. Read it inside, and only read it. `path` is below
        `base` (`Endpoint.base`); `media` is the type of the body.

        Raises:
            UpstreamAnswer: the upstream answered with an error.
            BackendError: nobody serves the model (404), or who does cannot be reached (502), took too long (504), or broke
                off (502).
        """
        return _PendingAnswer(
            self,
            UpstreamRequest(method, path, client, raw, provider, base, media),
            self._plan(method, model),
            model,
        )

    def ask_one(self, row: Row, asked: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Ask one of them alone, and once; else as `answer`."""
        return _PendingAnswer(self, asked, (row,))

    async def read_whole(self, response: UpstreamResponse) -> bytes:
        """Return the whole body of an answer; raises `BackendError` if it is too large."""
        return await read_whole(response, self._most)

    async def start_answer(
        self, asked: UpstreamRequest, rows: tuple[Row, ...], model: str | None
    ) -> tuple[Upstream, UpstreamResponse]:
        """Return an answer that has begun, which must be released, and whose it is."""
        clock, began, told = self._clock, self._clock(), None
        due: dict[str, float] = {}
        tries: dict[str, int] = {}
        for row in rows:
            left = None
            if told is not None:
                wait = max(0.0, due.get(row.name, 0.0) - clock())
                left = began + row.total_s - clock() - wait
                if left <= 0.0:
                    continue
                if wait:
                    await self._sleep(wait)
                self._metrics.count("guardrails_upstream_retries_total", upstream=row.name)
            upstream = self._by_name[row.name]
            try:
                other = None if model is None else row.rename.get(model)
                sent = asked if other is None else await _rename_model(asked, other)
                return upstream, await self._once(upstream, sent, left)
            except Exception as error:
                failure = failure_of(error, row.key)
                if failure is None:
                    raise
                if not (row.retry_on_timeout if failure.may_retry is None else failure.may_retry):
                    raise failure.client_error from error
                # What an upstream says itself is told rather than that another one is silent.
                told = told if isinstance(told, UpstreamAnswer) else failure.client_error
            tries[row.name] = tries.get(row.name, 0) + 1
            due[row.name] = clock() + _pause(failure, tries[row.name])
        raise told or BackendError("no upstream serves this model", 404, "model_not_found")

    async def _once(self, upstream: Upstream, asked: UpstreamRequest, left: float | None) -> UpstreamResponse:
        self._metrics.count("guardrails_upstream_requests_total", upstream=upstream.row.name)
        upstream.breaker.record_start()
        try:
            response = await upstream.ask(asked, left)
        except BaseException as error:
            self.record_end(upstream, error)
            raise
        if not upstream.breaker.is_closed:
            # Others need not wait for the end of this one to see.
            upstream.breaker.record_end(self._clock(), well=None)
        return response

    def record_end(self, upstream: Upstream, error: BaseException | None) -> Failure | None:
        """Note how a request ended; returns why it failed, None where that is not the upstream's doing."""
        failure = None if error is None else failure_of(error, upstream.row.key)
        well = error is None or None if failure is None else failure.is_upstream_healthy
        if failure is not None and not well:
            self._metrics.count(
                "guardrails_upstream_failures_total", upstream=upstream.row.name, why=failure.why
            )
            if error is not None and not isinstance(error, BackendError | UpstreamAnswer):
                self._failures.record(upstream.row.name, error)
        upstream.breaker.record_end(self._clock(), well=well)
        return failure

    def record_wait(self, since: float) -> None:
        """Count the time that somebody waited for an answer."""
        self._metrics.observe("guardrails_upstream_seconds", self._clock() - since)

    def now(self) -> float:
        """Return the time."""
        return self._clock()

    def _plan(self, method: str, model: str | None) -> tuple[Row, ...]:
        """Return whom to ask, one after the other; for what is of no model, such as a list, anybody."""
        rows = self._select_rows(model or "")
        if not rows and method == "GET":
            rows = self.others or self.named
        return order(rows, self.is_up) if rows else self.others

    def _select_rows(self, model: str) -> tuple[Row, ...]:
        return self._known(model) if len(model) <= LONGEST_NAME else select_rows(model, self.named)

    def is_up(self, name: str) -> bool:
        """Tell whether one may be asked first: it is up, or it is time to see whether it is."""
        return self._by_name[name].breaker.remaining_wait(self._clock()) == 0.0


class _PendingAnswer(AbstractAsyncContextManager[UpstreamResponse]):
    """One request, to those who are asked for it in turn: `Upstreams.answer`."""

    __slots__ = ("_asked", "_began", "_model", "_response", "_rows", "_upstream", "_upstreams")

    def __init__(
        self, upstreams: Upstreams, asked: UpstreamRequest, rows: tuple[Row, ...], model: str | None = None
    ) -> None:
        self._upstreams, self._asked, self._rows, self._model = upstreams, asked, rows, model

    async def __aenter__(self) -> UpstreamResponse:
        self._began = self._upstreams.now()
        try:
            self._upstream, self._response = await self._upstreams.start_answer(
                self._asked, self._rows, self._model
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
            failure = self._upstreams.record_end(self._upstream, error)
            self._upstreams.record_wait(self._began)
        if failure is not None and failure.client_error is not error:
            raise failure.client_error from error


def _unnamed_row(url: str, settings: Settings) -> Row:
    """Return the one that has no name of its own."""
    return Row(
        ONLY,
        base_url(url),
        settings.upstream_key,
        connect_s=settings.connect_s,
        idle_s=settings.idle_s,
        total_s=settings.total_s,
    )


def _row(name: str, doc: UpstreamDoc, settings: Settings) -> Row:
    """Return one of several."""
    return Row(
        name,
        base_url(doc.url),
        None if doc.key_env is None else os.environ.get(doc.key_env, ""),
        tuple(doc.models),
        doc.rename,
        doc.connect_s or settings.connect_s,
        doc.idle_s or settings.idle_s,
        doc.total_s or settings.total_s,
        doc.tries,
        doc.retry_on_timeout,
        doc.failures,
        doc.open_s,
        doc.check_s,
    )


async def _rename_model(asked: UpstreamRequest, sent: str) -> UpstreamRequest:
    """Return what one is asked for that knows a model by another name; a large body is changed on a worker, so that nobody waits
    for it.
    """
    if asked.raw is None or len(asked.raw) < LARGE:
        return _with_model(asked, sent)
    return await asyncio.wrap_future(workers().submit(lambda: _with_model(asked, sent)))


def _with_model(asked: UpstreamRequest, sent: str) -> UpstreamRequest:
    """Return a request for a model of another name."""
    if asked.path.startswith(MODELS):
        _, colon, rest = asked.path.partition(":")
        return asked._replace(path=f"{MODELS}{quote(sent, safe='')}{colon}{rest}")
    if asked.raw is None:
        return asked
    if asked.media != JSON:
        found = form(asked.raw, asked.media)
        return asked._replace(raw=found.written({**found.body, "model": sent}))
    return asked._replace(raw=saying(asked.raw, "model", sent))


def _pause(failure: Failure, tries: int) -> float:
    """Return the seconds until one may be asked again that was asked so often."""
    own = PAUSE_S * 2.0 ** (tries - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret, only spread
    asks = failure.after_s
    if asks is None:
        return math.inf if failure.why == str(BUSY) else own
    return max(own, asks) if asks <= LONGEST_PAUSE_S else math.inf
