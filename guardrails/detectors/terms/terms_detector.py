"""The `terms` detector: words and phrases with exact spans, by one automaton whatever the length of the list.

Terms and text are folded alike (case, accents, compatibility forms, invisible and look-alike characters), so
that a term is found however it is dressed; `case: exact` compares the plain text instead. In phrases any single
white space counts as a space. Every complete occurrence is a finding of its own; overlaps merge when redacted.

With `case: ignore`, a text in which spelling tricks are found (leetspeak, spaced-out or repeated letters, codes for
characters) is searched once more for terms in disguise; a text without pays one pass of the gate (`text.gate`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

import ahocorasick_rs
from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, Kind, PolicyFiles, read_list_file
from guardrails.detectors.config import Config
from guardrails.detectors.patterns.patterns_detector import category_problem, default_category, empty_problem
from guardrails.detectors.terms.terms_prefixes import TermPrefixes
from guardrails.text import TextView, fold_text, is_word, mark_disguises, replace_surrogates
from guardrails.text.marks import CODES, JOINT, REPEAT, REST
from guardrails.text.spelling import (
    is_marked,
    marked_windows,
    skeleton_places,
    spelling_pattern,
    term_skeleton,
)
from guardrails.types import CLEAN, Content, Detection, Finding, Stream, Text

SPACES = tuple(char for char in map(chr, range(0x3001)) if char.isspace() and char != " ")
ASCII_SPACES = tuple(char for char in SPACES if char.isascii())

LARGEST_TABLE = 1_000_000
"""Characters of all terms up to which the automaton is a full table."""

UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF),
    (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
"""Scripts written without spaces between words, or that glue particles on (Thai to Hangul): no word boundary to ask for."""


WORD_MARKS = frozenset((REPEAT, *(code for sign, code in CODES.items() if sign.isdigit())))
"""Marks of what belongs to a word for certain; `$h1t` may be `shit`, or `hit` behind a sign."""

SHORTEST_INSIDE = 4
"""Characters of a term from which it may begin and end anywhere in a run of joined letters (`i g n o r e a l l`), where
word ends are lost."""


def _needs_boundary(char: str) -> bool:
    code = ord(char)
    return is_word(char) and not any(low <= code <= high for low, high in UNSPACED)


def _single_spaces(text: str) -> str:
    """Turn each white space into a space, one to one, so that offsets stay."""
    # A scan for each of them costs a tenth of one `str.translate`.
    for char in ASCII_SPACES if text.isascii() else SPACES:
        text = text.replace(char, " ")
    return text


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
        view = fold_text(marks.text)
        hay = _single_spaces(view.text)
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
    return neighbour in WORD_MARKS or _needs_boundary(neighbour)


class TermsDetector:
    """The detector: one Aho-Corasick automaton over the folded (or plain) text, and one for terms in disguise."""

    inline = True

    def __init__(
        self, name: str, terms: Sequence[str], category: str, *, score: float, words: bool, fold: bool
    ) -> None:
        self._name = name
        self._category = category
        self._score = score
        self._words = words
        self._fold = fold
        self._forms = forms = [self.form(term, fold=fold) for term in terms]
        self._spaced = any(" " in form for form in forms)
        self._edges = [(_needs_boundary(form[0]), _needs_boundary(form[-1])) for form in forms]
        self._automaton = build_automaton(forms)
        self._disguises = DisguiseMatcher(forms, self._edges, self._automaton, words=words) if fold else None

    @property
    def fold(self) -> bool:
        """Whether terms are found however they are dressed."""
        return self._fold

    @property
    def words(self) -> bool:
        """Whether terms are found as whole words only."""
        return self._words

    @cached_property
    def prefixes(self) -> TermPrefixes:
        """The beginnings of the terms, for streams."""
        waits = [self._words and right for _, right in self._edges]
        return TermPrefixes(self._forms, waits, disguised=self._fold)

    @staticmethod
    def form(term: str, *, fold: bool) -> str:
        """Return the form in which a term is compared; empty if nothing is left of it."""
        text = fold_text(term).text if fold else term
        return " ".join(text.split())

    def stream(self, context: Mapping[str, str] | None) -> Stream:
        """Begin a text that grows."""
        from guardrails.detectors.terms.terms_stream import TermStream  # which judges with this detector

        return TermStream(self)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._detect_one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _detect_one(self, text: str) -> Detection:
        text = replace_surrogates(text)
        view = fold_text(text) if self._fold else None
        hay = text if view is None else view.text
        if self._spaced:
            hay = _single_spaces(hay)
        matches = self._automaton.find_matches_as_indexes(hay, overlapping=True)
        marks = mark_disguises(text) if self._disguises is not None else None
        if not matches and marks is None:
            return CLEAN
        spans = {
            (start, end) if view is None else view.original(start, end)
            for index, start, end in matches
            if not self._words or _stands_alone(hay, self._edges[index], start, end)
        }
        if self._disguises is not None and marks is not None:
            spans.update(self._disguises.search(marks))
        findings = tuple(Finding(self._category, self._score, self._name, span) for span in sorted(spans))
        return Detection(findings) if findings else CLEAN


def _stands_alone(hay: str, edges: tuple[bool, bool], start: int, end: int) -> bool:
    """Say whether a match is a word of its own, where its edges ask for that."""
    # Asked of the neighbour as well: in Chinese text an English name touches the words around it.
    left, right = edges
    if left and start > 0 and _needs_boundary(hay[start - 1]):
        return False
    return not (right and end < len(hay) and _needs_boundary(hay[end]))


class TermsConfig(Config):
    """Words and phrases."""

    use: Literal["terms"]
    """The kind of detector."""
    terms: list[str] = Field(default=[], examples=[["acme blasters", "project x"]])
    """The words and phrases."""
    file: str | None = Field(default=None, examples=["terms/blocklist.txt"])
    """A file below the policy's folder with one term a line; `#` starts a comment line."""
    category: str | None = Field(default=None, examples=["custom.blocklist", "profanity"])
    """What a match is; by default `custom.` and the detector's name."""
    score: float = Field(default=1.0, gt=0, le=1)
    """The score of a match, in 0..1."""
    match: Literal["word", "substring"] = "word"
    """Whether a term must stand alone as a word, or may be part of one."""
    case: Literal["ignore", "exact"] = "ignore"
    """`ignore` folds case, accents, invisible and look-alike characters, and undoes leetspeak, spaced-out and repeated
    letters and codes such as `&#105;`; `exact` compares the text as it is."""


