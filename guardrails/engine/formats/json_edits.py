"""Replaces stretches of a JSON text so that it stays JSON: inside a string the new text is escaped, a number becomes a string."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

from guardrails.engine.model import Change

Escape = tuple[int, int]
"""Where an escape stands."""

_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL
)
"""One character that is escaped: a pair of halves is one."""

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_VALUE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|[^\s\[\]{},:"]+', re.DOTALL)


def replace_in_json(text: str, changes: Iterable[Change]) -> str | None:
    """Return a valid JSON text with every change made; None where one lies over more than one value. Of an escape that a change
    touches nothing is left.

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
    escapes: dict[int, list[Escape]] = {}
    for change in sorted(changes, key=lambda change: change.start):
        while at < len(values) and values[at][0][1] < change.end:
            at += 1
        if at == len(values) or values[at][0][0] > change.start or change.start < position:
            return None
        (start, end), is_string = values[at]
        new = json.dumps(change.new, ensure_ascii=False)
        if is_string:
            new = new[1:-1]
            if at not in escapes:
                escapes = {at: [escape.span() for escape in _ESCAPE.finditer(text, start, end)]}
            start, end = _widen(change, escapes[at])
        elif _STRING.fullmatch(
            change.new
        ):  # what stands for a number may be a text of JSON by now (`edits.changes`)
            new = change.new
        out += [text[position:start], new]
        position = end
    return "".join((*out, text[position:]))


def _widen(change: Change, escapes: Sequence[Escape]) -> Escape:
    """Return where a change of a string begins and ends that leaves no half of an escape."""
    start, end = change.start, change.end
    before = bisect_left(escapes, (start,)) - 1
    if before >= 0 and start < escapes[before][1]:
        start = escapes[before][0]
    before = bisect_left(escapes, (end,)) - 1
    if before >= 0 and end < escapes[before][1]:
        end = escapes[before][1]
    return start, end
