"""A request without what only the proxy is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guardrails.errors import RequestError
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.completions.protocol import COMPLETIONS
from guardrails.protocols.images.protocol import EDITS
from guardrails.protocols.responses.protocol import RESPONSES
from guardrails.proxy.exchange.endpoint import Endpoint
from guardrails.proxy.exchange.request_parsing import ParsedRequest, parse_request
from guardrails.proxy.exchange.response_extras import NO_EXTRAS
from guardrails.proxy.routes.openai.azure_annotations import Annotated
from guardrails.proxy.routes.openai.moderation_field import Moderated, Wanted
from guardrails.wire import strict_json
from tests.cases import each_case
from tests.proxy.image_kit import form

RAW = b'{"messages":[],"input":"x","prompt":"x","moderation":{"model":"omni"}}'
REST = b'{"messages":[],"input":"x","prompt":"x"}'
CHATS = Endpoint(CHAT, annotated="asked")
AZURES = {"x-guardrails-annotations": "azure"}


@each_case("api", [Endpoint(CHAT), Endpoint(RESPONSES)])
def test_a_wish_is_taken_out_of_body_and_bytes(api) -> None:
    """What is judged, and what goes on, does not have it."""
    given = parse_request(api, RAW)

    assert (given.raw, given.body, given.moderation) == (REST, strict_json.parse(REST), Wanted("omni"))
    assert not any("moderation" in name for name in given.tree.unknown)


def test_an_api_without_the_field_reads_it_as_any_other() -> None:
    """It is unknown there."""
    raw = b'{"prompt":"x","moderation":{"model":"omni"}}'
    given = parse_request(Endpoint(COMPLETIONS), raw)

    assert (given.raw, given.moderation) == (raw, None)
    assert "/moderation" in given.tree.unknown


def test_what_a_path_says_is_put_into_a_form_too() -> None:
    """And judged with the rest."""
    raw, headers = form(("prompt", "a cat"), ("model", "other"))

    given = parse_request(Endpoint(EDITS, model="mine"), raw, headers["content-type"])

    assert given.body == {"prompt": "a cat", "model": "mine"}
    assert given.raw == raw.replace(b"other", b"mine")
    assert parse_request(Endpoint(EDITS), raw, headers["content-type"]).raw == raw


def test_what_a_path_says_is_put_in_first() -> None:
    """And judged with the rest."""
    api = Endpoint(CHAT, place_model=lambda body, raw: ({**body, "user": "the path"}, raw + b" "))

    given = parse_request(api, REST)

    assert (given.body["user"], given.raw) == ("the path", REST + b" ")
    assert [leaf.content.text for leaf in given.tree.leaves if leaf.path == ("user",)] == ["the path"]


@each_case(
    ("api", "headers", "wanted", "kinds"),
    [
        (CHATS, {}, None, []),
        (CHATS, {}, Wanted("m"), [Moderated]),
        (CHATS, AZURES, None, [Annotated]),
        (CHATS, AZURES, Wanted("m"), [Moderated, Annotated]),
        (Endpoint(RESPONSES), AZURES, Wanted("m"), [Moderated]),
        (Endpoint(CHAT, annotated="always"), {}, None, [Annotated]),
    ],
)
def test_wishes_come_from_the_body_a_header_and_the_path(api, headers, wanted, kinds, policy_guard) -> None:
    """Each makes an aside; without one there is none at all."""
    made = replace(parse_request(api, REST), moderation=wanted).asides(
        api, headers, policy_guard.pipeline.policies
    )

    assert [type(aside) for aside in made.all] == kinds
    assert (made is NO_EXTRAS) is (not kinds)


def test_annotations_that_nobody_has_are_refused(policy_guard) -> None:
    """Where some are known."""
    given: ParsedRequest = parse_request(CHATS, REST)
    with pytest.raises(RequestError) as caught:
        given.asides(CHATS, {"x-guardrails-annotations": "x"}, policy_guard.pipeline.policies)
    assert caught.value.code == "invalid_header"
