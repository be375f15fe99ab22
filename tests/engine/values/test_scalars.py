"""Single values of Python's types."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from guardrails import RequestError
from guardrails.engine.values.scalars import format_number
from guardrails.engine.values.walk import find_leaves
from guardrails.engine.values.writer import replace_values
from tests.cases import each_case


class Role(enum.Enum):
    """Members that are texts, and one that is none."""

    ADMIN = "admin"
    OTHER = 7


class Kind(enum.StrEnum):
    """Texts that are members."""

    A = "a"


class Code(enum.IntEnum):
    """Numbers that are members."""

    LONG = 4111111111111111


class Html(str):
    """A text of a class of its own."""


@each_case(
    ("value", "says"),
    [
        ("a", [("a", True)]),
        (Html("a"), [("a", True)]),
        (4111111111111111, [("4111111111111111", True)]),
        (Decimal("4111111111111111"), [("4111111111111111", False)]),
        (Decimal("1.5"), []),
        (Decimal("NaN"), []),
        (Fraction(1234567, 1), [("1234567", False)]),
        (Role.ADMIN, [("admin", False)]),
        (Role.OTHER, []),
        (Kind.A, [("a", False)]),
        (Code.LONG, []),
        (PurePosixPath("a/b"), [("a/b", False)]),
        (Path("a"), [("a", False)]),
        (None, []),
        (True, []),
        (1j, []),
        (range(10**12), []),
        (uuid.UUID(int=1), []),
        (date(2000, 1, 1), []),
        (datetime(2000, 1, 1, tzinfo=timezone.utc), []),  # noqa: UP017 - as it is written most
        (time(1), []),
        (timedelta(1), []),
    ],
)
def test_what_a_value_says(value: Any, says: list[tuple[str, bool]]) -> None:
    """Texts, long numbers, members with a text and paths are judged; what has a fixed form holds no words."""
    assert [(leaf, editable) for _, leaf, editable, _ in find_leaves([value])] == says


def test_a_text_of_another_class_stays_one() -> None:
    """What a redaction leaves is of the class that was given."""
    made = replace_values([Html("a")], {((0,), None): "b"})
    assert (made, type(made[0])) == (["b"], Html)


@each_case(
    ("number", "text"),
    [
        (0, ""),
        (True, ""),
        (99_999, ""),
        (100_000, "100000"),
        (-4111111111111111, "-4111111111111111"),
        (4111111111111111.0, "4111111111111111"),
        (123456.5, "123456.5"),
        (0.123456789, ""),
        (float("inf"), ""),
        (float("nan"), ""),
        (10**400, "1" + "0" * 400),
    ],
)
def test_long_numbers_are_texts(number: float, text: str) -> None:
    """A number is judged from six digits before the point; fractions of vectors are not."""
    assert format_number(number) == text


def test_a_number_too_long_to_write_is_refused() -> None:
    """Python writes no number of more than some thousand digits: that is a refused request, not a crash."""
    with pytest.raises(RequestError, match="too many digits"):
        format_number(10**5000)
