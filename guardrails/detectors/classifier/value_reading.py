"""Reads a structured text as what it says, with offsets back: what a classifier judges of it.

A classifier learns from sentences; brackets, quotes, numbers and the same keys in every row are most of what a JSON text has, and
between them a sentence is one part of many. It is read as a structure is that comes as an object (`engine/content/records.py`):

* a **sentence** of five words or more is read alone, once;
* keys, each once, and all shorter values are read **in a row**, and so are sentences of up to `LONGEST_OPEN` words that nothing
  closes with what comes next, so that one that is cut over several values is still one; what the same key says again is left out;
* numbers, ids, hashes and times say nothing and are left out.

* what is no value, the prose around them, is read as it stands; where it is more than a little, the whole text is.

JSON that is sound is read by its own rules, and every other text by `value_scanner.py`; one without values is read as it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from guardrails.detectors.classifier.value_scanner import SHORTEST, ScannedPart, scan_part, scan_values
from guardrails.text import TextView
from guardrails.text.prose import classify_text, says_nothing, spell_out
from guardrails.text.views import Pieces
from guardrails.wire.lossless_json import unescaped

LONGEST_OPEN: Final = 20
"""Words up to which a sentence that nothing closes may go on in the next value: half of a longer one says enough by itself."""

MOST_AROUND: Final = 0.25
"""The share of a text up to which prose around its values is read apart. A text that is more prose than that has examples in it:
it is read as it stands, so that no sentence loses its neighbours, and the sentences of its values alone besides.
"""

CLOSED: Final = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f")
"""What closes a sentence."""

_OPENS: Final = re.compile(r"\s*([\[{\"])")
_LEADS: Final = re.compile(r"""["']?\s*+:\s*+["']?""")
"""Between a key and the value that it leads to."""
_LITERAL: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*+:)?', re.DOTALL)


class ValueReading(NamedTuple):
    """One reading of a structured text: a view of some of its values, and what these are: one sentence alone, prose around the
    values, or a row of keys and short values.
    """

    view: TextView
    kind: Literal["sentence", "prose", "row"]


class _Value(NamedTuple):
    """A value: what it says, where it stands, whether it stands there as it says, and what it is."""

    text: str
    start: int
    end: int
    is_written: bool
    is_key: bool = False
    is_sentence: bool = True


def read_values(text: str) -> list[ValueReading] | None:
    """Return the readings of a structured text; None where it is none."""
    parts = _find_parts(text)
    if parts is None:
        return None
    row: list[_Value] = []
    sentences: dict[str, _Value] = {}
    goes_on = False
    for value in _select_values(text, parts):
        if value.is_sentence:
            sentences.setdefault(value.text, value)
        is_short = not value.is_sentence or len(value.text.split(None, LONGEST_OPEN)) <= LONGEST_OPEN
        is_open = not value.text.endswith(CLOSED)
        if not value.is_sentence or (is_short and (is_open or goes_on)):
            row.append(value)
        goes_on = goes_on if value.is_key else is_short and is_open
    readings = [ValueReading(_view_row([value]), "sentence") for value in sentences.values()]
    around = [part for part in parts if part.is_plain]
    if sum(len(part.text) for part in around) > MOST_AROUND * len(text):
        return [*readings, ValueReading(TextView(text), "prose")]
    if len(row) > 1 or any(value.text not in sentences for value in row):  # else it is read alone
        readings.append(ValueReading(_view_row(row), "row"))
    for part in around:
        value = _Value(part.text, part.start, part.end, len(part.text) == part.end - part.start)
        readings.append(ValueReading(_view_row([value]), "prose"))
    return readings


def _find_parts(text: str) -> list[ScannedPart] | None:
    """Return the parts of a structured text; None where it is none. A literal of JSON is one if there is such a text in it."""
    opens = _OPENS.match(text)
    if opens is None or not _is_json(text):
        return scan_values(text) or None
    parts = _read_literals(text)
    return None if opens[1] == '"' and len(parts) < 2 else parts


def _is_json(text: str) -> bool:
    try:
        # Numbers are not read: those of thousands of digits take long. Line ends in literals are what lenient parsers take.
        json.loads(text, strict=False, parse_int=len, parse_float=len)
    except (ValueError, RecursionError):
        return False
    return True


def _read_literals(text: str) -> list[ScannedPart]:
    """Return the literals of sound JSON, and what is in those that are structured themselves."""
    parts: list[ScannedPart] = []
    for found in _LITERAL.finditer(text):
        written = found[1]
        said = unescaped(written) if "\\" in written else written
        part = ScannedPart(*found.span(1), said, found[2] is not None)
        if len(said) < SHORTEST:  # as nearly all are
            parts.append(part)
        else:
            parts += scan_part(part)
    return parts


def _select_values(text: str, parts: Sequence[ScannedPart]) -> Iterator[_Value]:
    """Yield the values that say something, in order: each key once, and what it leads to once."""
    seen: dict[str, set[str]] = {}
    key: ScannedPart | None = None
    for part in parts:
        if part.is_plain:
            continue
        before, key = key, None
        if part.is_key:
            key = part
            if part.text in seen:
                continue
            seen[part.text] = set()
        elif before is not None and _LEADS.fullmatch(text, before.end, part.start):
            if part.text in seen[before.text]:
                continue
            seen[before.text].add(part.text)
        if says_nothing(part.text):
            continue
        shown = spell_out(part.text)
        written = shown == part.text and len(shown) == part.end - part.start
        yield _Value(
            shown, part.start, part.end, written, part.is_key, classify_text(part.text) == "sentence"
        )


def _view_row(values: Sequence[_Value]) -> TextView:
    """Return the view of some values one behind the other."""
    parts: list[str] = []
    pieces = Pieces()
    length = raw = 0
    before: _Value | None = None
    for value in values:
        between = " "
        if before is None:
            between, raw = "\n", max(value.start - 1, 0)
        elif before.is_key:
            between = ": "
        elif before.is_sentence or value.is_sentence:
            between = "\n"
        parts += (between, value.text)
        # Those in one value with escapes stand where all of it does.
        pieces.append(length, length + len(between), min(raw, value.start), max(raw, value.start))
        length += len(between)
        if not value.is_written:
            pieces.append(length, length + len(value.text), value.start, value.end)
        length += len(value.text)
        raw, before = value.end, value
    return TextView("".join(parts), pieces)
