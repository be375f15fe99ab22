"""Other readings of a text in which links may hide, with offsets back.

One is the text normalized (`guardrails.text`), only where a word holds a sign that links need; one is what an HTML
parser makes of it: character references decoded, line breaks and tabs inside attributes dropped.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from guardrails.text import TextView, normalize_text
from guardrails.text.matching import linear_patterns as re2

WIDE = (
    r"\x{bc}-\x{be}\x{2d0}\x{589}\x{5c3}\x{2024}-\x{2026}\x{2044}\x{2100}-\x{2106}\x{2150}-\x{215f}\x{2189}\x{2215}\x{2216}"
    r"\x{2236}\x{2488}-\x{249b}\x{2571}\x{29f5}\x{29f8}\x{2a74}\x{33a7}-\x{33df}\x{a789}\x{3002}\x{fe13}\x{fe19}\x{fe30}"
    r"\x{fe52}\x{fe55}\x{fe68}\x{ff0e}\x{ff0f}\x{ff1a}\x{ff3c}\x{ff61}\x{10781}\x{1f100}"
)
"""Inside of a character class: every sign beyond ASCII whose normalized form holds a dot, a colon or a slash."""

_SIGNS = rf"[\[({{.:/\\{WIDE}]"
_BEYOND = r"[^\x00-\x7f\pZ]"
# A word with such a sign before its end, not all of ASCII. Line breaks are part of it: `java<newline>script:` is one word
# to a browser.
_WORD: Any = re2.compile(
    rf"[^\pZ]*(?:{_BEYOND}[^\pZ]*{_SIGNS}[^\s\pZ]|{_SIGNS}[^\pZ]*{_BEYOND}|[{WIDE}][^\s\pZ])[^\pZ]*"
)
_REFERENCE = re.compile(
    r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|Tab|NewLine|colon|sol|bsol|period|commat|lpar|rpar|num|quest|equals);?"
)
_ATTRIBUTE = re.compile(
    r"(?i)\b(?:src|href|action|formaction|poster|data)\s{0,4}=\s{0,4}([\"'])([^\"'<>]{1,2000})"
)
_DROPPED = re.compile(r"[\t\r\n]+")


@dataclass(frozen=True, slots=True)
class PartView:
    """A view of a part of a text; `original` gives a span of the text."""

    text: str
    _shift: int
    _view: TextView

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the whole text that `text[start:end]` is read from."""
        first, last = self._view.original(start, end)
        return first + self._shift, last + self._shift


@dataclass(frozen=True, slots=True)
class EditedText:
    """A text with some pieces replaced; `original` gives a span of the raw one."""

    text: str
    _edits: tuple[tuple[int, int, int], ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the raw text that `text[start:end]` is read from."""
        return self._raw(start)[0], self._raw(end - 1)[1] if end > start else self._raw(start)[0]

    def _raw(self, index: int) -> tuple[int, int]:
        # An edit: where its replacement ends, where the raw text goes on, and the replacement's length.
        at = bisect_right(self._edits, index, key=lambda edit: edit[0])
        if at < len(self._edits) and index >= self._edits[at][0] - self._edits[at][2]:
            before = self._edits[at - 1] if at else (0, 0, 0)
            gap = self._edits[at][0] - self._edits[at][2] - before[0]
            return before[1] + gap, self._edits[at][1]
        end, raw, _ = self._edits[at - 1] if at else (0, 0, 0)
        return raw + index - end, raw + index - end + 1


def find_hidden_views(text: str) -> Iterator[PartView | EditedText]:
    """Yield the views in which a link may stand that the text itself does not show."""
    if not text.isascii():
        for match in _WORD.finditer(text):
            word = match.group()
            if not word.isascii() and (view := normalize_text(word)).text != word:
                yield PartView(view.text, match.start(), view)
    if "&" in text or "=" in text:
        parsed = _as_html(text)
        if parsed is not None:
            yield parsed


def _as_html(text: str) -> EditedText | None:
    edits: list[tuple[int, int, str]] = []
    if "&" in text:
        for match in _REFERENCE.finditer(text):
            sign = html.unescape(match[0] if match[0].endswith(";") else f"{match[0]};")
            edits.append((*match.span(), "" if sign in "\t\r\n" else sign))
    if "=" in text and _DROPPED.search(text):
        for match in _ATTRIBUTE.finditer(text):
            edits += [(*drop.span(), "") for drop in _DROPPED.finditer(text, *match.span(2))]
    if not edits:
        return None
    pieces: list[str] = []
    marks: list[tuple[int, int, int]] = []
    raw = size = 0
    for start, end, sign in sorted(edits):
        pieces += [text[raw:start], sign]
        size += start - raw + len(sign)
        marks.append((size, end, len(sign)))
        raw = end
    return EditedText("".join([*pieces, text[raw:]]), tuple(marks))
