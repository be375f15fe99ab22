"""What serves the protocols of models' APIs."""

from __future__ import annotations

from guardrails.protocols.audio.protocol import SPEECH
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.registry import load_protocols
from guardrails.proxy.routes.model_apis import OPTIONS, endpoint_of


def test_an_endpoint_has_the_options_of_its_protocol() -> None:
    """Unless a route says otherwise; all that are named are served."""
    assert {*OPTIONS} <= {each.name for each in load_protocols() if each.is_served}
    assert (endpoint_of(CHAT).annotated, endpoint_of(CHAT, annotated="always").annotated) == (
        "asked",
        "always",
    )
    assert endpoint_of(SPEECH).answer_whole is not None
