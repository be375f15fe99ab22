"""Strings and long numbers of values, with their paths."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Image, RequestError
from guardrails.engine.values.walk import find_leaves, find_strings
from guardrails.engine.values.writer import value_at
from guardrails.types import Unchecked
from guardrails.wire.pointers import MAX_DEPTH
from tests.cases import each_case

texts = st.text(max_size=8)
bodies = st.recursive(
    st.none() | st.booleans() | st.integers(-99_999, 99_999) | st.floats(-1.0, 1.0) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def test_every_string_key_and_long_number_is_a_leaf() -> None:
    """Values can be edited, keys cannot; small numbers, flags and null say nothing."""
    value = {"a": ["x", 7, None, True, 4111111111111111], "b": {"c": 4111111111111111.0, "d": 1.234567}}
    assert list(find_strings(value)) == [
        (("a",), "a", False),
        (("a", 0), "x", True),
        (("a", 4), "4111111111111111", True),
        (("b",), "b", False),
        (("b", "c"), "c", False),
        (("b", "c"), "4111111111111111", True),
        (("b", "d"), "d", False),
    ]


@given(bodies)
def test_a_walk_finds_every_string(body: Any) -> None:
    """Each string and key of a random body comes out, values at a path that leads to them."""

    def every(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [text for key, inner in value.items() for text in (key, *every(inner))]
        if isinstance(value, list):
            return [text for inner in value for text in every(inner)]
        return [value] if isinstance(value, str) else []

    walked = list(find_strings(body))
    assert [text for _, text, _ in walked] == every(body)
    for path, text, editable in walked:
        if editable and isinstance(value_at(body, path), str):
            assert value_at(body, path) == text


@each_case("value", [b"\xff", object(), iter("x"), Image(b"x")])
def test_what_is_no_text_is_refused(value: object) -> None:
    """Where only texts are looked for, anything else to judge is an error with its place, never skipped."""
    with pytest.raises(RequestError) as caught:
        list(find_strings({"deep": [value]}, ("top",)))
    assert (caught.value.code, caught.value.path) == ("not_json", "/top/deep/0")


def test_deep_nesting_is_refused() -> None:
    """A body deeper than the limit is refused, with the place counted from the top of the body."""
    value: Any = "x"
    for _ in range(MAX_DEPTH):
        value = [value]
    assert [text for _, text, _ in find_strings(value)] == ["x"]
    with pytest.raises(RequestError) as caught:
        list(find_strings(value, ("top",)))
    assert caught.value.code == "too_deep"
    assert caught.value.path.startswith("/top/0/0")


def test_what_contains_itself_is_refused() -> None:
    """Directly, or through another; the same value in two places is none of that."""
    one: list[Any] = ["a"]
    two = {"one": one}
    one.append(two)
    with pytest.raises(RequestError) as caught:
        find_leaves([one, one])
    assert (caught.value.code, caught.value.path) == ("cycle", "/0/1/one")
    shared = ["a"]
    assert [leaf for _, leaf, *_ in find_leaves([shared, shared])] == ["a", "a"]


def test_a_value_that_is_larger_than_it_looks_is_refused() -> None:
    """Lists that share lists hold more than memory has."""
    value: Any = []
    for _ in range(40):
        value = [value, value]
    with pytest.raises(RequestError, match="holds more than") as caught:
        find_leaves(value)
    assert caught.value.code == "request_too_large"


def test_what_no_adapter_reads_is_found_as_unchecked() -> None:
    """Never skipped."""
    [(path, found, editable, _)] = find_leaves([object()])
    assert (path, editable) == ((0,), False)
    assert isinstance(found, Unchecked)
