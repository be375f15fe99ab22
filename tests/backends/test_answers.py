"""What is taken for a model's answer, and what is not."""

from __future__ import annotations

import pytest

from guardrails import BackendError
from guardrails.backends.answers import broken, parsed


def test_an_object_is_read() -> None:
    """As JSON says."""
    assert parsed('{"a": [1, 1.5, null]}') == {"a": [1, 1.5, None]}


@pytest.mark.parametrize(
    "written", ["", "[]", "1", "{", '{"a": NaN}', '{"a": 1, "a": 1}', '{"b": {"a": 1, "a": 2}}']
)
def test_what_two_parsers_could_read_in_two_ways_is_no_answer(written: str) -> None:
    """Doubled keys, and what is no object."""
    with pytest.raises(BackendError, match="cannot be judged"):
        parsed(written)


def test_the_error_is_a_bad_gateway() -> None:
    """It says why, in words of our own."""
    assert (broken("x").status, str(broken("x"))) == (502, "the model's answer cannot be judged: x")
