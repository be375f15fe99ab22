"""What the proxy needs to know of an API, as one table: `exchange.exchange` in, for every API the same path out.

A new API is a field table in `engine/`, a route file with its `Api`, and in `streams/` a collector and a teller of its streams.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from starlette.responses import Response

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.image_links import Link
from guardrails.protocols.streaming.assembler import Collector
from guardrails.protocols.streaming.codec import Teller
from guardrails.proxy.server.errors import Problem
from guardrails.proxy.upstreams.upstream_client import Dialect
from guardrails.wire import sse


class Reader(Protocol):
    """Reads a stream of the upstream incrementally, however its bytes are cut."""

    def feed(self, piece: bytes) -> Iterator[sse.Event]:
        """Take bytes; yields the events that they complete."""
        ...

    def flush(self) -> Iterator[sse.Event]:
        """Take the end of the stream; yields the event that it cut off, if there is one."""
        ...


class Recast(Protocol):
    """Writes one stream in the form in which its client reads it: server-sent events in, as the rest of the proxy writes them."""

    headers: Mapping[str, str]

    def feed(self, raw: bytes) -> bytes:
        """Take what is to be sent, whole events and comments; return how it is sent."""
        ...

    def flush(self) -> bytes:
        """Take the end; return what stands behind the last event."""
        ...


class Events:
    """Server-sent events, as they are."""

    headers: Mapping[str, str] = {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
    }

    def feed(self, raw: bytes) -> bytes:
        """Return what is to be sent."""
        return raw

    def flush(self) -> bytes:
        """Nothing follows."""
        return b""


def asks_for_stream(body: Mapping[str, Any]) -> bool:
    """Tell whether a request asks for a stream, by its field `stream`; raises `RequestError` where that is neither."""
    asked = body.get("stream")
    if not isinstance(asked, bool | None):
        raise RequestError("invalid_type", "stream must be true or false", "/stream")
    return bool(asked)


def choices(body: Mapping[str, Any]) -> int:
    """Return how many choices a request asks for: `n`, for each of its prompts."""
    several, prompts = body.get("n"), body.get("prompt")
    asked = several if isinstance(several, int) else 1
    return asked * len(prompts) if isinstance(prompts, list) else asked


@dataclass(frozen=True, slots=True)
class Api:
    """One API: how its bodies are read and judged, and how what passes is written."""

    path: str
    """Below the upstream's base URL."""
    dialect: Dialect
    request: Callable[[Any], ContentTree]
    """A request's leaves; raises `RequestError` for what is refused."""
    edited: Callable[[Any, ContentTree, Outcome], Any]
    """The request to forward; the same object where nothing changes."""
    parsed: Callable[[bytes], dict[str, Any]]
    """A whole answer; raises `BackendError` for what is none."""
    response: Callable[[Any], ContentTree]
    """An answer's leaves."""
    withheld: Callable[[dict[str, Any], ContentTree, Outcome, str], dict[str, Any]]
    """An answer without what an outcome takes from it; the text is what a client reads instead."""
    collector: Callable[[], Collector]
    teller: Callable[[], Teller]
    written: Callable[[dict[str, Any]], bytes]
    """An answer as a stream."""
    failed: Callable[[Problem], bytes]
    """A failure as the last event of a stream."""
    keep_alive: bytes = sse.KEEP_ALIVE
    base: str = ""
    """The root of its paths at the upstream, where that is another than the one that OpenAI's API and Anthropic's share, which
    the settings name (`upstream.address`)."""
    tail: bytes = b""
    """What stands behind the last event of a stream."""
    model: str | None = None
    """What is asked for, where the path says it and not the field `model`."""
    is_streamed: Callable[[Mapping[str, Any]], bool] = asks_for_stream
    """Whether a request asks for a stream; raises `RequestError` where that is not clear."""
    choices: Callable[[Mapping[str, Any]], int] = choices
    """How many choices a request asks for."""
    refused: Callable[[str], dict[str, Any]] | None = None
    """The answer to a request that is stopped, in these words; None: it is an error."""
    recast: Callable[[], Recast] = Events
    """How a stream is written, where not as server-sent events."""
    media: str = "text/event-stream"
    """The media type of the upstream's streams."""
    reader: Callable[[], Reader] = sse.Events
    """Reads them."""
    annotated: Literal["never", "asked", "always"] = "never"
    """Whether clients are told in Azure's way of what was judged: those that ask by a header, or all."""
    placed: Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]] | None = None
    """A request, parsed and as it came, with what its path says put into both."""
    forms: Literal["never", "taken", "only"] = "never"
    """Whether a request may be, or must be, a form (`multipart/form-data`) instead of JSON."""
    links: Callable[[Any], Iterator[Link]] | None = None
    """The pictures in an answer of which it has only the addresses."""
    whole: Callable[[Any], Coroutine[Any, Any, Response]] | None = None
    """Asks for the answer to a request that passed (`Call`) and judges it, where that is not one object of JSON."""
    last: Callable[[Mapping[str, Any]], bool] | None = None
    """Whether an event of a stream may be the last, where each is an answer for itself, which `response` reads: it is judged, and
    sent, apart from the others."""
