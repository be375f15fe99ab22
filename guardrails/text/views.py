"""Normalizes and folds Unicode text, as a reader sees it, and maps every offset back to the raw text.

A raw text is a row of segments: a base character with the marks that combine with it (`segments.unit_pattern`). Each
segment is spelled alone, so the view of a text is the row of the views of its parts, cut between segments.
Cost: O(n); ASCII text costs a scan, and other text one replacement per different letter that changes and one
piece per place that changes length.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final
from unicodedata import normalize

from guardrails.text import segments
from guardrails.text.characters import _tables

_ASCII: Final = bytes(range(128))
# Planes above the basic one are searched coarsely: every range in a class costs time on every character.
_COARSE_ASTRAL: Final = "\\U00010000-\\U0001f2ff\\U000e0000-\\U000e0fff"
_MAX_REPLACED: Final = 40
_UNCHANGED: Final = re.compile("[\U00020000-\U0002f7ff\U0002fa20-\U000dffff\U000e1000-\U0010ffff]+")
"""Ideographs of the further planes, private characters and those that there are not: 95 of 100 code points, which read as they
stand, so that none of them is looked up."""
_MAX_REMEMBERED: Final = 131_072
"""Characters whose spelling is kept: all others, so that no text makes that be found out again and again."""
_LIKE_LATIN: Final = "\u0370-\u03ff\u0400-\u052f\u1f00-\u1fff"
"""Greek and Cyrillic, which have letters that look like Latin ones."""
_WORD_OF_SCRIPT: Final = re.compile(
    f"(?<!\\w)[{_LIKE_LATIN}][{_LIKE_LATIN}\u0300-\u036f]*(?![\\w\u0300-\u036f])"
)
# The detectors of one check ask for the view of the same text one after the other: it is made once for all of them.
SHARED: Final = 16


class Pieces:
    """Where view and raw text differ in length, in order. A text of 200,000 characters may have as many pieces: as tuples of
    integers they would take ten times as much memory.
    """

    __slots__ = ("ends", "raw_ends", "raw_starts", "starts")

    def __init__(self) -> None:
        self.starts, self.ends = array("I"), array("I")
        self.raw_starts, self.raw_ends = array("I"), array("I")

    def __len__(self) -> int:
        return len(self.ends)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pieces) and self._columns() == other._columns()

    def __hash__(self) -> int:
        return hash(tuple(map(bytes, self._columns())))

    def _columns(self) -> tuple[array[int], ...]:
        return self.starts, self.ends, self.raw_starts, self.raw_ends

    def append(self, start: int, end: int, raw_start: int, raw_end: int) -> None:
        """Add the next piece: where it stands in the view, and in the raw text."""
        self.starts.append(start)
        self.ends.append(end)
        self.raw_starts.append(raw_start)
        self.raw_ends.append(raw_end)

    def raw(self, index: int) -> tuple[int, int]:
        """Return the span of the raw text that the character of the view at an index stands for."""
        at = bisect_left(self.ends, index + 1)
        if at < len(self.ends) and self.starts[at] <= index:
            return self.raw_starts[at], self.raw_ends[at]
        raw = self.raw_ends[at - 1] + index - self.ends[at - 1] if at else index
        return raw, raw + 1


@dataclass(frozen=True, slots=True)
class TextView:
    """A text as it is read, and where each of its characters stands in the raw text.

    Attributes:
        text: the view's text.
    """

    text: str
    _pieces: Pieces | None = None
    _under: TextView | None = None

    @property
    def identity(self) -> bool:
        """Whether offsets are the same in view and raw text; the characters may differ one for one."""
        return self._pieces is None and (self._under is None or self._under.identity)

    def over(self, under: TextView) -> TextView:
        """Return this view of `under.text` as a view of what `under` is a view of."""
        return TextView(self.text, self._pieces, under)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the raw text that reads as `text[start:end]`, in O(log changes).

        It runs from the raw start of the first character to the raw end of the last, so invisible characters
        inside count, those around do not; a character from a respelled segment stands for the whole segment,
        while a segment that reads as it stands maps character by character.
        An empty span gives an empty span.

        Args:
            start: first character of the span, 0 to `len(text)`.
            end: one past its last character, `start` to `len(text)`.

        Raises:
            ValueError: when the span is not one of this view.
        """
        if not 0 <= start <= end <= len(self.text):
            raise ValueError(f"no span {start}:{end} in a view of {len(self.text)} characters")
        if self._pieces is not None:
            first = self._pieces.raw(start)[0]
            start, end = first, self._pieces.raw(end - 1)[1] if end > start else first
        return (start, end) if self._under is None else self._under.original(start, end)


