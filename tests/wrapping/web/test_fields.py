"""Declared fields: where they stand in a body, and what is judged of a body that has another shape."""

from __future__ import annotations

from typing import Any

from guardrails.wrapping.web.fields import WHOLE, find_places
from tests.cases import each_case


@each_case(
    ("body", "fields", "places"),
    [
        ({"message": "a", "id": 1}, ["/message"], [("message",)]),
        ({"Message": "a", "id": 1}, ["/message"], [("Message",)]),
        ({"items": [{"text": "a"}, {"id": 1}]}, ["/items/*/text"], [("items", 0, "text")]),
        ({"a": {"b/c": 1}, "a/b": {"c": 2}}, ["/*/*"], [("a", "b/c"), ("a/b", "c")]),
        ({"a/b": {"c": 2}}, ["/a~1b/c"], [("a/b", "c")]),
        ({"a": {"b": 1}}, ["/a", "/a/b"], [("a",)]),
        ({"a": ["x", "y"]}, ["/a/1", "/a/7"], [("a", 1)]),
        ({"message": "a", "items": {"text": "b"}}, ["/message", "/items/*/text"], [("message",), ("items", "text")]),
        ({"message": "a", "items": ["b"]}, ["/message", "/items/text"], [("message",), ("items",)]),
        ([{"message": "a"}], ["/message"], WHOLE),
        ("a text", ["/message"], WHOLE),
        ({"msg": "a"}, ["/message"], WHOLE),
        ({"message": "a"}, ["message"], WHOLE),
        (None, ["/message"], WHOLE),
    ],
)  # fmt: skip
def test_places_are_found(body: Any, fields: list[str], places: Any) -> None:
    """The whole body where no field is found, the value that stands in the way where one has another shape."""
    assert list(find_places(body, fields)) == list(places)
