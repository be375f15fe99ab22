"""The field tables of the images API: which of its values are pictures, texts, and what nobody can judge."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image as Pillow

from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.images.images_fields import edit_request, is_last, read_request, read_response
from guardrails.types import Action, Coverage, Image, Stage, Text
from guardrails.wire.forms import Upload
from tests.cases import each_case

PIXEL = base64.b64encode(b"\x89PNG").decode()


def gif() -> bytes:
    """Return the file of a small picture."""
    out = io.BytesIO()
    Pillow.new("L", (2, 2)).save(out, "GIF")
    return out.getvalue()


GIF = gif()
URI = f"data:image/png;base64,{PIXEL}"


def read(table: Any, body: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Return where pictures stand, where texts do, and what cannot be judged."""
    tree = table(body)
    found = [leaf.content for leaf in tree.leaves]
    return (
        [each.place.path for each in found if isinstance(each, Image)],
        [each.place.path for each in found if isinstance(each, Text)],
        [entry.path for entry, _ in tree.unchecked],
    )


@each_case(
    ("body", "pictures", "texts", "unchecked"),
    [
        ({"prompt": "a", "n": 2, "size": "1024x1024", "moderation": "low"}, [], ["/prompt"], []),
        ({"image": Upload(b"x", "a.png"), "mask": Upload(b"y")}, ["/image", "/mask"], ["/image"], []),
        ({"image[]": [Upload(b"x"), Upload(b"y")]}, ["/image[]/0", "/image[]/1"], [], []),
        ({"images": [{"image_url": URI}]}, ["/images/0/image_url"], [], []),
        ({"images": [{"image_url": {"url": URI, "detail": "low"}}]}, ["/images/0/image_url/url"], [], []),
        ({"image": URI}, ["/image"], [], []),
        ({"markup": Upload(b"x")}, ["/markup"], [], []),
        ({"svg": {"model": "m", "reasoning": {"effort": "low"}}, "svg[model]": "m"}, [], [], []),
        ({"frame_count": 3, "frame_duration_ms": "90", "complexity": "low"}, [], [], []),
        ({"image": PIXEL}, ["/image"], [], []),
        ({"image": "https://x.example/a"}, [], ["/image"], ["/image"]),
        ({"image": 3}, [], ["/image", "/image"], ["/image"]),
        ({"image": None}, [], [], []),
        ({"images": [{"file_id": "f", "image_url": URI}]}, ["/images/0/image_url"], ["/images/0/file_id"], ["/images/0"]),
    ],
)  # fmt: skip
def test_a_request(body, pictures, texts, unchecked) -> None:
    """Pictures in it, however they are sent, are pictures; others are named."""
    found = read(read_request, body)
    assert (found[0], found[2]) == (pictures, unchecked)
    assert found[1] == texts or body == {"image": 3}


def test_a_file_says_its_type_where_it_is_one_of_a_picture() -> None:
    """Any other is what clients send that do not know."""
    declared = [
        read_request({"image": Upload(b"x", "", media)}).leaves[0].content.declared
        for media in ("image/PNG", "application/octet-stream", "")
    ]
    assert declared == ["image/png", None, None]


@each_case("field", ["prompt", "model", "x_new"])
def test_a_file_elsewhere_is_refused(field) -> None:
    """Nobody knows what a server does with it."""
    with pytest.raises(RequestError):
        read_request({field: Upload(b"x")})


@each_case(
    ("body", "pictures", "unchecked"),
    [
        ({"data": [{"b64_json": PIXEL}, {"b64_json": None, "url": URI}]}, ["/data/0/b64_json", "/data/1/url"], []),
        ({"data": [{"b64_json": PIXEL, "url": "https://x"}]}, ["/data/0/b64_json"], ["/data/0/url"]),
        ({"data": [{"b64_json": "!"}]}, [], ["/data/0/b64_json"]),
        ({"data": [{"revised_prompt": "a"}]}, [], ["/data/0"]),
        ({"data": [{"b64_json": PIXEL, "x_new": "A" * 300}]}, ["/data/0/b64_json"], ["/data/0/x_new"]),
        ({"data": [], "x_new": [URI]}, [], ["/x_new/0"]),
        ({"type": "image_edit.completed", "b64_json": PIXEL, "partial_image_index": 1}, ["/b64_json"], []),
    ],
)  # fmt: skip
def test_an_answer(body, pictures, unchecked) -> None:
    """Every picture in it is found, or named."""
    found = read(read_response, body)
    assert (found[0], found[2]) == (pictures, unchecked)


def test_a_picture_of_an_answer_knows_which_it_is() -> None:
    """As choices do."""
    found = read_response({"data": [{"b64_json": PIXEL}, {"b64_json": PIXEL}]}).leaves
    assert [(leaf.content.place.choice_index, leaf.content.place.stage) for leaf in found] == [
        (0, Stage.OUTPUT),
        (1, Stage.OUTPUT),
    ]


def test_a_file_that_is_redacted_is_a_file() -> None:
    """Of its name, and of the type that it has now; what is no file is edited as it stands."""
    body = {"prompt": "a", "image": [Upload(GIF, "a.png", "image/png"), Upload(b"y", "b.png")]}
    tree = read_request(body)
    at = [leaf.path for leaf in tree.leaves].index(("image", 0))
    outcome = Outcome(Action.REDACT, (), (), (), Coverage(), (), True, edits={0: "b", at: GIF})

    made = edit_request(body, tree, outcome)

    assert made == {"prompt": "b", "image": [Upload(GIF, "a.png", "image/gif"), Upload(b"y", "b.png")]}
    with pytest.raises(RequestError):
        edit_request(body, tree, replace(outcome, edits={at: b"no picture"}))


@each_case(
    ("event", "last"),
    [
        ({"type": "image_edit.completed"}, True),
        ({"type": "image_edit.partial_image"}, False),
        ({"type": 1}, False),
        ({}, False),
    ],
)
def test_the_last_event_has_a_finished_picture(event: Any, last: bool) -> None:
    """Partial ones come before it."""
    assert is_last(event) is last


def test_a_picture_on_its_way_is_marked() -> None:
    """By the type of its event."""
    kinds = ("image_generation.partial_image", "image_edit.partial_image", "image_edit.completed", None)
    marked = [read_response({"type": kind, "b64_json": PIXEL}).leaves[0].content.partial for kind in kinds]
    assert marked == [True, True, False, False]