class _Singles(dict[str, str]):
    """What one character reads when it stays one character; empty for one that starts or joins a piece."""

    def __init__(self, spell: Callable[[str], str], hits: re.Pattern[str]) -> None:
        super().__init__()
        self._spell = spell
        self._hits = hits

    def __missing__(self, char: str) -> str:
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        spelling = self._spell(char)
        if len(spelling) != 1 or segments.joiner_pattern().match(char):
            # A character newer than the tables would not be found again, so it stays as it is.
            spelling = "" if self._hits.match(char) else char
        self[char] = spelling
        return spelling


class _Reading:
    """One way to read: how a segment is spelled, where segments can change, the short cut for a letter."""

    __slots__ = ("hits", "lowers", "singles", "spell")

    def __init__(self, spell: Callable[[str], str], expanding: str, *, lowers: bool) -> None:
        hits = f"[{_tables.INVISIBLE}{_tables.COMBINING}{expanding}{_COARSE_ASTRAL}]"
        self.spell = spell
        self.hits = re.compile(hits)
        self.singles = _Singles(spell, self.hits)
        self.lowers = lowers


@cache
def _normalizing() -> _Reading:
    return _Reading(segments.spell_segment, _tables.EXPANDING, lowers=False)


@cache
def _folding() -> _Reading:
    return _Reading(segments.fold_segment, _tables.FOLD_EXPANDING, lowers=True)


def normalize_text(text: str) -> TextView:
    """Return the view of `text` with case: invisible characters out, NFKC, look-alikes as ASCII.

    ASCII stays as it is, control characters included. A text that reads as it stands is not copied.
    """
    return TextView(text) if text.isascii() else _normalize_uncached(text)


def normalize_scripts(text: str) -> TextView:
    """Return the view of `text` that models of many languages read: as `normalize_text`, but words of Greek and Cyrillic stand as
    they are written.

    A word that mixes scripts is respelled, and so is one of nothing but look-alikes in a text that has no letter that only Greek
    or Cyrillic has: there it is a Latin word in disguise.
    """
    return TextView(text) if text.isascii() else _normalize_scripts_uncached(text)


def fold_text(text: str) -> TextView:
    """Return the view of `text` that terms are matched on: as `normalize_text`, without case, accents or strokes.

    Fold a term by the same function. Folding twice changes nothing more.
    """
    if not text.isascii():
        return _fold_uncached(text)
    lowered = text.lower()
    return TextView(text if lowered == text else lowered)


def settled_length(text: str) -> int:
    """Return how many characters of `text`, from its start, read the same whatever comes after them.

    For a text that grows: cut there, the views of both parts make up the view of the whole. All but the last
    segment is settled, so the rest is at most `segments.CAP - 1` characters.
    """
    joins = segments.joiner_pattern().match
    for index in range(len(text) - 1, max(len(text) - segments.CAP, -1), -1):
        if not joins(text, index):
            return index
    return len(text)


@lru_cache(maxsize=SHARED)
def _normalize_uncached(text: str) -> TextView:
    return _view(text, _normalizing())


