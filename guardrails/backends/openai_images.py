"""OpenAI's images API: how it is read. Nothing refuses in place of a picture, so that a block is always raised."""

from __future__ import annotations

from guardrails.backends.exchange import Api, Body
from guardrails.engine import images, subject
from guardrails.engine.subject import Subject


def request(body: Body) -> Subject:
    """Read a request, which may have files."""
    return subject.body(body, images.request(body), images.uploaded)


def response(body: Body) -> Subject:
    """Read an answer, or an event of a stream."""
    return subject.body(body, images.response(body))


GENERATIONS = Api(request, response, last=images.is_last)
EDITS = Api(request, response, forms=True, last=images.is_last)
VARIATIONS = Api(request, response, forms=True)
