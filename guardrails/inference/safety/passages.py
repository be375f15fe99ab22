"""Splits a text into the passages that it is judged in, a function of the text alone.

A passage ends behind a sentence or a line, where what comes next begins. No continuation changes any but the last
passage, so that a text that grows is judged in the same passages as the whole (reference: the segments of a stream).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

LONGEST: Final = 400
"""Characters of a passage; what has no end by then is cut behind its last white space, or right there."""

# Possessive, so that a passage never ends between a full stop and the quotation mark that comes after it.
_END: Final = re.compile(
    "(?:[.!?\u2026\u061f\u0964][\"'\u201d\u2019\u00bb)\\]]*+\\s++"
    "|[\u3002\uff01\uff1f][\"'\u201d\u2019\u300d\u300f\uff09]*+\\s*+|\\n\\s*+)(?=\\S)"
)
_ENDED: Final = re.compile(_END.pattern.removesuffix(r"(?=\S)") + r"\Z")
_CUT: Final = re.compile(rf"(?s).{{1,{LONGEST}}}(?<=\s)|.{{{LONGEST}}}")


def is_cut_short(passage: str) -> bool:
    """Tell whether a passage that others follow ends where it had to, and not behind a sentence or a line."""
    return _ENDED.search(passage) is None


def split_passages(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the passages, in order; they touch, and cover the text."""
    start, length = 0, len(text)
    while start < length:
        # One character more than a passage has: its end is where the next one begins.
        match = _END.search(text, start, start + LONGEST + 1)
        if match is None and length - start > LONGEST:
            match = _CUT.match(text, start)
        end = length if match is None else match.end()
        yield start, end
        start = end
