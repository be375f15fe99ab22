"""Sends a film of fragments as it is judged: fragment by fragment, byte for byte.

What comes lies in a file, as all films do (`spool.py`), and is cut as it comes. A part of it goes out once it was judged among
what is shown before and after it (`engine/media/fragmented_video.py`). Where one is blocked the answer is broken off, so that a
client sees that it is not whole; the verdict over all that was judged is counted, and logged. Headers go out before most of the
film is judged, and tell what was known then.

Only what is certain goes this way. A film that is not made of fragments, a policy that needs the whole (`held`), and whatever is
odd about a first part, have it judged as a whole before anything leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from time import perf_counter
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guardrails.engine.content.inline_media import answering
from guardrails.engine.media.film_settings import film_limits
from guardrails.engine.media.fragmented_video import FilmWindow, FragmentedVideo
from guardrails.errors import GuardUnavailable
from guardrails.media.fragments.cutter import FilmCutter
from guardrails.media.fragments.fragment import Fragment, UncuttableFilm, shorten_film
from guardrails.protocols.errors import BLOCKED
from guardrails.protocols.protocol import WithheldAnswer, invalid_answer
from guardrails.proxy.access.client import cancel_and_wait, wait_for_disconnect
from guardrails.proxy.exchange.answer import Call, record_verdict
from guardrails.proxy.exchange.report_headers import Report
from guardrails.proxy.media.spool import PIECE, WITHHELD, Spool, release_file, with_send_timeout
from guardrails.proxy.server.state import LOG
from guardrails.proxy.shadow.shadow_queue import ShadowSample
from guardrails.proxy.upstreams.http_client import UpstreamResponse
from guardrails.proxy.upstreams.upstream_client import response_headers, too_large
from guardrails.types import Action, Place, Stage, Verdict, Video

RELAYED: Final = "x-guardrails-relayed"
"""Header of a film that was not judged to its end when it began to go out."""

FILMS: Final = "guardrails_films_total"

OLD: Final = ("0.9", "1.0")
"""Versions of HTTP in which who reads an answer takes what is broken off for all of it."""

PendingResponse = AbstractAsyncContextManager[UpstreamResponse]
Arrival = list[Fragment] | Exception | None
"""Fragments that came, why no more do, or that all did."""


async def relay_film(call: Call, asked: PendingResponse) -> Response:
    """Return what gives out a film that the upstream is asked for.

    Raises:
        BackendError: it is no film, too large, or blocked.
    """
    http = call.http
    sees = http.scope["http_version"] not in OLD
    if not sees or "range" in http.headers or call.state.guard.held_films():
        async with asked as found:
            call.state.metrics.count(FILMS, how="whole")
            return await release_file(http, call.state, call.who, call.report, found)
    coming = IncomingFilm(call, asked)
    try:
        relay = FilmRelay(call, coming)
        pieces = relay.pieces()
        first = await anext(pieces, None)
        answer = await coming.answer
        if first is not None:
            headers = {**response_headers(answer), **relay.headers(), RELAYED: "true"}
            return FilmResponse(
                first, pieces, coming, headers, answer.content_type, call.state.settings.idle_s
            )
        spool = await coming.whole()
        call.state.metrics.count(FILMS, how="whole")
        return await release_file(http, call.state, call.who, call.report, answer, kept=spool)
    except BaseException:
        await coming.close()
        raise


class IncomingFilm:
    """A film that comes, into a file, and is cut: `answer` is what the upstream says of it, `came` what came by now."""

    def __init__(self, call: Call, asked: PendingResponse) -> None:
        self._state = call.state
        self._most = film_limits(call.state.guard.pipeline.policies).bytes
        self.spool, self.cutter = Spool(call.state.disk_budget), FilmCutter()
        self.arrivals: asyncio.Queue[Arrival] = asyncio.Queue()
        self.answer: asyncio.Future[UpstreamResponse] = asyncio.get_running_loop().create_future()
        self._cuts, self._keeps = True, False
        self._taking: asyncio.Future[Arrival] | None = None
        self._reading = asyncio.ensure_future(self._read(asked))

    async def whole(self) -> Spool:
        """Return the file once all of it is there, which is the caller's from now on; raises what breaks it off."""
        self._cuts = False
        await self._reading
        self._keeps = True
        return self.spool

    async def close(self) -> None:
        """Take no more."""
        await cancel_and_wait(self._reading)
        if not self._keeps:
            await self._remove()

    async def _remove(self) -> None:
        if self._taking is not None:
            await asyncio.gather(self._taking, return_exceptions=True)
        self.spool.close()

    async def _read(self, asked: PendingResponse) -> None:
        try:
            async with asked as found:
                self.answer.set_result(found)
                try:
                    await self._fill(found)
                except asyncio.CancelledError:
                    await self._remove()
                    raise
            self.arrivals.put_nowait(None)
        except Exception as error:
            self.arrivals.put_nowait(error)
            raise

    async def _fill(self, found: UpstreamResponse) -> None:
        """Have what comes written, and put fragments where they are waited for once they lie in the file."""
        async for piece in found.content.iter_any():
            if self.spool.size + len(piece) > self._most:
                raise too_large(self._most)
            await self._take(piece)
        await self._take(None)

    async def _take(self, piece: bytes | None) -> None:
        """Write and cut what came, None at the end; what cannot be cut is taken all the same."""

        def take() -> Arrival:
            if piece is not None:
                self.spool.add(piece)
            try:
                return self.cutter.close() if piece is None else self.cutter.feed(piece)
            except UncuttableFilm as error:
                return error

        if not self._cuts:
            take = partial(self.spool.add, piece or b"")
        self._taking = asyncio.ensure_future(self._state.run_in_worker(take))
        came = await asyncio.shield(self._taking)  # who writes is not disturbed
        self._cuts = self._cuts and not isinstance(came, UncuttableFilm)
        if came:
            self.arrivals.put_nowait(came)


