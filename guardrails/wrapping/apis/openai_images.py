"""OpenAI's images API: how it is read. Nothing refuses in place of a picture, so that a block is always raised."""

from __future__ import annotations

from guardrails.engine.content import payload
from guardrails.engine.content.payload import Payload
from guardrails.protocols.images import images_fields
from guardrails.wrapping.sdk.exchange import Api, Body


def request(body: Body) -> Payload:
    """Read a request, which may have files."""
    return payload.body(body, images_fields.request(body), images_fields.uploaded)


def response(body: Body) -> Payload:
    """Read an answer, or an event of a stream."""
    return payload.body(body, images_fields.response(body))


GENERATIONS = Api(request, response, last=images_fields.is_last)
EDITS = Api(request, response, forms=True, last=images_fields.is_last)
VARIATIONS = Api(request, response, forms=True)
