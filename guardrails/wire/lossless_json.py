"""JSON whose numbers are written as they were read: `1.10` stays `1.10`, so that an edit in one place is the only one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\.")
SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
"""An escape of JSON, and what the short ones stand for."""

LONGEST_INTEGER = 4_000
"""Digits of an integer: Python converts no more than 4,300."""


class Number(float):
    """A JSON number that remembers how it was written: `1.10`, `1e400`, `-0`."""

    __slots__ = ("written",)
    written: str

    def __new__(cls, written: str) -> Number:
        number = super().__new__(cls, written)
        number.written = written
        return number

    def __str__(self) -> str:
        return self.written


def integer(written: str) -> int | Number:
    """Read an integer; the one that Python would write otherwise stays as it is."""
    return Number(written) if written == "-0" else int(written)


def write(value: Any, *, ascii_only: bool = False, space: str = "") -> str:
    """Write a JSON value: keys in their order, numbers as they were written, `space` behind commas and colons."""
    encode = encode_basestring_ascii if ascii_only else encode_basestring
    if isinstance(value, str):  # most of all values
        return encode(value)

    def text(value: Any) -> str:
        if isinstance(value, str):
            return encode(value)
        if isinstance(value, Mapping):
            return (
                "{" + comma.join(f"{encode(key)}:{space}{text(inner)}" for key, inner in value.items()) + "}"
            )
        if isinstance(value, list | tuple):
            return "[" + comma.join(map(text, value)) + "]"
        return value.written if isinstance(value, Number) else json.dumps(value, allow_nan=False)

    comma = f",{space}"
    return text(value)


def unescaped(text: str) -> str:
    """Return a text that is no whole JSON as a lenient parser reads its escapes."""
    return ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    escape = match[0]
    if len(escape) == 2:
        return SIMPLE.get(escape[1], escape[1])
    units = bytes.fromhex(escape.replace("\\u", ""))
    return units.decode("utf-16-be", "surrogatepass")
