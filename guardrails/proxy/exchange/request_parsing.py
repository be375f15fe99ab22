"""A request as it came in; as it goes on, without what only this proxy is asked for, and these wishes, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.errors import RequestError
from guardrails.policy.compiled import CompiledPolicy
from guardrails.proxy.exchange.endpoint import Endpoint
from guardrails.proxy.exchange.response_extras import NO_EXTRAS, ResponseExtra, ResponseExtras
from guardrails.proxy.routes.openai import azure_annotations
from guardrails.proxy.routes.openai.azure_annotations import Annotated
from guardrails.proxy.routes.openai.moderation_field import FORMS, Moderated, Wanted, take_field
from guardrails.verdicts.frozen_records import quick_init
from guardrails.wire import strict_json
from guardrails.wire.forms import Form, form, is_form


@quick_init
@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A request of an API: what it says, its bytes, what there is to judge of it, whether it wants to be moderated, and the form
    that it came as, if it is one.
    """

    body: dict[str, Any]
    raw: bytes
    tree: ContentTree
    moderation: Wanted | None = None
    form: Form | None = None

    def asides(
        self, endpoint: Endpoint, headers: Mapping[str, str], policies: Sequence[CompiledPolicy]
    ) -> ResponseExtras:
        """Return what is to be told beside the answer.

        Raises:
            RequestError: annotations are wanted that nobody has.
        """
        made: list[ResponseExtra] = []
        protocol = endpoint.protocol
        if self.moderation is not None:
            made.append(
                Moderated(FORMS[protocol.name], self.moderation, policies, protocol.count_choices(self.body))
            )
        if endpoint.annotated == "always" or (
            endpoint.annotated == "asked" and azure_annotations.wants(headers)
        ):
            made.append(Annotated(policies))
        return ResponseExtras(tuple(made)) if made else NO_EXTRAS


def parse_request(endpoint: Endpoint, raw: bytes, media: str = "") -> ParsedRequest:
    """Return a request; `media` is the type of its body, which tells forms from JSON where an API has both.

    Raises:
        RequestError: it is malformed, or refused.
    """
    protocol = endpoint.protocol
    if protocol.forms != "never" and is_form(media):
        found = form(raw, media)
        if endpoint.model is not None:
            found = found.saying("model", endpoint.model)
        return ParsedRequest(found.body, found.raw, endpoint.read_request(found.body), form=found)
    if protocol.forms == "only":
        raise RequestError("unsupported_media_type", "the body must be a form (multipart/form-data)")
    body, moderation = strict_json.parse_request(raw), None
    if endpoint.place_model is not None:
        body, raw = endpoint.place_model(body, raw)
    if protocol.name in FORMS:
        body, raw, moderation = take_field(body, raw)
    return ParsedRequest(body, raw, endpoint.read_request(body), moderation)
