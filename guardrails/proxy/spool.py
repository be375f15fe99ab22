"""A film, a picture or a sound of the upstream's in, the same out once it was judged: until then it lies in a file, byte by byte.

Nothing of it is sent before its verdict. What a policy blocks is an error; what it redacts stands in the place of what came. A
range that a client asks for is one of what was judged, as a whole.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import AsyncIterable, Mapping
from pathlib import Path
from typing import IO, Final

import aiohttp
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

from guardrails.engine import subject
from guardrails.engine.attached import SAID, begins_as_medium, medium
from guardrails.engine.evaluate import Request
from guardrails.engine.images import media_of
from guardrails.engine.looking import film_limits
from guardrails.errors import BackendError
from guardrails.media.outline import GENERIC
from guardrails.media.video_sniff import HEAD
from guardrails.proxy.answer import message_of, note
from guardrails.proxy.errors import BLOCKED
from guardrails.proxy.report import Report
from guardrails.proxy.state import State
from guardrails.proxy.upstream import invalid, passed_back, too_large
from guardrails.types import Media, Place, Stage

PIECE: Final = 1 << 20
"""Bytes that are written at once."""

WITHHELD: Final = 403
"""The status of what is not given out."""


class Spool:
    """A temporary file with what came; gone once it is closed."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.NamedTemporaryFile(prefix="guardrails-")  # noqa: SIM115 - see close
        self.path, self.size = Path(self._file.name), 0

    def add(self, piece: bytes) -> None:
        """Write more."""
        self._file.write(piece)
        self._file.flush()
        self.size += len(piece)

    def head(self) -> bytes:
        """Return its first bytes."""
        with self.path.open("rb") as file:
            return file.read(HEAD)

    def close(self) -> None:
        """Remove it."""
        self._file.close()


class Released(FileResponse):
    """Sends a file, or the range of it that is asked for, and removes it."""

    def __init__(
        self, spool: Spool, media: str, headers: Mapping[str, str], idle_s: float = math.inf
    ) -> None:
        super().__init__(spool.path, 200, headers, media)
        self._spool, self._idle_s = spool, idle_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; who takes nothing for `idle_s` is let go."""

        async def within(message: Message) -> None:
            async with asyncio.timeout(None if math.isinf(self._idle_s) else self._idle_s):
                await send(message)

        try:
            await super().__call__(scope, receive, within)
        except TimeoutError:
            raise ClientDisconnect from None
        finally:
            self._spool.close()


async def filled(state: State, pieces: AsyncIterable[bytes], most: int) -> Spool:
    """Return a file with what comes, written by workers; raises `BackendError` where that is more than `most`."""
    spool, held = Spool(), bytearray()
    try:
        async for piece in pieces:
            held += piece
            if spool.size + len(held) > most:
                raise too_large(most)
            if len(held) >= PIECE:
                some, held = bytes(held), bytearray()
                await state.off_loop(lambda some=some: spool.add(some))  # type: ignore[misc] # it returns nothing
        await state.off_loop(lambda: spool.add(bytes(held)))
    except BaseException:
        spool.close()
        raise
    return spool


async def released(
    request: HttpRequest,
    state: State,
    who: Request,
    report: Report,
    answer: aiohttp.ClientResponse,
    kind: type[Media] | None = None,
) -> Response:
    """Return an answer that is a film, a picture or a sound (or one of a kind that is certain), as the policy lets it pass.

    Raises:
        BackendError: it is something else, too large, or blocked.
    """
    headers, media = passed_back(answer), answer.content_type.lower()
    most = film_limits(state.guard.pipeline.policies).bytes
    spool = await filled(state, answer.content.iter_any(), most)
    try:
        own = _kind(spool.head(), media, kind)
        place = Place(Stage.OUTPUT, role="assistant")
        came = own(place=place, source=spool.path, declared=media)
        verdict, _ = await state.judge(subject.read(came, Stage.OUTPUT), who, Stage.OUTPUT)
        note(request, report, verdict)
        if verdict.blocked:
            raise BackendError(message_of(verdict), WITHHELD, BLOCKED)
        content = verdict.content
        if content is not came:
            new = content.data if isinstance(content, Media) else b""
            media = media_of(new)
            before, spool = spool, Spool()
            before.close()
            await state.off_loop(lambda: spool.add(new))
        return Released(spool, media, {**headers, **report.headers()}, state.settings.idle_s)
    except BaseException:
        spool.close()
        raise


def _kind(head: bytes, media: str, certain: type[Media] | None) -> type[Media]:
    """Return what an answer is; raises `BackendError` for what is neither said to be a film, a picture or a sound, nor one."""
    if certain is not None and (media in GENERIC or media.partition("/")[0] == certain.kind):
        return certain
    is_known = media.partition("/")[0] in SAID or (media in GENERIC and begins_as_medium(head))
    if certain is None and is_known:
        return medium(head, media)
    raise invalid("the upstream's answer is not what was asked for")
