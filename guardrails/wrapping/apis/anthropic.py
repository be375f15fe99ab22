"""The calls of Anthropic's SDK: those of the protocols that are its provider's, and those in which there is nothing to judge."""

from __future__ import annotations

from typing import Any, Final

from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.calls import Calls, calls_of
from guardrails.wrapping.sdk.client import wrap as guarded
from guardrails.wrapping.sdk.exchange import Terms

UNJUDGED = ("* /v1/models/**", "* /v1/files/**")
"""Calls in which nothing is a prompt or an answer of a model."""

CALLS = Calls({**calls_of("anthropic"), **dict.fromkeys(UNJUDGED, None)})
"""What a wrapped client may call; all else is refused."""


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of Anthropic's with a guard around every call."""
    return guarded(client, terms, CALLS)


WRAPPER: Final = Wrapper(
    "anthropic.Anthropic", "Guards every call of a client of Anthropic's SDK.", wrap, takes_schema=True
)
