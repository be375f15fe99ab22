"""Responses with other bytes, at once or when they are read; with the HTTP library that OpenAI's SDK uses."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import openai
import pytest

from guardrails import BackendError, RequestError
from guardrails.wrapping.sdk.http_responses import (
    astream_body,
    build_response,
    library_of,
    media_type_of,
    replace_response_body,
    stream_body,
)

HEADERS = {"content-type": "Application/JSON; charset=utf-8", "content-encoding": "gzip", "x-request-id": "r"}


@pytest.fixture(scope="module")
def library() -> Any:
    """The library."""
    with openai.OpenAI(api_key="k") as client:
        return library_of(client._client)


def response(library: Any, **body: Any) -> Any:
    """Return a response as a server gave it."""
    request = library.Request("POST", "https://x.example/v1")
    extensions = {"http_version": b"HTTP/2", "network_stream": object()}
    return library.Response(
        201, headers={**HEADERS, "content-encoding": ""}, request=request, extensions=extensions, **body
    )


def test_a_response_keeps_all_but_its_bytes(library: Any) -> None:
    """And what speaks of these, or leads to them."""
    made = replace_response_body(response(library, content=b"zqxbomb"), content=b"x")
    assert (made.status_code, made.content, made.headers["x-request-id"]) == (201, b"x", "r")
    assert (made.headers["content-length"], "content-encoding" in made.headers) == ("1", False)
    assert (made.http_version, set(made.extensions)) == ("HTTP/2", {"http_version"})
    assert made.request.url == "https://x.example/v1"


def test_bytes_are_made_as_they_are_asked_for(library: Any) -> None:
    """Once; closing ends what makes them, and closes the response that they come from."""
    closed: list[str] = []

    class Body(library.SyncByteStream):  # type: ignore[misc,name-defined]
        def __iter__(self) -> Any:
            yield b"x"

        def close(self) -> None:
            closed.append("sync")

    def judged() -> Iterator[bytes]:
        try:
            for piece in (b"one ", b"two"):
                made.append(piece)
                yield piece
        finally:
            closed.append("judged")

    made: list[bytes] = []
    response_ = stream_body(response(library, stream=Body()), judged())
    pieces = response_.iter_bytes()
    assert made == []
    assert (next(pieces), made, closed) == (b"one ", [b"one "], [])
    assert (next(iter(response_.stream)), made[1:]) == (b"two", [b"two"])
    response_.close()
    assert closed == ["judged", "sync"]
    assert stream_body(response(library, stream=Body()), judged()).read() == b"one two"


def test_bytes_are_made_on_an_event_loop(library: Any) -> None:
    """The same there."""
    closed: list[str] = []

    class Body(library.AsyncByteStream):  # type: ignore[misc,name-defined]
        async def __aiter__(self) -> Any:
            yield b"x"

        async def aclose(self) -> None:
            closed.append("async")

    async def judged() -> AsyncIterator[bytes]:
        try:
            yield b"one "
            yield b"two"
        finally:
            closed.append("judged")

    async def main() -> None:
        made = astream_body(response(library, stream=Body()), judged())
        assert await anext(made.aiter_bytes()) == b"one "
        await made.aclose()
        assert closed == ["judged", "async"]
        assert await astream_body(response(library, stream=Body()), judged()).aread() == b"one two"

    asyncio.run(main())


def test_an_answer_of_ours_looks_like_the_model_s() -> None:
    """With the headers by which the SDK knows what its caller wants."""
    with openai.OpenAI(api_key="k", base_url="https://x.example/v1") as client:
        for headers, sent in (
            (openai.NOT_GIVEN, None),
            ({"X-Stainless-Raw-Response": "true", "x": openai.NOT_GIVEN}, "true"),
        ):
            options = SimpleNamespace(method="post", url="/chat/completions", headers=headers)
            made = build_response(client, options, b"{}", "application/json")
            assert (made.status_code, made.json(), media_type_of(made)) == (200, {}, "application/json")
            assert str(made.request.url) == "https://x.example/v1/chat/completions"
            assert made.request.headers.get("X-Stainless-Raw-Response") == sent


def test_the_library_is_that_of_the_class(library: Any) -> None:
    """Or of one above it; others are refused."""
    assert library.__name__ in ("httpx", "httpx2")
    assert (
        library_of(type("Mine", (library.Response,), {"__module__": "mine"})(200))
        is sys.modules[library.__name__]
    )
    with pytest.raises(RequestError, match="not known"):
        library_of(object())


def test_a_response_may_be_of_another_type(library: Any) -> None:
    """Said once; where it is the same it is said as it was."""
    types = [
        replace_response_body(response(library, content=b"x"), kind, content=b"y").headers.get_list(
            "content-type"
        )
        for kind in (None, "application/json", "video/mp4")
    ]
    assert types == [[HEADERS["content-type"]], [HEADERS["content-type"]], ["video/mp4"]]


def test_a_part_of_an_answer_is_none(library: Any) -> None:
    """Nobody can judge it; the error says what to do."""
    with pytest.raises(BackendError, match="ask for all of it, without the header Range"):
        media_type_of(library.Response(206))


def test_a_media_type_is_told_without_its_parameters(library: Any) -> None:
    """In small letters."""
    assert media_type_of(response(library, content=b"")) == "application/json"
    assert media_type_of(library.Response(200)) == ""
