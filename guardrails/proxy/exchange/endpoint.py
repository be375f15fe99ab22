"""A protocol as one route of the proxy serves it: where its upstream is asked, and what the path of the request says."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from starlette.responses import Response

from guardrails.engine.content.content_tree import ContentTree
from guardrails.protocols.protocol import SSE, Framing, Protocol, StreamWriter
from guardrails.protocols.providers import Provider


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A protocol, and how the proxy serves it.

    Attributes:
        protocol: of the route.
        upstream_path: below the upstream's base URL; "" is the protocol's path.
        upstream_base: the root of that, where it is another than the provider's.
        sent_as: the provider whose headers the upstream gets, where it is another than the protocol's.
        model: what is asked for, where the path says it and not the field `model`.
        model_reader: reads a request instead of the protocol, where the path names a model.
        stream_writer: how a stream is written, where a request asks for another form than the protocol's own.
        annotated: whether clients are told in Azure's way of what was judged: those that ask by a header, or all.
        place_model: a request, parsed and as it came, with what its path says put into both.
        answer_whole: asks for the answer to a request that passed (`Call`) and judges it, where that is not one object of JSON.
    """

    protocol: Protocol
    upstream_path: str = ""
    upstream_base: str | None = None
    sent_as: Provider | None = None
    model: str | None = None
    model_reader: Callable[[Any], ContentTree] | None = None
    stream_writer: Callable[[], StreamWriter] | None = None
    annotated: Literal["never", "asked", "always"] = "never"
    place_model: Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]] | None = None
    answer_whole: Callable[[Any], Coroutine[Any, Any, Response]] | None = None

    @property
    def path(self) -> str:
        """Where to ask, below the upstream's base URL."""
        return self.upstream_path or self.protocol.path

    @property
    def base(self) -> str:
        """The root of the path at the upstream; "" is the one that the settings name (`upstream.address`)."""
        return self.protocol.provider.base if self.upstream_base is None else self.upstream_base

    @property
    def provider(self) -> Provider:
        """Whose headers the upstream gets."""
        return self.sent_as or self.protocol.provider

    @property
    def framing(self) -> Framing:
        """How the events of a stream are written as bytes."""
        streams = self.protocol.stream or self.protocol.event_answers
        return SSE if streams is None else streams.framing

    def read_request(self, body: Any) -> ContentTree:
        """Return the contents of a request; raises `RequestError` for what is refused."""
        read = self.model_reader or self.protocol.read_request
        assert read is not None  # a route serves what has something to judge
        return read(body)

    def write_stream(self) -> StreamWriter:
        """Return what writes one stream."""
        return (self.stream_writer or self.framing.writer)()
