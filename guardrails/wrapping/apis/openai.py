"""The calls of OpenAI's SDK: those of the protocols that are its provider's, and those in which there is nothing to judge."""

from __future__ import annotations

from typing import Any, Final

from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.calls import Calls, calls_of
from guardrails.wrapping.sdk.client import wrap as guarded
from guardrails.wrapping.sdk.exchange import Terms

UNJUDGED = (
    "DELETE /chat/completions/*",
    "DELETE /responses/*",
    *(f"* /{name}/**" for name in ("files", "uploads", "models", "fine_tuning/jobs")),
    *("* /organization/**", "* /projects/**"),
    *("GET /vector_stores/**", "DELETE /vector_stores/**"),
    *("POST /vector_stores", "POST /vector_stores/*", "POST /vector_stores/*/files"),
    *("POST /vector_stores/*/files/*", "POST /vector_stores/*/file_batches"),
    "POST /vector_stores/*/file_batches/*/cancel",
)
"""Calls in which nothing is a prompt or an answer of a model."""

CALLS = Calls({**calls_of("openai"), **dict.fromkeys(UNJUDGED, None)})
"""What a wrapped client may call. What has prompts or answers in it is judged; what files hold is not (also not what is fetched
of them), nor what a fine-tuned model is made of. All else is refused, with nothing sent: batches, stored completions,
conversations, assistants and agents, containers, evals, realtime and live sessions, voices, and characters of films.
"""


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of OpenAI's with a guard around every call."""
    return guarded(client, terms, CALLS)


WRAPPER: Final = Wrapper(
    "openai.OpenAI", "Guards every call of a client of OpenAI's SDK.", wrap, takes_schema=True
)
