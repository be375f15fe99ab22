"""OpenAI's videos API: how it is read. Jobs are tables; a film, and each picture of it, is judged before the caller has it.

Nothing refuses in place of a film, so that a block is always raised. Characters, films that are kept for later ones, are not in
it: calls about them are refused.
"""

from __future__ import annotations

from guardrails.engine.content import payload
from guardrails.engine.content.payload import Payload
from guardrails.protocols.images import images_fields
from guardrails.protocols.videos import videos_fields
from guardrails.wrapping.sdk import file_answers
from guardrails.wrapping.sdk.exchange import Api, Body


def request(body: Body) -> Payload:
    """Read a request, which may have files."""
    return payload.body(body, videos_fields.request(body), images_fields.uploaded)


def response(body: Body) -> Payload:
    """Read what is told of a job, or of several."""
    return payload.body(body, videos_fields.response(body))


MADE = Api(request, response, forms=True)
REMIXED = Api(request, response)
TOLD = Api(None, response)
FILM = Api(None, file_answers.response, wires=(file_answers.as_file(),))

CALLS: dict[str, Api | None] = {
    **dict.fromkeys(["POST /videos", "POST /videos/edits", "POST /videos/extensions"], MADE),
    "POST /videos/*/remix": REMIXED,
    **dict.fromkeys(["GET /videos", "GET /videos/*", "DELETE /videos/*"], TOLD),
    "GET /videos/*/content": FILM,
}
"""The rows of a wrapped client."""
