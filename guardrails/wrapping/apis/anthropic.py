"""The calls of Anthropic's SDK, for its own service and for those of others (Bedrock, Vertex AI, Foundry): those of the protocols
that are its provider's, and those in which there is nothing to judge.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from guardrails.protocols.messages.bedrock_framing import CHUNKS
from guardrails.protocols.messages.protocol import MESSAGES
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.calls import Calls, calls_of
from guardrails.wrapping.sdk.client import wrap as guarded
from guardrails.wrapping.sdk.exchange import Terms

UNJUDGED = ("* /v1/models/**", "* /v1/files/**")
"""Calls in which nothing is a prompt or an answer of a model."""

ROWS: Final = {**calls_of("anthropic"), **dict.fromkeys(UNJUDGED, None)}
CALLS = Calls(ROWS)
"""What a wrapped client may call; all else is refused."""

assert MESSAGES.stream is not None
BEDROCK_CALLS = Calls(
    {**ROWS, "POST /v1/messages": replace(MESSAGES, stream=replace(MESSAGES.stream, framing=CHUNKS))}
)
"""The same, with streams as Bedrock writes them."""


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of Anthropic's with a guard around every call."""
    return guarded(client, terms, CALLS)


def wrap_bedrock(client: Any, terms: Terms) -> Any:
    """Return a client of Anthropic's for Bedrock with a guard around every call."""
    return guarded(client, terms, BEDROCK_CALLS)


WRAPPER: Final = Wrapper(
    "anthropic.Anthropic", "Guards every call of a client of Anthropic's SDK.", wrap, takes_schema=True
)
BEDROCK: Final = Wrapper(
    "anthropic.AnthropicBedrock",
    "Guards every call of a client of Anthropic's SDK for Bedrock.",
    wrap_bedrock,
)
