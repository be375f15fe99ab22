"""Adapters of single values: texts of other types, numbers, members of enumerations, paths, dates and identifiers."""

from __future__ import annotations

from collections import UserString
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from math import inf
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from guardrails.engine.values.adapters import ValueAdapter
from guardrails.errors import RequestError
from guardrails.types import Text
from guardrails.wire.lossless_json import Number
from guardrails.wire.pointers import Path, pointer

SHORTEST_LONG = 100_000
"""The least number that is judged as a text too: a card number needs no quotes."""

FIXED: Final = (type(None), bool, date, time, timedelta, tzinfo, UUID, complex, range, slice, type(Ellipsis))
"""Types whose values have a form in which no words stand: nothing in them is judged."""


def format_number(number: Any, path: Path = ()) -> str:
    """Return a real number of any type as the text to judge, "" where it is too small to be anyone's."""
    if not SHORTEST_LONG <= abs(number) < inf:
        return ""
    try:
        return str(int(number) if not isinstance(number, int) and number == int(number) else number)
    except ValueError:
        raise RequestError("number_too_long", "a number has too many digits", pointer(path)) from None


def _number(value: Any) -> Text | None:
    text = format_number(value)
    return Text(text) if text else None


def _decimal(value: Any) -> Text | None:
    return _number(value) if isinstance(value, Fraction) or value.is_finite() else None


def _member(value: Enum) -> Text | None:
    """Return the text of a member: which one it is may come from data, what its value is does not."""
    return Text(value.value) if isinstance(value.value, str) else None


ADAPTERS: Final = (
    ValueAdapter(
        name="str",
        types=(str,),
        content=lambda value: Text(str.__str__(value)),
        write=lambda value, new: new if type(value) is str else type(value)(new),
    ),
    ValueAdapter(
        name="user_string",
        types=(UserString,),
        content=lambda value: Text(value.data),
        write=lambda value, new: type(value)(new),
    ),
    # Where a number is redacted a text takes its place; a number of another type than JSON's stays one.
    ValueAdapter(name="int", types=(int, float, Number), content=_number, write=lambda value, new: new),
    ValueAdapter(name="decimal", types=(Decimal, Fraction), content=_decimal),
    ValueAdapter(name="fixed", types=FIXED, content=lambda value: None),
    ValueAdapter(name="path", types=(PurePath,), content=lambda value: Text(str(value))),
    ValueAdapter(name="enum", matches=lambda value: isinstance(value, Enum), content=_member),
)
