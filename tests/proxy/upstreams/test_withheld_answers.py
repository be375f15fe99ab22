"""What the policy blocks of an answer is no failure of the upstream that gave it: no client can mark a healthy one down."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

import pytest

from guardrails import Guard
from tests.cases import check_each, each_case
from tests.films import FRAGMENTS, film, green, scene
from tests.proxy import image_kit
from tests.proxy.conftest import Fake, RawReply
from tests.proxy.contract import COLUMNS, WHOLE, Api, Failure, World, answered, fill, world
from tests.proxy.contract_apis import APIS
from tests.proxy.metrics_kit import counted

FAILURES, UP = "guardrails_upstream_failures_total", "guardrails_upstream_up"
GREEN = """
detectors: {green: {use: green_square}}
rules: [{id: green, on: output, when: custom.green_square > 0.5, then: block}]
films: {fps: 4}
limits: {film_bytes: 300000}
"""
PICTURES, FILM = "/v1/images/generations", "/v1/videos/video_1/content"
RANGE = {"range": "bytes=0-"}
"""Headers for which a film is judged while its answer is open."""

MORE_THAN_FAILURES = 7
"""Blocks in a row: more than the failures after which an upstream is down."""


MOST_ANSWERS = 1
"""Answers of each API that are tried: what stops them is the same wherever the text stands."""


def page_of(url: str) -> str:
    """Return what a proxy counts."""
    with urllib.request.urlopen(f"{url}/metrics") as got:
        return str(got.read().decode())


@pytest.fixture(scope="module")
def served(_fake: Fake) -> Iterator[World]:
    """The proxies of the contract matrix."""
    with world(_fake) as made:
        yield made


def blocks_of(api: Api) -> Iterator[tuple[Any, int]]:
    """Yield answers that hold an offending text, each whole (0) and streamed in pieces of a size."""
    for template in api.answers.values():
        answer = fill(template, COLUMNS["block"])
        if isinstance(answer, Failure):
            continue
        if not isinstance(answer, list):
            yield answer, 0
        if api.frames is not None:
            yield answer, WHOLE


def test_a_block_is_counted_as_no_failure_on_any_route(served: World) -> None:
    """Whole and streamed."""
    blocks = 0

    def check(api: Api) -> None:
        nonlocal blocks
        for answer, size in islice(blocks_of(api), MOST_ANSWERS):
            before = counted(page_of(served.url), FAILURES)
            if answered(served, api, answer, "zqxbomb", size) == "blocked":
                blocks += 1
                assert counted(page_of(served.url), FAILURES) == before, answer

    check_each([(api.title, api) for api in APIS if api.forwards and api.answers], check)
    assert blocks > 25


def streamed_picture() -> RawReply:
    """Return a stream of a picture that is blocked."""
    told = image_kit.events(image_kit.encoded(), last=image_kit.encoded(green=True))
    frames = [b"data: " + json.dumps(each).encode() + b"\n\n" for each in told]
    return RawReply(frames, content_type="text/event-stream")


def whole_picture() -> RawReply:
    """Return a picture that is blocked."""
    return RawReply([json.dumps(image_kit.made(image_kit.encoded(green=True))).encode()])


def whole_film() -> RawReply:
    """Return a film that is blocked once all of it is there."""
    return RawReply([film(green(5))], content_type="video/mp4")


def film_in_fragments() -> RawReply:
    """Return a film that is blocked on its way."""
    made = film(chain(scene(41), green(2), scene(17)), "mp4", fps=10, g="10", packed=FRAGMENTS)
    pieces = [made[at : at + 3_000] for at in range(0, len(made), 3_000)]
    return RawReply(pieces, content_type="video/mp4")


def large_film() -> RawReply:
    """Return a film that is larger than the policy allows."""
    return RawReply([film(scene(5)), bytes(400_000)], content_type="video/mp4")


@each_case("ask", [streamed_picture, whole_picture, whole_film, film_in_fragments, large_film])
def test_blocked_pictures_and_films_leave_their_upstream_up(
    serve: Callable[..., str],
    fake: Fake,
    kit: Any,
    guard_of: Callable[..., Guard],
    caplog: pytest.LogCaptureFixture,
    ask: Callable[[], RawReply],
) -> None:
    """However many one client asks for; what is broken off on its way says why in one line, without a traceback."""
    url, reply = serve(guard_of(GREEN)), ask()
    for _ in range(MORE_THAN_FAILURES):
        fake.reply = reply
        if ask in (streamed_picture, whole_picture):
            body = image_kit.asking(stream=ask is streamed_picture)
            assert b"moderation_blocked" in kit.send(url, PICTURES, body).raw
        else:
            asked = urllib.request.Request(url + FILM, headers=RANGE if ask is whole_film else {})
            with pytest.raises(Exception, match=r"IncompleteRead|40\d|502"):
                urllib.request.urlopen(asked).read()
    page = page_of(url)
    assert (counted(page, FAILURES), counted(page, UP)) == (0, 1)
    assert "Traceback" not in caplog.text
    assert all(record.exc_info is None for record in caplog.records)
