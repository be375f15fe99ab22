"""Values as field tables read them."""

from __future__ import annotations

import enum
from collections import OrderedDict, deque
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails.engine.values.plain import fields_of, to_plain
from guardrails.errors import RequestError
from tests.cases import each_case


class Role(enum.Enum):
    """A role."""

    USER = "user"


@each_case(
    ("value", "plain"),
    [
        (SimpleNamespace(role=Role.USER, parts=deque([{"a": 1}])), {"role": "user", "parts": [{"a": 1}]}),
        (OrderedDict(a={"b"}), {"a": ["b"]}),
        ([SimpleNamespace(a=b"x")], [{"a": b"x"}]),
    ],
)
def test_objects_become_dictionaries_and_the_rest_stays(value: Any, plain: Any) -> None:
    """By the same paths; leaves of other types are as they were."""
    assert to_plain(value) == plain


@each_case("value", [{"a": [1, "b", None, ("c",)]}, "a", [], 1.5, b"x"])
def test_what_is_plain_already_is_itself(value: Any) -> None:
    """Nothing is copied."""
    assert to_plain(value) is value


def test_what_contains_itself_is_refused() -> None:
    """As is what nests too deep."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(RequestError, match="contains itself"):
        to_plain(value)


@each_case(
    ("value", "fields"),
    [
        ({"a": 1}, {"a": 1}),
        (SimpleNamespace(a=1), {"a": 1}),
        ("a", {}),
        ([1], {}),
        (None, {}),
        (object(), {}),
    ],
)
def test_fields_of_a_value(value: Any, fields: Any) -> None:
    """Of a mapping, of an object, and of what has none."""
    assert fields_of(value) == fields
