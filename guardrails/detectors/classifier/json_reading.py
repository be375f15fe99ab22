"""Reads a JSON text as what it says, with offsets back: what a classifier judges of it.

A classifier learns from sentences; brackets, quotes, numbers and the same keys in every row are most of what a JSON text has, and
between them a sentence is one part of many. It is read as a structure is that comes as an object (`engine/content/records.py`):

* a **sentence** of five words or more is read alone, once; what there is of them beyond `MOST_ALONE`, in a row;
* keys, each once, and all shorter values are read **in a row**, and so are sentences of up to `LONGEST_OPEN` words that nothing
  closes with what comes next, so that one that is cut over several values is still one; what the same key says again is left out;
* numbers, ids, hashes and times say nothing and are left out.

Only a text that is sound JSON as a whole is read so; every other is read as it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from guardrails.text import TextView
from guardrails.text.prose import classify_text, says_nothing, spell_out
from guardrails.text.views import Pieces
from guardrails.wire.lossless_json import unescaped

LONGEST_OPEN: Final = 20
"""Words up to which a sentence that nothing closes may go on in the next value: half of a longer one says enough by itself."""

MOST_ALONE: Final = 100
"""Sentences that are read alone: each costs a window, of which a text may have some hundreds."""

CLOSED: Final = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f")
"""What closes a sentence."""

_OPENS: Final = re.compile(r"\s*[\[{]")
_LITERAL: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*+:)?', re.DOTALL)


class JsonReading(NamedTuple):
    """One reading of a JSON text: a view of some of its literals, and whether these are one `sentence`."""

    view: TextView
    sentence: bool


class _Literal(NamedTuple):
    """A literal: what it says, where it stands, whether it stands there as it says, and what it is."""

    text: str
    start: int
    end: int
    is_written: bool
    is_key: bool
    is_sentence: bool


def read_json(text: str) -> list[JsonReading] | None:
    """Return the readings of a JSON text; None where the text as a whole is no JSON mapping or list."""
    if _OPENS.match(text) is None or not _is_json(text):
        return None
    row: list[_Literal] = []
    sentences: dict[str, _Literal] = {}
    goes_on = False
    for literal in _find_literals(text):
        alone = literal.text in sentences or (literal.is_sentence and len(sentences) < MOST_ALONE)
        if alone:
            sentences.setdefault(literal.text, literal)
        is_short = not alone or len(literal.text.split(None, LONGEST_OPEN)) <= LONGEST_OPEN
        is_open = not literal.text.endswith(CLOSED)
        if not alone or (is_short and (is_open or goes_on)):
            row.append(literal)
        goes_on = goes_on if literal.is_key else is_short and is_open
    readings = [JsonReading(_view_row([literal]), True) for literal in sentences.values()]
    if len(row) > 1 or any(literal.text not in sentences for literal in row):  # else it is read alone
        readings.append(JsonReading(_view_row(row), False))
    return readings


def _is_json(text: str) -> bool:
    try:
        # Numbers are not read: those of thousands of digits take long. Line ends in literals are what lenient parsers take.
        json.loads(text, strict=False, parse_int=len, parse_float=len)
    except (ValueError, RecursionError):
        return False
    return True


def _find_literals(text: str) -> Iterator[_Literal]:
    """Yield the literals of a JSON text that say something, in order: each key once, and what it leads to once."""
    seen: dict[str, set[str]] = {}
    key, key_end = "", -1
    for found in _LITERAL.finditer(text):
        start, end = found.span(1)
        said = written = found[1]
        is_key = found[2] is not None
        if is_key:
            key, key_end = written, found.end()
            if written in seen:
                continue
            seen[written] = set()
        elif key_end >= 0:
            leads_here = not text[key_end : start - 1].strip()
            key_end = -1  # it leads to one value
            if leads_here and written in seen[key]:
                continue
            if leads_here:
                seen[key].add(written)
        if "\\" in written:
            said = unescaped(written)
        if says_nothing(said):
            continue
        shown = spell_out(said)
        yield _Literal(shown, start, end, shown == written, is_key, classify_text(said) == "sentence")


def _view_row(literals: Sequence[_Literal]) -> TextView:
    """Return the view of some literals one behind the other."""
    parts: list[str] = []
    pieces = Pieces()
    length = raw = 0
    before: _Literal | None = None
    for literal in literals:
        between = " "
        if before is None:
            between, raw = "\n", max(literal.start - 1, 0)
        elif before.is_key:
            between = ": "
        elif before.is_sentence or literal.is_sentence:
            between = "\n"
        parts += (between, literal.text)
        pieces.append(length, length + len(between), raw, literal.start)
        length += len(between)
        if not literal.is_written:
            pieces.append(length, length + len(literal.text), literal.start, literal.end)
        length += len(literal.text)
        raw, before = literal.end, literal
    return TextView("".join(parts), pieces)
