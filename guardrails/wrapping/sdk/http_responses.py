"""The responses of the HTTP libraries under the SDKs: one in, the same with other bytes out, at once or as they are read."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from guardrails.errors import RequestError
from guardrails.wrapping.sdk.body_formats import unreadable_answer

DROPPED = ("content-encoding", "content-length", "transfer-encoding")
"""Headers that speak of the bytes as they came."""

KEPT = ("http_version", "reason_phrase")

PARTIAL = 206
"""The status of a part of an answer."""


def build_response(client: Any, options: Any, answer: bytes, kind: str) -> Any:
    """Return the response that a client would have got if the model had given this answer, of this type."""
    library = library_of(client._client)
    # The headers of a call tell the SDK in which form its caller wants the answer.
    given = options.headers if isinstance(options.headers, Mapping) else {}
    headers = {name: value for name, value in given.items() if isinstance(value, str)}
    url = f"{str(client.base_url).rstrip('/')}/{str(options.url).lstrip('/')}"
    request = library.Request(options.method, url, headers=headers)
    return library.Response(200, headers={"content-type": kind}, content=answer, request=request)


def library_of(thing: Any) -> Any:
    """Return the HTTP library that a client or a response is of.

    Raises:
        RequestError: it is of none that is known.
    """
    for base in type(thing).__mro__:
        name = base.__module__.partition(".")[0]
        if name.startswith("httpx"):
            return sys.modules[name]
    raise RequestError("unguarded_client", f"the HTTP library of a {type(thing).__name__} is not known")


def media_type_of(response: Any) -> str:
    """Return the media type of a response.

    Raises:
        BackendError: it is a part of an answer alone.
    """
    if response.status_code == PARTIAL:
        raise unreadable_answer("it is a part of it alone; ask for all of it, without the header Range")
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def replace_response_body(response: Any, kind: str | None = None, **body: Any) -> Any:
    """Return a response with another body, perhaps of another media type; no way leads back from it to the bytes as they came."""
    typed = kind is not None and kind != media_type_of(response)
    gone = (*DROPPED, "content-type") if typed else DROPPED
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in gone]
    headers += [("content-type", kind)] if typed else []
    extensions = {name: response.extensions[name] for name in KEPT if name in response.extensions}
    made = library_of(response).Response(
        response.status_code, headers=headers, request=response.request, extensions=extensions, **body
    )
    with contextlib.suppress(RuntimeError):  # it is not known before the end
        made.elapsed = response.elapsed
    return made


@functools.cache
def _sync(base: Any) -> Any:
    class Judged(base):  # type: ignore[misc]
        """The bytes of an answer, judged as they are asked for."""

        def __init__(self, pieces: Any, close: Callable[[], None]) -> None:
            self._pieces, self._close = pieces, close

        def __iter__(self) -> Iterator[bytes]:
            pieces: Iterator[bytes] = self._pieces  # who asks again goes on where the first one stopped
            return pieces

        def close(self) -> None:
            if not self._pieces.gi_running:
                self._pieces.close()
            self._close()

    return Judged


@functools.cache
def _async(base: Any) -> Any:
    class Judged(base):  # type: ignore[misc]
        """The bytes of an answer, judged as they are asked for."""

        def __init__(self, pieces: Any, close: Callable[[], Any]) -> None:
            self._pieces, self._close = pieces, close

        def __aiter__(self) -> AsyncIterator[bytes]:
            pieces: AsyncIterator[bytes] = self._pieces
            return pieces

        async def aclose(self) -> None:
            if not self._pieces.ag_running:
                await self._pieces.aclose()
            await self._close()

    return Judged


def stream_body(response: Any, pieces: Iterator[bytes]) -> Any:
    """Return a response whose body is what a generator yields, which goes on as it is read; both are closed together."""
    return replace_response_body(
        response, stream=_sync(library_of(response).SyncByteStream)(pieces, response.close)
    )


def astream_body(response: Any, pieces: AsyncIterator[bytes]) -> Any:
    """The twin of `stream_body` on an event loop."""
    return replace_response_body(
        response, stream=_async(library_of(response).AsyncByteStream)(pieces, response.aclose)
    )
