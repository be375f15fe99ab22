"""The routes of models' APIs, made of the registry."""

from __future__ import annotations

from guardrails.protocols.audio.protocol import SPEECH
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.registry import load_protocols
from guardrails.proxy.routes.model_apis import OPTIONS, endpoint_of, list_routes


def test_each_protocol_that_is_served_has_a_route() -> None:
    """Below the root of its provider."""
    served = [each for each in load_protocols() if each.is_served]
    assert [(method, path) for method, path, _ in list_routes()] == [
        (each.method, each.provider.root + each.path) for each in served
    ]
    assert {*OPTIONS} <= {each.name for each in served}


def test_an_endpoint_has_the_options_of_its_protocol() -> None:
    """Unless a route says otherwise."""
    assert (endpoint_of(CHAT).annotated, endpoint_of(CHAT, annotated="always").annotated) == (
        "asked",
        "always",
    )
    assert endpoint_of(SPEECH).answer_whole is not None
