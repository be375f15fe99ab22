"""Replaces stretches of a JSON text so that it stays JSON: inside a string the new text is escaped, a number becomes a string."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from guardrails.engine.model import Change

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_VALUE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|[^\s\[\]{},:"]+', re.DOTALL)


def replace_in_json(text: str, changes: Iterable[Change]) -> str | None:
    """Return a valid JSON text with every change made; None where one lies over more than one value.

    Args:
        text: the JSON.
        changes: the stretches with what stands there instead; they do not overlap.
    """
    values = [
        (match.span(1) if match[1] is not None else match.span(), match[1] is not None)
        for match in _VALUE.finditer(text)
    ]
    out: list[str] = []
    position = at = 0
    for change in sorted(changes, key=lambda change: change.start):
        while at < len(values) and values[at][0][1] < change.end:
            at += 1
        if at == len(values) or values[at][0][0] > change.start or change.start < position:
            return None
        (start, end), is_string = values[at]
        escaped = json.dumps(change.new, ensure_ascii=False)
        if is_string:
            first, last, new = change.start, change.end, escaped[1:-1]
        else:  # where a number stood the new text may be one of JSON by now (`edits.changes`)
            first, last, new = start, end, change.new if _STRING.fullmatch(change.new) else escaped
        out += [text[position:first], new]
        position = last
    return "".join((*out, text[position:]))