@lru_cache(maxsize=SHARED)
def _normalize_scripts_uncached(text: str) -> TextView:
    words = [match.span() for match in _WORD_OF_SCRIPT.finditer(text)]
    own = _own_letters()
    if not any(own.search(text, *span) for span in words):
        return _normalize_uncached(text)
    reading = _normalizing()
    parts: list[str] = []
    changes: list[tuple[int, int, str]] = []
    at = 0
    for start, end in (*words, (len(text), len(text))):
        spelled, whole = _respell(text[at:start], reading)
        parts += spelled, text[start:end]
        if not whole:
            changes += [(at + first, at + last, said) for first, last, said in _assemble(spelled, reading)]
        composed = normalize("NFC", text[start:end])
        if composed != text[start:end]:
            changes.append((start, end, composed))
        at = end
    view = replace_stretches("".join(parts), changes)
    return TextView(text) if view.text == text else view


@cache
def _own_letters() -> re.Pattern[str]:
    """Return what finds letters of Greek and Cyrillic that look like no Latin one."""
    singles = _normalizing().singles
    first, last = 0x370, 0x52F
    return re.compile(
        f"[{''.join(char for char in map(chr, range(first, last + 1)) if char.isalpha() and singles[char] == char)}]"
    )


@lru_cache(maxsize=SHARED)
def _fold_uncached(text: str) -> TextView:
    return _view(text, _folding())


def replace_stretches(text: str, changes: Iterable[tuple[int, int, str]]) -> TextView:
    """Return the view of `text` in which stretches read differently.

    Args:
        text: the raw text.
        changes: start and end of each stretch and what it reads, in order, without overlaps. A character of what
            it reads stands for the whole stretch; where that is empty, the stretch is left out.
    """
    parts: list[str] = []
    pieces = Pieces()
    copied = length = 0
    for start, end, spelling in changes:
        parts += text[copied:start], spelling
        length += start - copied
        pieces.append(length, length + len(spelling), start, end)
        length += len(spelling)
        copied = end
    if not pieces:
        return TextView(text)
    parts.append(text[copied:])
    return TextView("".join(parts), pieces)


def _view(text: str, reading: _Reading) -> TextView:
    spelled, whole = _respell(text, reading)
    view = TextView(spelled) if whole else replace_stretches(spelled, _assemble(spelled, reading))
    return TextView(text) if view.text == text else view


def _respell(text: str, reading: _Reading) -> tuple[str, bool]:
    """Respell all letters that stay one letter; say whether that was all there is to do."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        spelled, chars = text, set(_UNCHANGED.sub("", text))
    else:
        if reading.lowers:
            data = data.lower()
        spelled = data.decode() if reading.lowers else text
        # What is not ASCII is little, or has few different letters: look at each letter once.
        chars = set(_UNCHANGED.sub("", data.translate(None, _ASCII).decode()))
    singles, whole, changes = reading.singles, True, {}
    for char in chars:
        spelling = singles[char]
        if not spelling:
            whole = False
        elif spelling != char:
            changes[char] = spelling
    if len(changes) > _MAX_REPLACED:
        get = changes.get
        return "".join([get(char, char) for char in spelled]), whole
    for char, spelling in changes.items():
        spelled = spelled.replace(char, spelling)
    return spelled, whole


def _assemble(text: str, reading: _Reading) -> Iterator[tuple[int, int, str]]:
    """Spell every segment that can change alone: where it stands, and what it reads."""
    search, unit, spell = reading.hits.search, segments.unit_pattern().match, reading.spell
    end = 0
    while hit := search(text, end):
        start = hit.start()
        match = unit(text, start - 1, start - 1 + segments.CAP) if start > end else None
        if match is None or match.end() == start:
            # The character before the hit has nothing that combines with it.
            match = unit(text, start, start + segments.CAP)
        assert match is not None
        start, end = match.span()
        segment = match[0]
        spelling = spell(segment)
        if spelling != segment:
            yield start, end, spelling
