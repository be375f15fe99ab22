"""Finds the strings and long numbers of a JSON value, each with the path that leads to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from guardrails.errors import RequestError
from guardrails.wire.pointers import MAX_DEPTH, Path, pointer

NUMBERS = (int, float)
LISTS = (list, tuple)
MAPPINGS = (dict, Mapping)
"""What JSON is made of, the usual type first, which is the quickest to tell."""

SHORTEST_LONG = 100_000
"""The least number that is judged as a text too: a card number needs no quotes."""


def find_strings(value: Any, path: Path = ()) -> Iterator[tuple[Path, str, bool]]:
    """Yield `(path, text, editable)` for each string and long number below a value, and for each mapping key.

    Raises:
        RequestError: it nests too deep, or holds something that is no JSON value and so cannot be judged.
    """
    if len(path) > MAX_DEPTH:
        raise RequestError("too_deep", f"nests deeper than {MAX_DEPTH} levels", pointer(path))
    if isinstance(value, str):
        yield path, value, True
    elif isinstance(value, MAPPINGS):
        for key, inner in value.items():
            yield (*path, key), str(key), False
            yield from find_strings(inner, (*path, key))
    elif isinstance(value, LISTS):
        for index, inner in enumerate(value):
            yield from find_strings(inner, (*path, index))
    elif isinstance(value, NUMBERS):
        text = format_number(value, path)
        if text:
            yield path, text, True
    elif value is not None:
        raise RequestError("not_json", f"cannot judge a value of type {type(value).__name__}", pointer(path))


def format_number(number: float, path: Path = ()) -> str:
    """Return a number as the text to judge, "" where it is too small to be anyone's."""
    if not SHORTEST_LONG <= abs(number) < inf:
        return ""
    try:
        return str(int(number) if isinstance(number, float) and number.is_integer() else number)
    except ValueError:
        raise RequestError("number_too_long", "a number has too many digits", pointer(path)) from None
