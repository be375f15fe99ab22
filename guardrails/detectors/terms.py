"""Lists of words and phrases in, findings with exact spans out; one automaton, whatever the length of the list.

Terms and text are folded alike (case, accents, compatibility forms, invisible and look-alike characters), so
that a term is found however it is dressed; `case: exact` compares the plain text instead. In phrases any single
white space counts as a space. Every complete occurrence is a finding of its own; overlaps merge when redacted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import ahocorasick_rs
from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, Files, Kind, lines
from guardrails.detectors.config import Config
from guardrails.detectors.patterns import category_problem, default_category, nothing
from guardrails.text import View, folded, is_word, surrogates_replaced
from guardrails.types import CLEAN, Content, Detection, Finding, Text

SPACES = tuple(char for char in map(chr, range(0x3001)) if char.isspace() and char != " ")
ASCII_SPACES = tuple(char for char in SPACES if char.isascii())

LARGEST_TABLE = 1_000_000
"""Characters of all terms up to which the automaton is a full table."""

UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF),
    (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
"""Scripts written without spaces between words, or that glue particles on (Thai to Hangul): no word boundary to ask for."""


def _needs_boundary(char: str) -> bool:
    code = ord(char)
    return is_word(char) and not any(low <= code <= high for low, high in UNSPACED)


def _single_spaces(text: str) -> str:
    """Turn each white space into a space, one to one, so that offsets stay."""
    # A scan for each of them costs a tenth of one `str.translate`.
    for char in ASCII_SPACES if text.isascii() else SPACES:
        text = text.replace(char, " ")
    return text


def automaton(forms: Sequence[str]) -> ahocorasick_rs.AhoCorasick:
    """Return the automaton of some terms: a full table for lists of usual size, which halves the time, and a compact
    one beyond, as the table takes about a hundred bytes for each character.
    """
    kinds = ahocorasick_rs.Implementation
    kind = kinds.DFA if sum(map(len, forms)) <= LARGEST_TABLE else kinds.ContiguousNFA
    return ahocorasick_rs.AhoCorasick(forms, implementation=kind)


class Terms:
    """The detector: one Aho-Corasick automaton over the folded (or plain) text."""

    inline = True

    def __init__(
        self, name: str, terms: Sequence[str], category: str, *, score: float, words: bool, fold: bool
    ) -> None:
        self._name = name
        self._category = category
        self._score = score
        self._words = words
        self._fold = fold
        forms = [self.form(term, fold=fold) for term in terms]
        self._spaced = any(" " in form for form in forms)
        self._edges = [(_needs_boundary(form[0]), _needs_boundary(form[-1])) for form in forms]
        self._automaton = automaton(forms)

    @staticmethod
    def form(term: str, *, fold: bool) -> str:
        """Return the form in which a term is compared; empty if nothing is left of it."""
        text = folded(term).text if fold else term
        return " ".join(text.split())

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _one(self, text: str) -> Detection:
        text = surrogates_replaced(text)
        view = folded(text) if self._fold else None
        hay = text if view is None else view.text
        if self._spaced:
            hay = _single_spaces(hay)
        matches = self._automaton.find_matches_as_indexes(hay, overlapping=True)
        return self._detection(hay, view, matches) if matches else CLEAN

    def _detection(self, hay: str, view: View | None, matches: list[tuple[int, int, int]]) -> Detection:
        spans = [
            (start, end) if view is None else view.original(start, end)
            for index, start, end in matches
            if not self._words or self._stands_alone(hay, self._edges[index], start, end)
        ]
        findings = tuple(
            Finding(self._category, self._score, self._name, span) for span in sorted(set(spans))
        )
        return Detection(findings) if findings else CLEAN

    @staticmethod
    def _stands_alone(hay: str, edges: tuple[bool, bool], start: int, end: int) -> bool:
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
    """`ignore` folds case, accents, invisible and look-alike characters; `exact` compares the text as it is."""


def _category(name: str, config: TermsConfig) -> str:
    return config.category or default_category(name)


def _build(name: str, config: TermsConfig, files: Files) -> Terms:
    fold = config.case == "ignore"
    problems: list[ConfigProblem] = []
    forms: dict[str, str] = {}

    def take(term: str, path: tuple[str | int, ...], place: tuple[str, int, int] | None = None) -> None:
        form = Terms.form(term, fold=fold)
        if form:
            forms[form] = term
        else:
            message = f"term {term!r} has no character to look for"
            problems.append(ConfigProblem("empty_term", message, path, place=place))

    for index, term in enumerate(config.terms):
        take(term, ("terms", index))
    if config.file is not None:
        for place, term in lines(files, config.file):
            take(term, ("file",), place)
    if config.category is not None and (wrong := category_problem(config.category, ("category",))):
        problems.append(wrong)
    if not forms and not problems:
        problems.append(nothing("term", "terms", config.file))
    if problems:
        raise ConfigProblems(problems)
    return Terms(
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
