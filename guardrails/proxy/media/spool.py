"""Sends a film, a picture or a sound of the upstream once it was judged: until then it lies in a file, byte by byte.

Nothing of it is sent before its verdict. What a policy blocks is an error; what it redacts stands in the place of what came. A
range that a client asks for is one of what was judged, as a whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
from collections.abc import AsyncIterable, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

from guardrails.engine.content import value_reader
from guardrails.engine.content.inline_media import answering
from guardrails.engine.media.film_settings import film_limits
from guardrails.engine.model import Request
from guardrails.errors import GuardUnavailable
from guardrails.media.video.file_type import HEAD
from guardrails.protocols.errors import BLOCKED
from guardrails.protocols.images.images_fields import media_of
from guardrails.protocols.protocol import WithheldAnswer, invalid_answer
from guardrails.proxy.exchange.answer import record_verdict
from guardrails.proxy.exchange.report_headers import Report
from guardrails.proxy.media.disk_budget import DiskBudget
from guardrails.proxy.server.state import LOG, State
from guardrails.proxy.upstreams.http_client import UpstreamResponse
from guardrails.proxy.upstreams.upstream_client import response_headers, too_large
from guardrails.types import Media, Place, Stage

PIECE: Final = 1 << 20
"""Bytes that are written at once."""

WITHHELD: Final = 403
"""The status of what is not given out."""

Header = Callable[[str, bytes, int], bytes]
"""Returns what a decoder has to read before an answer, from the type of that, its first bytes and its size."""


class Spool:
    """A temporary file with what came; gone once it is closed."""

    def __init__(self, disk: DiskBudget | None = None) -> None:
        """Begin one that takes its share of the disk; raises `GuardUnavailable` where no file can be made."""
        self._disk = disk
        with _name_shortage():
            self._file: IO[bytes] = tempfile.NamedTemporaryFile(prefix="guardrails-")  # noqa: SIM115 - see close
        self.path, self.size = Path(self._file.name), 0

    def add(self, piece: bytes) -> None:
        """Write more; raises `GuardUnavailable` where all files together take too much, or the disk is full."""
        if self._disk is not None:
            self._disk.take(len(piece), self.size)
        self.size += len(piece)
        with _name_shortage():
            self._file.write(piece)
            self._file.flush()

    def head(self) -> bytes:
        """Return its first bytes."""
        with self.path.open("rb") as file:
            return file.read(HEAD)

    def read_range(self, start: int, end: int) -> bytes:
        """Return the bytes of a part of it."""
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def with_header(self, header: bytes) -> Spool:
        """Return another file, with a header before what is in this one."""
        made = Spool(self._disk)
        try:
            made.add(header)
            with self.path.open("rb") as file:
                while piece := file.read(PIECE):
                    made.add(piece)
        except BaseException:
            made.close()
            raise
        return made

    def close(self) -> None:
        """Remove it."""
        with contextlib.suppress(
            OSError
        ):  # what could not be written is tried again, and the file is gone all the same
            self._file.close()
        if self._disk is not None:
            self._disk.give_back(self.size)
            self._disk = None


@contextlib.contextmanager
def _name_shortage() -> Iterator[None]:
    """Raise `GuardUnavailable` where the system cannot write a file in a block."""
    try:
        yield
    except OSError as error:
        LOG.error("a film cannot be kept while it is judged (TMPDIR): %s", error)
        raise GuardUnavailable("there is no room on the disk for a film now") from error


class SpoolResponse(FileResponse):
    """Sends a file, or the range of it that is asked for, and removes it."""

    def __init__(
        self, spool: Spool, media: str, headers: Mapping[str, str], idle_s: float = math.inf
    ) -> None:
        super().__init__(spool.path, 200, headers, media)
        self._spool, self._idle_s = spool, idle_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; who takes nothing for `idle_s` is let go."""
        try:
            await super().__call__(scope, receive, with_send_timeout(send, self._idle_s))
        finally:
            self._spool.close()


def with_send_timeout(send: Send, idle_s: float) -> Send:
    """Return what sends, and raises `ClientDisconnect` where nobody takes a message for `idle_s`."""

    async def send_in_time(message: Message) -> None:
        try:
            async with asyncio.timeout(None if math.isinf(idle_s) else idle_s):
                await send(message)
        except TimeoutError:
            raise ClientDisconnect from None

    return send_in_time


async def fill_spool(state: State, pieces: AsyncIterable[bytes], most: int) -> Spool:
    """Return a file with what comes, written by workers; raises `BackendError` where that is more than `most`,
    and `GuardUnavailable` where all files are.
    """
    spool, held = Spool(state.disk_budget), bytearray()
    try:
        async for piece in pieces:
            held += piece
            if spool.size + len(held) > most:
                raise too_large(most)
            if len(held) >= PIECE:
                some, held = bytes(held), bytearray()
                await state.run_in_worker(lambda some=some: spool.add(some))  # type: ignore[misc] # it returns nothing
        await state.run_in_worker(lambda: spool.add(bytes(held)))
    except BaseException:
        spool.close()
        raise
    return spool


async def release_file(
    request: HttpRequest,
    state: State,
    who: Request,
    report: Report,
    answer: UpstreamResponse,
    kind: type[Media] | None = None,
    header: Header | None = None,
    kept: Spool | None = None,
) -> Response:
    """Return an answer that is a film, a picture or a sound (or one of a kind that is certain), as the policy lets it pass; it is
    judged with a header before it, where it needs one. `kept` is all of it, where that lies in a file already.

    Raises:
        BackendError: it is something else, too large, or blocked.
    """
    headers, media = response_headers(answer), answer.content_type.lower()
    most = film_limits(state.guard.pipeline.policies).bytes
    spool = kept or await fill_spool(state, answer.content.iter_any(), most)
    try:
        came = _media_of(spool, media, kind)
        head = header(media, spool.head(), spool.size) if header is not None else b""
        with contextlib.ExitStack() as stack:
            if head:
                whole = await state.run_in_worker(lambda: spool.with_header(head))
                stack.callback(whole.close)
                came = replace(came, source=whole.path, declared=None)
            verdict, _ = await state.judge(value_reader.read(came, Stage.OUTPUT), who, Stage.OUTPUT)
        record_verdict(request, report, verdict)
        if verdict.unavailable is not None:
            raise GuardUnavailable(verdict)
        if verdict.blocked:
            raise WithheldAnswer(verdict.refusal, WITHHELD, BLOCKED, verdict)
        content = verdict.content
        if content is not came:
            new = content.data if isinstance(content, Media) else b""
            # What was judged with a header is written with one of the same kind, which nobody asked for.
            media, new = (media, new[len(head) :]) if head else (media_of(new), new)
            before, spool = spool, Spool(state.disk_budget)
            before.close()
            await state.run_in_worker(lambda: spool.add(new))
        return SpoolResponse(spool, media, {**headers, **report.headers()}, state.settings.idle_s)
    except BaseException:
        spool.close()
        raise


def _media_of(spool: Spool, media: str, certain: type[Media] | None) -> Media:
    """Return an answer; raises `BackendError` for what is neither said to be a film, a picture or a sound, nor one."""
    kind = answering(spool.head(), media, certain)
    if kind is None:
        raise invalid_answer("the upstream's answer is not what was asked for")
    return kind(place=Place(Stage.OUTPUT, role="assistant"), source=spool.path, declared=media)
