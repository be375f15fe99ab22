"""Numbers as texts: which of them say something."""

from __future__ import annotations

from math import inf
from typing import Any

from guardrails.errors import RequestError
from guardrails.wire.pointers import Path, pointer

SHORTEST_LONG = 100_000
"""The least number that is judged as a text too: a card number needs no quotes."""


def format_number(number: Any, path: Path = ()) -> str:
    """Return a real number of any type as the text to judge, "" where it is too small to be anyone's."""
    if not SHORTEST_LONG <= abs(number) < inf:
        return ""
    try:
        return str(int(number) if not isinstance(number, int) and number == int(number) else number)
    except ValueError:
        raise RequestError("number_too_long", "a number has too many digits", pointer(path)) from None
