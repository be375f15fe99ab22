"""Events that stand apart: what there is to judge of each, and which wait."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.images import images_fields
from guardrails.protocols.streaming.independent_events import IndependentEvents
from guardrails.types import Image, Text
from tests.cases import each_case

PIXEL = "iVBORw0KGgo="


def stream() -> IndependentEvents:
    """Return one of the images API."""
    return IndependentEvents(images_fields.read_response, images_fields.is_last)


def texts(apart: IndependentEvents, event: dict[str, Any]) -> list[str]:
    """Return the texts that there are to judge of an event."""
    return [leaf.content.text for leaf in apart.read(event).tree.leaves if isinstance(leaf.content, Text)]


def test_a_picture_goes_on_by_itself() -> None:
    """None waits for another."""
    apart = stream()
    for kind in ("image_generation.partial_image", "image_generation.completed"):
        event = {"type": kind, "b64_json": PIXEL}
        apart.came(event, kind)
        assert type(apart.read(event).tree.leaves[0].content) is Image
        assert apart.passed(b"raw") == b"raw"
    assert apart.rest() == b""


def test_texts_in_one_place_go_on_one_another() -> None:
    """And wait, with all that comes behind, for the end."""
    apart = stream()
    assert texts(apart, {"x_new": "so a zqx"})[1:] == ["so a zqx", "x_new: so a zqx"]
    assert apart.passed(b"one ") == b""
    assert texts(apart, {"x_new": "bomb"})[1:] == ["bomb", "so a zqxbomb"]
    apart.came({"type": "x.completed"}, "")
    assert apart.passed(b"two ") == b""
    apart.read({"type": "x.completed", "b64_json": PIXEL})
    assert apart.passed(b"three") == b""
    assert apart.rest() == b"one two three"


def test_a_text_that_comes_again_is_one() -> None:
    """As the size of pictures does."""
    apart = stream()
    assert texts(apart, {"size": "1x1"}) == texts(apart, {"size": "1x1"}) == []
    assert texts(apart, {"size": "zqx"}) == ["zqx", "1x1zqx"]


@each_case(("kind", "sound"), [("", True), ("x.completed", True), ("other", False)])
def test_an_event_has_one_type(kind: str, sound: bool) -> None:
    """The one that it says itself."""
    apart = stream()
    if sound:
        apart.came({"type": "x.completed"}, kind)
        apart.came({}, kind)
        return
    with pytest.raises(BackendError):
        apart.came({"type": "x.completed"}, kind)


def test_a_stream_needs_a_last_event() -> None:
    """Else it broke off."""
    apart = stream()
    apart.came({"type": "x.partial_image"}, "")
    with pytest.raises(BackendError):
        apart.rest()