class FilmRelay:
    """What becomes of a film that comes."""

    def __init__(self, call: Call, coming: IncomingFilm) -> None:
        self._call, self._coming = call, coming
        self._film: FragmentedVideo | None = None
        self._took_s = 0.0
        self._beside: ShadowSample | None = None

    def headers(self) -> dict[str, str]:
        """Return the headers that tell of the verdict so far; its id is that of the last one."""
        report = Report(self._call.state.guard.policy.ref)
        report.add(self._verdict)
        return report.headers()

    @property
    def _verdict(self) -> Verdict:
        assert self._film is not None
        return self._film.verdict

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the film, as far as it was judged; nothing where it is to be judged as a whole.

        Raises:
            BackendError: it is blocked, or is none any more.
        """
        how: str | None = None
        try:
            async for window in self._windows():
                verdict = await self._judge(window)
                if how is None and not is_certain(verdict):
                    return
                if verdict.action > Action.FLAG:
                    how = how or "blocked"
                    if verdict.unavailable is not None:
                        raise GuardUnavailable(self._verdict)
                    raise WithheldAnswer(self._verdict.refusal, WITHHELD, BLOCKED, self._verdict)
                how = "broken_off"  # as long as there is more of it
                start, end = window.body[0].start, window.body[-1].end
                for at in range(start, end, PIECE):
                    part = partial(self._coming.spool.read_range, at, min(at + PIECE, end))
                    yield await self._call.state.run_in_worker(part)
            how = "relayed"
        except UncuttableFilm as error:
            if how is not None:
                raise invalid_answer(f"the upstream's film cannot be judged to its end: {error}") from None
        finally:
            if how is not None:
                self._record(how)

    def _record(self, how: str) -> None:
        """Put what was judged on record."""
        state, verdict = self._call.state, self._verdict
        state.metrics.count(FILMS, how=how)
        state.record_verdict(verdict, self._took_s, self._beside)
        record_verdict(self._call.http, self._call.report, verdict)
        if how == "broken_off":
            rules = ",".join(rule.id for rule in verdict.rules if rule.action is Action.BLOCK)
            LOG.warning("a film was broken off on its way (%s): %s", verdict.id, rules or "it did not end")

    async def _windows(self) -> AsyncIterator[FilmWindow]:
        """Yield what is to be judged, as it comes."""
        while True:
            came = await self._coming.arrivals.get()
            if isinstance(came, Exception):
                raise came
            self._film = self._film or await self._begin_judging()
            self._film.windows.add(came or ())
            while (window := self._film.windows.next(last=came is None)) is not None:
                yield window
            if came is None:
                return

    async def _begin_judging(self) -> FragmentedVideo:
        media = (await self._coming.answer).content_type.lower()
        if answering(self._coming.spool.head(), media, None) is not Video:
            raise UncuttableFilm("it is no film")
        return FragmentedVideo(
            self._call.state.guard.pipeline.policies, Place(Stage.OUTPUT, role="assistant"), media
        )

    async def _judge(self, window: FilmWindow) -> Verdict:
        """Judge a window, which lies in a file of its own meanwhile."""
        state, who, film, began = self._call.state, self._call.who, self._film, perf_counter()
        assert film is not None
        copy = Spool(state.disk_budget)
        writing = asyncio.ensure_future(state.run_in_worker(partial(self._copy_window, window, copy)))
        try:
            await asyncio.shield(writing)
            given = film.subject(window, copy.path)
            self._beside = self._beside or state.sample_for_shadow(given.tree, who)
            verdict = await state.guard.pipeline.acheck(
                given.tree,
                who,
                lambda outcome: state.guard.verdict(given, outcome, Stage.OUTPUT, who=who),
            )
        finally:
            await asyncio.gather(writing, return_exceptions=True)
            copy.close()
        seconds = perf_counter() - began
        self._took_s += seconds
        film.took(window, given, verdict, seconds)
        return verdict

    def _copy_window(self, window: FilmWindow, copy: Spool) -> None:
        coming = self._coming
        with coming.spool.path.open("rb") as source:
            for piece in shorten_film(source, coming.cutter.head, window.fragments, closed=window.closed):
                copy.add(piece)


def is_certain(verdict: Verdict) -> bool:
    """Tell whether what is said of a first part holds for the whole: it passes as it is, or what was found in it blocks."""
    found = (rule.action is Action.BLOCK and rule.reason == "matched" for rule in verdict.rules)
    return verdict.action <= Action.FLAG or (verdict.blocked and any(found))


class FilmResponse(Response):
    """Sends a film as it is judged. Where that ends early the answer has no end: the server closes the connection."""

    def __init__(
        self,
        first: bytes,
        pieces: AsyncIterator[bytes],
        coming: IncomingFilm,
        headers: Mapping[str, str],
        media: str,
        idle_s: float,
    ) -> None:
        super().__init__(None, 200, headers, media)
        del self.headers["content-length"]
        self._first, self._pieces, self._coming, self._idle_s = first, pieces, coming, idle_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; who goes away, or takes nothing for `idle_s`, is let go."""
        work = asyncio.ensure_future(self._pump(with_send_timeout(send, self._idle_s)))
        watch = asyncio.ensure_future(wait_for_disconnect(receive))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            has_left = not work.done()
            await cancel_and_wait(watch, *([work] if has_left else []))
            await self._coming.close()
        if has_left:
            raise ClientDisconnect
        work.result()

    async def _pump(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._pieces) as pieces:  # type: ignore[type-var] # what yields is an async generator
            await send({"type": "http.response.body", "body": self._first, "more_body": True})
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
