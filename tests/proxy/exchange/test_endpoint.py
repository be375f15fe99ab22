"""A protocol as a route of the proxy serves it."""

from __future__ import annotations

from guardrails.protocols.audio.protocol import SPEECH
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.ollama.protocol import CHATS
from guardrails.protocols.protocol import SSE, EventStream
from guardrails.protocols.providers import AZURE, OPENAI
from guardrails.proxy.exchange.endpoint import Endpoint


def test_it_is_the_protocol_unless_a_route_says_otherwise() -> None:
    """Where its upstream is asked, and by whose headers."""
    usual = Endpoint(CHAT)
    assert (usual.path, usual.base, usual.provider) == ("/chat/completions", "", OPENAI)
    assert Endpoint(CHATS).base == "/api"
    other = Endpoint(CHAT, upstream_path="/x", upstream_base="/y", sent_as=AZURE)
    assert (other.path, other.base, other.provider) == ("/x", "/y", AZURE)


def test_streams_are_framed_as_the_protocol_says() -> None:
    """By server-sent events where it has none."""
    assert Endpoint(SPEECH).framing is SSE
    assert isinstance(Endpoint(CHAT).write_stream(), EventStream)
    assert not isinstance(Endpoint(CHATS).write_stream(), EventStream)


def test_a_path_may_say_how_a_request_is_read() -> None:
    """Else the protocol does."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert Endpoint(CHAT).read_request(body).leaves
    assert (
        Endpoint(CHAT, model_reader=lambda given: CHAT.request_payload({**body, **given}).tree)
        .read_request({})
        .leaves
    )
