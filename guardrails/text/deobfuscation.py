"""Undoes spelling tricks: makes the views of a raw text in which encodings, leetspeak and spaced-out letters are undone.

Order: normalized; codes decoded (again, for codes of codes) and normalized; disguises marked; marks read. Each step is a view
over the one before, so spans come back in raw coordinates. All is O(n), and clean text pays the gate alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Final

from guardrails.text.characters.words import replace_surrogates
from guardrails.text.escapes import decode_escapes
from guardrails.text.marks import (
    CODES,
    JOINT,
    MARKS,
    REPEAT,
    REST,
    SIGNS,
    mark_leet,
    mark_repeats,
    mark_separators,
)
from guardrails.text.obfuscation_hints import NOTHING, find_hints
from guardrails.text.views import SHARED, TextView, normalize_text, replace_stretches

MOST_DECODE_ROUNDS: Final = 3
"""How often codes are decoded: `\\u0026#105;` takes two. What is nested deeper is told (`has_deeper_escapes`)."""

CONTEXT_CHARACTERS: Final = 240
"""Characters on either side of a disguise that are read along with it."""
EXCERPT_SEPARATOR: Final = "\n\x1e\n"
"""In place of what is far from all disguises: no word, no phrase and no line goes on over it."""

_SPACE: Final = re.compile(r"\s")
_LIKELY_LETTERS: Final = str.maketrans({code: SIGNS[sign][0] for sign, code in CODES.items()})
_OTHER_LETTERS: Final = str.maketrans({code: SIGNS[sign][-1] for sign, code in CODES.items()})
_MARKED: Final = re.compile(f"[{re.escape(MARKS)}]+")
_EITHER: Final = re.compile("[" + "".join(code for sign, code in CODES.items() if SIGNS[sign] == "il") + "]")
_VOWELS: Final = frozenset("aeouAEOU")
_RUN: Final = re.compile(f"[{JOINT}{REPEAT}{REST}]+")


def mark_obfuscations(text: str, *, letters: bool = True) -> TextView | None:
    """Return the view of `text` with its disguises marked (`marks`); None where nothing is disguised.

    It has case, and reads as the normalized view where nothing is marked. Remembered for the last texts.

    Args:
        text: the raw text.
        letters: whether letters made of digits and signs, and repeated letters, are marked too.
    """
    return None if is_clean(text) else _mark_uncached(text, letters)


def deobfuscate_text(text: str, *, letters: bool = True) -> tuple[TextView, ...]:
    """Return the further readings of `text`, tricks undone, at most seven; none if there is nothing to undo.

    The first reads codes and joins single letters; those after it also read leet signs as letters (the likelier,
    then the other, then what fits its neighbours) and repeats (as one letter, then as two), where the text has any.
    Spans map to the raw characters that spell them, separators inside included and those around not.

    Args:
        text: the raw text.
        letters: False leaves digits digits and repeats repeats, for what is made of them: numbers and credentials.
    """
    return () if is_clean(text) else _undo_uncached(text, letters)


def is_clean(text: str) -> bool:
    """Tell whether there is surely nothing to undo in a text: then there is nothing in any text that it was joined of by empty
    lines either (`group_search`).
    """
    # Nearly every text ends here, and ASCII needs no view to be looked at.
    return find_hints(text if text.isascii() else _normalize_and_decode(text).text) is NOTHING


@lru_cache(maxsize=SHARED)
def _normalize_and_decode(text: str) -> TextView:
    return normalize_text(replace_surrogates(text))


@lru_cache(maxsize=SHARED)
def _mark_uncached(text: str, letters: bool) -> TextView | None:
    marks = _find_marks(text, letters)
    # Codes that were read leave no marks: then all of the text stays.
    coded = marks is not None and decode_escapes(_normalize_and_decode(text).text) is not None
    return marks if marks is None or coded else _crop_around_marks(marks)


@lru_cache(maxsize=SHARED)
def _find_marks(text: str, letters: bool) -> TextView | None:
    return _mark_letters(text) if letters else _mark_spelling(text)


def _crop_around_marks(marks: TextView) -> TextView:
    """Leave out what is far from all marks: it reads as ever."""
    text = marks.text
    gaps: list[tuple[int, int, str]] = []
    kept = 0
    for match in _MARKED.finditer(text):
        if match.start() - kept > 2 * CONTEXT_CHARACTERS:
            gaps += _gap(text, kept + CONTEXT_CHARACTERS if kept else 0, match.start() - CONTEXT_CHARACTERS)
        kept = match.end()
    if not kept:
        return marks
    if len(text) - kept > 2 * CONTEXT_CHARACTERS:
        gaps += _gap(text, kept + CONTEXT_CHARACTERS, len(text))
    gone = sum(end - start for start, end, _ in gaps)
    return marks if gone < len(text) // 3 else replace_stretches(text, gaps).over(marks)


def _gap(text: str, start: int, end: int) -> list[tuple[int, int, str]]:
    """Return what to leave out between two places, if anything: from where a word ends to where one begins, as half a word
    may be another, and half a number another's.
    """
    first = _SPACE.search(text, start, end) if start else None
    start = (end if first is None else first.start()) if start else 0
    if end < len(text):
        end = max(text.rfind(space, start, end) for space in " \n") + 1
    return [(start, end, EXCERPT_SEPARATOR)] if start < end else []


def _mark_spelling(text: str) -> TextView | None:
    plain = _normalize_and_decode(text)
    if not find_hints(plain.text).written:
        return None
    view = _decode_rounds(plain)
    text = mark_separators(view.text)
    return None if text == plain.text else TextView(text).over(view)


@lru_cache(maxsize=SHARED)
def has_deeper_escapes(text: str) -> bool:
    """Tell whether codes of codes are nested in a text more often than they are decoded."""
    if not find_hints(text if text.isascii() else _normalize_and_decode(text).text).written:
        return False
    view = _decode_rounds(_normalize_and_decode(text))
    return decode_escapes(view.text) is not None


def _decode_rounds(view: TextView) -> TextView:
    for _ in range(MOST_DECODE_ROUNDS):
        codes = decode_escapes(view.text)
        if codes is None:
            break
        view = codes.over(view)
        view = normalize_text(view.text).over(view)
    return view


def _mark_letters(text: str) -> TextView | None:
    written = _find_marks(text, False)
    view = _normalize_and_decode(text) if written is None else written
    signal = find_hints(view.text.replace(JOINT, ""))
    marked = mark_leet(view.text) if signal.leet else view.text
    if signal.repeated:
        marked = mark_repeats(marked)
    return written if marked == view.text else TextView(marked).over(view)


@lru_cache(maxsize=SHARED)
def _undo_uncached(text: str, letters: bool) -> tuple[TextView, ...]:
    # Where codes or joined letters are all there is, both are the same; else this one keeps digits digits.
    written = _mark_uncached(text, False)
    marks = _mark_uncached(text, True) if letters else written
    views = [view for view in dict.fromkeys((written, marks)) if view is not None]
    found: dict[str, TextView] = {}
    for view in views:
        for reading in _read(view):
            found.setdefault(reading.text, reading)
    if found:
        found.pop(_normalize_and_decode(text).text, None)
    return tuple(found.values())


def _read(marks: TextView) -> Iterator[TextView]:
    """Yield the readings of marks: each way to read signs with each way to read repeats."""
    text = marks.text
    spelt = dict.fromkeys(
        (text.translate(_LIKELY_LETTERS), text.translate(_OTHER_LETTERS), _choose_letters(text))
    )
    for once, letters in product((True, False) if REPEAT in text else (True,), spelt):
        yield replace_stretches(letters, _find_decodings(letters, once=once)).over(marks)


def _choose_letters(text: str) -> str:
    """Return the text with each sign read as what fits beside its neighbours: `1` as l beside a vowel, else as i."""
    letters = text.translate(_LIKELY_LETTERS)
    chars = list(letters)
    for match in _EITHER.finditer(text):
        at = match.start()
        around = "".join(chars[max(at - 1, 0) : at]) + letters[at + 1 : at + 2]
        again = at > 0 and text[at - 1] == text[at]
        if chars[at - 1] == "l" if again else any(char in _VOWELS for char in around):
            chars[at] = "l"
    return "".join(chars)


def _find_decodings(text: str, *, once: bool) -> Iterator[tuple[int, int, str]]:
    """Yield what marks change: a letter takes its repeats and rests in, and joints that are left over go."""
    for match in _RUN.finditer(text):
        (start, end), letter = match.span(), text[match.start() - 1]
        own = max(text.rfind(REPEAT, start, end), text.rfind(REST, start, end)) + 1
        if own:
            yield start - 1, own, letter if once or text.find(REPEAT, start, end) < 0 else letter * 2
        if own < end:
            yield max(own, start), end, ""