def _category(name: str, config: TermsConfig) -> str:
    return config.category or default_category(name)


def _build(name: str, config: TermsConfig, files: PolicyFiles) -> TermsDetector:
    fold = config.case == "ignore"
    problems: list[ConfigProblem] = []
    forms: dict[str, str] = {}

    def take(term: str, path: tuple[str | int, ...], place: tuple[str, int, int] | None = None) -> None:
        form = TermsDetector.form(term, fold=fold)
        if form:
            forms[form] = term
        else:
            message = f"term {term!r} has no character to look for"
            problems.append(ConfigProblem("empty_term", message, path, place=place))

    for index, term in enumerate(config.terms):
        take(term, ("terms", index))
    if config.file is not None:
        for place, term in read_list_file(files, config.file):
            take(term, ("file",), place)
    if config.category is not None and (wrong := category_problem(config.category, ("category",))):
        problems.append(wrong)
    if not forms and not problems:
        problems.append(empty_problem("term", "terms", config.file))
    if problems:
        raise ConfigProblems(problems)
    return TermsDetector(
        name,
        list(forms.values()),
        _category(name, config),
        score=config.score,
        words=config.match == "word",
        fold=fold,
    )


KIND = Kind(
    name="terms",
    doc="Words and phrases, thousands in one automaton; whole words or substrings.",
    config=TermsConfig,
    categories=lambda name, config: frozenset({_category(name, config)}),
    build=_build,
)
