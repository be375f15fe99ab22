"""Addresses of pictures in bodies: found where pictures stand, and replaced by pictures."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.image_links import answer_links, put_pictures, request_links
from tests.cases import each_case

URL = "https://x.example/a.png"
PICTURE = "data:image/png;base64,AAAA"
LINKED = {"type": "image_url", "image_url": {"url": URL, "detail": "low"}}
SHOWN = {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}}


@each_case(
    ("body", "shown"),
    [
        ({"messages": [{"role": "user", "content": [LINKED, LINKED]}]}, {"messages": [{"role": "user", "content": [SHOWN, SHOWN]}]}),
        ({"messages": [{"content": [{"type": "image_url", "image_url": URL}]}]}, {"messages": [{"content": [{"type": "image_url", "image_url": PICTURE}]}]}),
        ({"input": [LINKED]}, {"input": [SHOWN]}),
        ({"input": [{"content": [{"type": "input_image", "image_url": URL}]}]}, {"input": [{"content": [{"type": "input_image", "image_url": PICTURE}]}]}),
        ({"input": [{"output": {"type": "computer_screenshot", "image_url": URL}}]}, {"input": [{"output": {"type": "computer_screenshot", "image_url": PICTURE}}]}),
        (
            {"messages": [{"content": [{"type": "tool_result", "content": [{"type": "image", "source": {"type": "url", "url": URL}}]}]}]},
            {"messages": [{"content": [{"type": "tool_result", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]}]}]},
        ),
        ({"images": [{"image_url": URL}], "mask": {"image_url": URL}}, {"images": [{"image_url": PICTURE}], "mask": {"image_url": PICTURE}}),
        ({"image": URL}, {"image": PICTURE}),
        ({"markup": {"image_url": URL}}, {"markup": {"image_url": PICTURE}}),
        (
            {"tools": [{"type": "image_generation", "input_image_mask": {"image_url": URL}}]},
            {"tools": [{"type": "image_generation", "input_image_mask": {"image_url": PICTURE}}]},
        ),
        (
            {"input": [{"type": "additional_tools", "tools": [{"input_image_mask": {"image_url": URL}}]}]},
            {"input": [{"type": "additional_tools", "tools": [{"input_image_mask": {"image_url": PICTURE}}]}]},
        ),
    ],
)  # fmt: skip
def test_addresses_of_a_request_are_replaced(body, shown) -> None:
    """In every form that pictures have; what else stands there stays."""
    assert put_pictures(body, request_links(body), {URL: PICTURE}, 99) == shown
    assert put_pictures(body, request_links(body), {}, 99) is body


@each_case(
    "body",
    [
        {"messages": [{"content": URL}]},
        {"messages": [{"content": [{"type": "text", "text": URL}]}]},
        {"tools": [LINKED]},
        {"tools": [{"input_image_mask": 1}, "x"]},
        {"tools": URL},
        {"metadata": LINKED},
        {"messages": [{"content": [{"type": "tool_use", "input": LINKED}]}]},
        {"messages": [{"content": [SHOWN]}]},
        {"messages": [{"content": [{"type": "image_url", "image_url": 1}]}]},
        {"messages": 1},
        {},
    ],
)
def test_what_is_no_address_of_a_picture_stays(body) -> None:
    """Texts, definitions, calls, and what is a picture already."""
    assert [*request_links(body)] == []


def test_addresses_of_an_answer_are_replaced() -> None:
    """Of the images API."""
    body: dict[str, Any] = {"data": [{"url": URL}, {"b64_json": "AAAA"}, {"url": PICTURE}, "x"]}
    assert put_pictures(body, answer_links(body), {URL: PICTURE}, 99) == {
        "data": [{"url": PICTURE}, *body["data"][1:]]
    }
    assert [*answer_links({"data": "x"})] == []


def test_what_nests_deeper_than_bodies_may_is_not_looked_at() -> None:
    """It is refused elsewhere."""
    deep: Any = LINKED
    for _ in range(200):
        deep = [deep]
    assert [*request_links({"messages": deep})] == []


def test_no_more_characters_are_put_into_a_body_than_are_let() -> None:
    """However often one picture stands there."""
    body = {"images": [{"image_url": URL}] * 3}
    found = put_pictures(body, request_links(body), {URL: PICTURE}, 2 * len(PICTURE))
    assert [each["image_url"] for each in found["images"]] == [PICTURE, PICTURE, URL]
