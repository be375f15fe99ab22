"""A key in the query becomes a header: queries get into logs, and upstreams take keys by header."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.errors import RequestError
from guardrails.proxy.access.query_key import move_key_to_header
from tests.cases import each_case

PATH = "/v1beta/models/m:generateContent"
OLD = (b"x-goog-api-key", b"first")


def scope(query: bytes, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    """Return the head of a request."""
    return {"path": PATH, "query_string": query, "headers": [*headers]}


@each_case(
    ("given", "query", "headers"),
    [
        (scope(b""), b"", []),
        (scope(b"alt=sse"), b"alt=sse", []),
        (scope(b"key=a-B_3.x"), b"", [(b"x-goog-api-key", b"a-B_3.x")]),
        (scope(b"key=k&alt=sse"), b"alt=sse", [(b"x-goog-api-key", b"k")]),
        (scope(b"alt=sse&%6bey=k"), b"alt=sse", [(b"x-goog-api-key", b"k")]),
        (scope(b"key=k", OLD), b"", [OLD, (b"x-goog-api-key", b"k")]),
    ],
)
def test_a_key_stands_behind_those_that_are_there(given: Any, query: bytes, headers: Any) -> None:
    """All else in the query stays."""
    move_key_to_header(given)

    assert (given["query_string"], given["headers"]) == (query, headers)


@each_case("query", [b"key=", b"key=a%0d%0ax:y", b"key=%ff", b"key=\xff", b"key=a b"])
def test_what_is_no_key_is_refused(query: bytes) -> None:
    """And never becomes a header."""
    with pytest.raises(RequestError):
        move_key_to_header(scope(query))
