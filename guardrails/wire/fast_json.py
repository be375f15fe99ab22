"""JSON that any two parsers read alike, parsed by msgspec, in two thirds of the time that `strict_json` takes for the same.

What is read here is proved to hold no name twice, none that differs from another in case alone, no half of a surrogate pair, and
nothing too deep or too long. Where the proof fails nothing is refused: the careful parser reads the same bytes, and says what is
wrong and where, if anything is.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from guardrails.wire.lossless_json import LONGEST_INTEGER, Number
from guardrails.wire.pointers import MAX_DEPTH

DECODER: Final = msgspec.json.Decoder(float_hook=Number)

KEY_END: Final = b'":'
"""What each name ends with, unless white space stands before its colon; a text that begins with a colon has it too."""

SPACED_COLON: Final = re.compile(rb":(?<=[ \t\n\r]:)")
SPACED_KEY_END: Final = re.compile(rb'"[ \t\n\r]+:')
NEGATIVE_ZERO: Final = re.compile(rb"-0(?=[ \t\n\r,}\]]|$)")
DIGITS: Final = 16
"""Digits on one side of a place in an integer that is too long for a look at that place to see it."""


def parse_unambiguous(raw: bytes) -> dict[str, Any] | None:
    """Parse a body that holds one JSON object, if it can be proved that every parser reads the same in it.

    Args:
        raw: the body.

    Returns:
        The object, equal to what `strict_json.parse` makes of the body; None where there is no proof, whatever the reason.
    """
    if len(raw) > LONGEST_INTEGER and _may_hold_long_integer(raw):
        return None
    # A search for one byte takes a small part of what others take, and of a long text all that count.
    if b"-" in raw and NEGATIVE_ZERO.search(raw):
        return None
    try:
        body = DECODER.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if type(body) is not dict:
        return None
    objects, lists, names = _list_names(body)
    # Each name has a colon: where there are no others, which is told in a tenth of the time, no name stands there twice.
    if raw.count(b":") > len(names) and _most_names(raw) > len(names):
        return None
    if _has_variants(objects, names):
        return None
    return None if len(objects) + lists > MAX_DEPTH and _is_too_deep(body) else body


def _most_names(raw: bytes) -> int:
    """Return how many names of members valid JSON has at most, counting each as often as it stands there."""
    ends = raw.count(KEY_END)
    if b"\\" in raw and b'\\":' in raw and b"\\\\" not in raw:
        # Where no backslash is escaped, one before a quote escapes that: it stands inside of a text, and ends no name.
        ends -= raw.count(b'\\":')
    if raw.count(b":") > ends and SPACED_COLON.search(raw):
        ends += len(SPACED_KEY_END.findall(raw))
    return ends


def _list_names(body: dict[str, Any]) -> tuple[list[dict[str, Any]], int, list[str]]:
    """Return all objects in a body, how many lists there are, and the names of the objects' members."""
    waiting: list[Any] = [body]
    objects: list[dict[str, Any]] = []
    names: list[str] = []
    lists = 0
    for holder in waiting:  # which grows meanwhile
        if type(holder) is dict:
            objects.append(holder)
            names += holder
            holder = holder.values()
        else:
            lists += 1
        for value in holder:
            if type(value) is dict or type(value) is list:
                waiting.append(value)  # noqa: PERF401 - a comprehension takes twice the time for so few
    return objects, lists, names


def _has_variants(objects: list[dict[str, Any]], names: list[str]) -> bool:
    """Tell whether two names of one object differ in case alone."""
    joined = "".join(names)
    if joined.isascii() and joined == joined.lower():
        return False
    return any(len({name.casefold() for name in each}) < len(each) for each in objects)


def _is_too_deep(body: dict[str, Any]) -> bool:
    """Tell whether a body may nest deeper than `MAX_DEPTH` levels."""
    level: list[Any] = [body]
    for _ in range(MAX_DEPTH):
        level = [
            value
            for holder in level
            for value in (holder.values() if type(holder) is dict else holder)
            if type(value) is dict or type(value) is list
        ]
        if not level:
            return False
    return True


def _may_hold_long_integer(raw: bytes) -> bool:
    """Tell whether a number may have more than `LONGEST_INTEGER` digits: so many in a row cover one of the places looked at."""
    return any(
        raw[at - DIGITS : at].isdigit() or raw[at : at + DIGITS].isdigit()
        for at in range(LONGEST_INTEGER, len(raw), LONGEST_INTEGER)
    )
