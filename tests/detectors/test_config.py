"""The shape that every block of a policy shares: declared fields, strict types, immutable."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from guardrails.detectors.config import Config, describe_invalid
from tests.cases import each_case


class Example(Config):
    """A block."""

    count: int = 0
    """How many."""


@each_case(
    ("data", "error"),
    [
        ({"coutn": 1}, "extra_forbidden"),
        ({"count": "1"}, "int_type"),
        ({"count": True}, "int_type"),
        ({"count": 1.0}, "int_type"),
    ],
)
def test_unknown_keys_and_other_types_are_errors(data: dict[str, object], error: str) -> None:
    """Nothing is converted or ignored: a text is no number, and a misspelt key no key."""
    with pytest.raises(ValidationError) as caught:
        Example.model_validate(data)
    assert [detail["type"] for detail in caught.value.errors()] == [error]


def test_a_block_cannot_be_changed_once_read() -> None:
    """What was read stays as it was read."""
    block = Example.model_validate({"count": 2})
    with pytest.raises(ValidationError):
        block.count = 3
    assert block.count == 2


def test_docstrings_of_fields_are_their_descriptions() -> None:
    """What stands under a field is what editors show for it."""
    assert Example.model_json_schema()["properties"]["count"]["description"] == "How many."


def test_what_is_wrong_is_told_without_the_value() -> None:
    """By the field and the reason: the value may be a key that somebody put into the wrong place."""
    with pytest.raises(ValidationError) as caught:
        Example.model_validate({"count": "sk-secret"})
    assert describe_invalid(caught.value) == "count: Input should be a valid integer"
    with pytest.raises(ValidationError) as caught:
        Example.model_validate("sk-secret")
    assert describe_invalid(caught.value).startswith("Input should be a valid dictionary")
