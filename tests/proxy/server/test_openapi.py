"""The OpenAPI document: valid, off unless it is asked for, and of the routes that are served."""

from __future__ import annotations

import json

from openapi_spec_validator import OpenAPIV31SpecValidator

from guardrails.proxy.routes.route_table import DOCUMENT, ROUTES
from guardrails.proxy.server.openapi import HEADERS


def test_it_is_not_served_unless_the_operator_says_so(proxy, kit) -> None:
    """By default the server does not tell what it has."""
    assert kit.send(proxy, "/openapi.json").status == 404


def test_it_is_a_valid_document_of_all_routes(serve, kit) -> None:
    """Each with its line, the names in its path, the bodies that it takes, and the headers of what is judged."""
    url = serve(openapi=True)

    answer = kit.send(url, "/openapi.json")
    document = json.loads(answer.raw)

    assert (answer.status, document["openapi"]) == (200, "3.1.0")
    OpenAPIV31SpecValidator(document).validate()
    for route in (*ROUTES, DOCUMENT):
        operation = document["paths"][route.path.replace(":path}", "}")][route.method.lower()]
        assert (operation["summary"], operation["tags"]) == (route.summary, [route.tag])
        assert [each["name"] for each in operation.get("parameters", [])] == route.parameters
        assert [*operation.get("requestBody", {}).get("content", {})] == [*route.body_types]
        assert operation["responses"]["200"].get("headers", {}).keys() == (
            HEADERS.keys() if route.is_judged else set()
        )
    assert sum(map(len, document["paths"].values())) == len(ROUTES) + 1
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len({*ids}) == len(ids)
    assert "get_v1_videos_video_id_content" in ids


def test_what_is_judged_says_so(serve, kit) -> None:
    """The headers of the document are those of an answer."""
    url = serve(openapi=True)

    assert HEADERS.keys() <= kit.send(url, "/v1/check", {"text": "hi"}).headers.keys()


def test_it_needs_a_key_where_others_do(serve, kit) -> None:
    """It is no probe."""
    row = {"id": "shop", "sha256": "0" * 64}
    url = serve(openapi=True, keys=[row])

    assert kit.send(url, "/openapi.json").status == 401
