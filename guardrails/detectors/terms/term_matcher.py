"""Finds words and phrases in a text: one Aho-Corasick automaton, whatever the length of the list.

Terms and text are folded alike (case, accents, compatibility forms, invisible and look-alike characters), so
that a term is found however it is dressed; `case: exact` compares the plain text instead. In phrases up to `WIDEST_GAP` white
spaces count as a space, and with `case: ignore` so do a hyphen and an underscore. Every complete occurrence is a finding of its
own; overlaps merge when redacted.

With `case: ignore`, a term of `CIPHERED` letters or more is looked for in cipher too (`write_in_cipher`), as a sentence around it
does not show one. A text in which spelling tricks are found (leetspeak, spaced-out or repeated letters, codes for
characters) is searched once more for terms in disguise; a text without pays one pass of the gate (`text.gate`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

import ahocorasick_rs

from guardrails.detectors.terms.terms_prefixes import TermPrefixes
from guardrails.text import TextView, fold_text, is_clean, is_word, mark_obfuscations, replace_surrogates
from guardrails.text.marks import CODES, JOINT, REPEAT, REST
from guardrails.text.matching.group_search import find_open_texts
from guardrails.text.spelling import (
    is_marked,
    marked_windows,
    skeleton_places,
    spelling_pattern,
    term_skeleton,
)
from guardrails.text.views import Pieces

SPACES = tuple(char for char in map(chr, range(0x3001)) if char.isspace() and char != " ")
ASCII_SPACES = tuple(char for char in SPACES if char.isascii())

WIDEST_GAP: Final = 8
"""White spaces between two words of a phrase, such as an empty line and an indent; more hold the words apart."""
_GAP: Final = re.compile(f"  {{1,{WIDEST_GAP - 1}}}")
_HYPHEN: Final = re.compile(r"(?<=\w)-(?=\w)")

LARGEST_TABLE = 1_000_000
"""Characters of all terms up to which the automaton is a full table."""

UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF),
    (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
"""Scripts written without spaces between words, or that glue particles on (Thai to Hangul): no word boundary to ask for."""

WORD_MARKS = frozenset((REPEAT, *(code for sign, code in CODES.items() if sign.isdigit())))
"""Marks of what belongs to a word for certain; `$h1t` may be `shit`, or `hit` behind a sign."""

CIPHERED = 8
"""Letters of a term from which it is looked for in cipher: shorter words are words in cipher too (`terra`, `green`)."""

JOINED = 12
"""Letters of a term of several words from which it is looked for without its spaces too, as pictures are read
(`PROJECTNIGHTINGALE`): shorter ones are words of their own (`everyday`, `overnight`).
"""

SHORTEST_INSIDE = 4
"""Characters of a term from which it may begin and end anywhere in a run of joined letters (`i g n o r e a l l`), where
word ends are lost."""


def needs_boundary(char: str) -> bool:
    """Tell whether a word that begins or ends with a character ends where other letters stand beside it."""
    code = ord(char)
    return is_word(char) and not any(low <= code <= high for low, high in UNSPACED)


def single_spaces(text: str) -> str:
    """Turn each white space into a space, one to one, so that offsets stay."""
    # A scan for each of them costs a tenth of one `str.translate`.
    for char in ASCII_SPACES if text.isascii() else SPACES:
        text = text.replace(char, " ")
    return text


def _close(text: str) -> str:
    return _GAP.sub(" ", text) if "  " in text else text


def close_gaps(view: TextView) -> TextView:
    """Return the view of a text in which each run of white space, up to the widest gap, is one space."""
    text = single_spaces(view.text)
    if "  " not in text:
        return TextView(text).over(view)
    pieces, parts, at, length = Pieces(), list[str](), 0, 0
    for gap in _GAP.finditer(text):
        parts += (text[at : gap.start()], " ")
        length += gap.start() - at + 1
        pieces.append(length - 1, length, gap.start(), gap.end())
        at = gap.end()
    return TextView("".join([*parts, text[at:]]), pieces).over(view)


def form(term: str, *, fold: bool) -> str:
    """Return the form in which a term is compared; empty if nothing is left of it."""
    text = fold_text(term).text if fold else term
    return " ".join(text.split())


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CIPHERS = (str.maketrans(_LETTERS, _LETTERS[13:] + _LETTERS[:13]), str.maketrans(_LETTERS, _LETTERS[::-1]))


def write_in_cipher(form: str) -> tuple[str, ...]:
    """Return the form of a term in ROT13, in the mirrored alphabet and backwards; none of what is short or not ASCII."""
    letters = sum(map(str.isalpha, form))
    if letters < CIPHERED or not form.isascii():
        return ()
    backwards = (form[::-1],) if letters > CIPHERED else ()  # `desserts` is a word of its own
    return (*(form.translate(cipher) for cipher in _CIPHERS), *backwards)


def join_words(form: str) -> tuple[str, ...]:
    """Return the other ways in which the words of a term are joined: hyphens and underscores for its spaces, spaces for its
    hyphens, and nothing at all in the place of spaces, but for what is short.
    """
    apart = _HYPHEN.sub(" ", form)
    spelled = (form.replace(" ", "-"), form.replace(" ", "_"), apart)
    joined = form.replace(" ", "")
    close = (joined,) if sum(map(str.isalpha, joined)) >= JOINED else ()
    return tuple(dict.fromkeys(each for each in (*spelled, *close) if each != form))


def build_automaton(forms: Sequence[str]) -> ahocorasick_rs.AhoCorasick:
    """Return the automaton of some terms: a full table for lists of usual size, which halves the time, and a compact
    one beyond, as the table takes about a hundred bytes for each character.
    """
    kinds = ahocorasick_rs.Implementation
    kind = kinds.DFA if sum(map(len, forms)) <= LARGEST_TABLE else kinds.ContiguousNFA
    return ahocorasick_rs.AhoCorasick(forms, implementation=kind)


class DisguiseMatcher:
    """Terms in marked text: one automaton finds them as codes spell them, one of skeletons proposes where there are
    marks, and the spelling of a term decides.
    """

    def __init__(
        self,
        forms: Sequence[str],
        edges: Sequence[tuple[bool, bool]],
        plain: ahocorasick_rs.AhoCorasick,
        *,
        words: bool,
    ) -> None:
        self._forms = forms
        self._edges = edges
        self._plain = plain
        self._words = words
        by_skeleton: dict[str, list[int]] = {}
        for index, form in enumerate(forms):
            by_skeleton.setdefault(term_skeleton(form), []).append(index)
        self._indexes = list(by_skeleton.values())
        self._skeletons = build_automaton(list(by_skeleton))
        self._longest = max(map(len, forms))

    def search(self, marks: TextView) -> set[tuple[int, int]]:
        """Return the raw spans of the terms in a marked text."""
        view = close_gaps(fold_text(marks.text))
        hay = view.text
        found = {*self._plain.find_matches_as_indexes(hay, overlapping=True), *self._candidates(hay)}
        return {
            marks.original(*view.original(start, end))
            for index, start, end in found
            if not self._words or self._stands_alone(hay, index, start, end)
        }

    def _candidates(self, hay: str) -> Iterator[tuple[int, int, int]]:
        for low, high in marked_windows(hay, self._longest):
            part = hay[low:high]
            proposed = {*self._skeletons.find_matches_as_indexes(term_skeleton(part), overlapping=True)}
            if not proposed:
                continue
            starts, ends = skeleton_places(part)
            for at, first, last in proposed:
                base, piece = low + starts[first], part[starts[first] : ends[last - 1]]
                if not is_marked(piece):
                    continue
                for index in self._indexes[at]:
                    for match in spelling_pattern(self._forms[index]).finditer(piece):
                        yield index, base + match.start(), base + match.end()

    def _stands_alone(self, hay: str, index: int, start: int, end: int) -> bool:
        left, right = self._edges[index]
        inside = len(self._forms[index]) >= SHORTEST_INSIDE
        before = start - 1
        while before > 0 and hay[before] == REST:
            before -= 1
        if left and start > 0 and _goes_on(hay[before], inside):
            return False
        return not (right and end < len(hay) and _goes_on(hay[end], inside))


def _goes_on(neighbour: str, inside: bool) -> bool:
    """Say whether a word goes on with its neighbour in a marked text; with a joint it does not if it may end `inside`."""
    if neighbour == JOINT:
        return not inside
    return neighbour in WORD_MARKS or needs_boundary(neighbour)


class TermMatcher:
    """Finds the places of terms in a text.

    Args:
        terms: the words and phrases.
        words: whether they are found as whole words only.
        fold: whether they are found however they are written.
    """

    def __init__(self, terms: Sequence[str], *, words: bool, fold: bool) -> None:
        self.words = words
        self.fold = fold
        self._forms = forms = [form(term, fold=fold) for term in terms]
        if fold:
            forms += [written for each in forms[:] for written in (*write_in_cipher(each), *join_words(each))]
        self._spaced = any(" " in each for each in forms)
        self._edges = [(needs_boundary(each[0]), needs_boundary(each[-1])) for each in forms]
        self._automaton = build_automaton(forms)
        self._disguises = DisguiseMatcher(forms, self._edges, self._automaton, words=words) if fold else None

    @cached_property
    def prefixes(self) -> TermPrefixes:
        """The beginnings of the terms, for streams."""
        waits = [self.words and right for _, right in self._edges]
        return TermPrefixes(self._forms, waits, disguised=self.fold)

    def find_open_texts(self, texts: Sequence[str]) -> Sequence[int]:
        """Return the numbers of the texts in which terms may be."""
        return find_open_texts(texts, self._is_clear)

    def _is_clear(self, text: str) -> bool:
        """Tell whether no term is anywhere in a text, whole word or not, nor anything in disguise."""
        if not text.isascii():
            return False
        hay = text.lower() if self.fold else text
        if self._automaton.find_matches_as_indexes(_close(single_spaces(hay)) if self._spaced else hay):
            return False
        return self._disguises is None or is_clean(text)

    def search(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of the terms in a text, in order."""
        text = replace_surrogates(text)
        view = fold_text(text) if self.fold else TextView(text)
        if self._spaced:
            view = close_gaps(view)
        hay = view.text
        matches = self._automaton.find_matches_as_indexes(hay, overlapping=True)
        marks = mark_obfuscations(text) if self._disguises is not None else None
        if not matches and marks is None:
            return []
        spans = {
            view.original(start, end)
            for index, start, end in matches
            if not self.words or _stands_alone(hay, self._edges[index], start, end)
        }
        if self._disguises is not None and marks is not None:
            spans.update(self._disguises.search(marks))
        return sorted(spans)


def _stands_alone(hay: str, edges: tuple[bool, bool], start: int, end: int) -> bool:
    """Say whether a match is a word of its own, where its edges ask for that."""
    # Asked of the neighbour as well: in Chinese text an English name touches the words around it.
    left, right = edges
    if left and start > 0 and needs_boundary(hay[start - 1]):
        return False
    return not (right and end < len(hay) and needs_boundary(hay[end]))
