"""Streams whose events stand apart: none goes on before it was judged, and texts in them are one text over several."""

from __future__ import annotations

import pytest

from tests.proxy.image_kit import asking, encoded, event, events

PATH = "/v1/images/generations"
ALLOWED = "unchecked: {part: flag, image: flag}\n"


@pytest.fixture
def url(serve, guard_of, kit) -> str:
    """A proxy that lets pictures pass, which nobody looks at."""
    return serve(guard_of(kit.policy + ALLOWED))


def test_events_go_on_as_they_came(url, fake, kit) -> None:
    """Also those of a type that nobody knows; who does not say which may be the last ends with the stream."""
    told = fake.events(*events(encoded(), last=encoded()), {"type": "image_generation.x_new", "x_new": 1})
    answer = kit.send(url, PATH, asking(stream=True))
    assert (answer.status, answer.events) == (200, told)


def test_what_several_events_say_in_one_place_is_one_text(url, fake, kit) -> None:
    """Nothing of it goes on before all of it is there; what came before has."""
    pieces = ["so a z", "qx", "bo", "mb"]
    first, last = events(encoded(), last=encoded())
    fake.events(first, *({**last, "x_new": each} for each in pieces))

    answer = kit.send(url, PATH, asking(stream=True))

    assert answer.frames[:-1] == [first]
    assert answer.frames[-1]["error"]["code"] == "moderation_blocked"


def test_a_text_in_one_event_is_redacted_there(url, fake, kit) -> None:
    """The others stay as they came."""
    first, last = events(encoded(), last=encoded())
    fake.events(first, {**last, "x_new": "a zqxmask"})
    assert kit.send(url, PATH, asking(stream=True)).frames == [first, {**last, "x_new": "a [MASK]"}]


@pytest.mark.parametrize(
    "told",
    [
        [event("image_generation.partial_image", encoded())],
        [],
        [b"event: other\ndata: " + b'{"type": "image_generation.completed"}\n\n'],
        [b"data: no JSON\n\n"],
    ],
)
def test_a_stream_that_is_none_is_the_upstreams_fault(url, fake, kit, told) -> None:
    """It breaks off, has two types, or is no JSON."""
    fake.events(*told)
    answer = kit.send(url, PATH, asking(stream=True))
    error = answer.error if answer.status != 200 else answer.frames[-1]["error"]
    assert error["code"] == "upstream_invalid"
