"""JSON texts that stand in a body, such as the arguments of a call: parses one, and writes one."""

from __future__ import annotations

from math import inf
from typing import Any

from guardrails.errors import RequestError
from guardrails.wire import strict_json
from guardrails.wire.lossless_json import write


def parse_json_text(text: str) -> tuple[Any, bool]:
    """Parse a JSON text that stands in a body. The second value is False if it is none, or if two parsers could read it in two
    ways.
    """
    try:
        # How deep it nests counts with what it stands in, where its strings are looked at.
        return strict_json.parse_text(text, halves=True, fold_keys=False, finite=True, depth=inf), True
    except RequestError:
        return None, False


def write_json_text(value: Any) -> str:
    """Write a JSON text that can be sent as UTF-8."""
    text = write(value, space=" ")
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can carry
        return write(value, ascii_only=True, space=" ")
    return text
