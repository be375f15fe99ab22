"""OpenAI's embeddings API. Texts are judged before they are embedded; vectors pass.

An answer that holds something that is stopped is an error: there is no form in which an embedding could refuse.
"""

from __future__ import annotations

from typing import Any

from guardrails.protocols.embeddings import embeddings_fields
from guardrails.protocols.errors import openai_error_writer
from guardrails.protocols.protocol import Protocol, edit_or_fail, invalid_answer


def check_list(answer: dict[str, Any]) -> None:
    """Raise `BackendError` for an object that is no list of results."""
    data = answer.get("data")
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise invalid_answer("the upstream's answer is malformed: it has no data")


withhold = edit_or_fail(502)

EMBEDDINGS = Protocol(
    name="openai.embeddings",
    summary="Return the vectors of texts.",
    path="/embeddings",
    read_request=embeddings_fields.read_request,
    check_response=check_list,
    read_response=embeddings_fields.read_response,
    withhold=withhold,
    write_error=openai_error_writer(param="input"),
)
PROTOCOLS = (EMBEDDINGS,)
