"""Lists of words and phrases: a finding with its exact span for every occurrence of one.

Every complete occurrence is a finding of its own; overlaps merge when redacted. How terms are compared with a text is said in
`term_matcher`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles, read_list_file
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind, default_category
from guardrails.detectors.patterns.patterns_detector import category_problem, empty_problem
from guardrails.detectors.terms.inflection_tables import Language
from guardrails.detectors.terms.inflections import inflect_term
from guardrails.detectors.terms.term_matcher import TermMatcher, form
from guardrails.detectors.terms.terms_stream import TermStream
from guardrails.types import CLEAN, Content, Detection, Finding, Stream, Text


class TermsDetector:
    """The detector of a list of terms."""

    inline = True

    def __init__(
        self, name: str, terms: Sequence[str], category: str, *, score: float, words: bool, fold: bool
    ) -> None:
        self._name = name
        self._category = category
        self._score = score
        self._matcher = TermMatcher(terms, words=words, fold=fold)

    def stream(self, context: Mapping[str, str] | None) -> Stream:
        """Begin a text that grows."""
        return TermStream(self._matcher, self._finding)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        found = [CLEAN] * len(batch)
        texts = {at: content.text for at, content in enumerate(batch) if isinstance(content, Text)}
        places = [*texts]
        for number in self._matcher.find_open_texts([*texts.values()]):
            found[places[number]] = self._detect_in(texts[places[number]])
        return found

    def _detect_in(self, text: str) -> Detection:
        spans = self._matcher.search(text)
        return Detection(tuple(map(self._finding, spans))) if spans else CLEAN

    def _finding(self, span: tuple[int, int]) -> Finding:
        return Finding(self._category, self._score, self._name, span)


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
    letters and codes such as `&#105;`, takes a hyphen or an underscore between words for a space, and finds terms of eight
    letters or more in ROT13, Atbash and backwards, and those of several words and twelve letters or more without their spaces;
    `exact` compares the text as it is. Up to eight white spaces between words are one, with either."""
    inflect: bool | Annotated[list[Language], Field(min_length=1)] = Field(
        default=False, examples=[True, ["en", "de"]]
    )
    """`true` finds the other forms of the terms too: plurals, cases, and tenses and persons of verbs (`kill`: `kills`, `killed`,
    `killing`), by the endings that are safe in any language. A list of languages uses all endings of those, and of no other.
    Terms are given as dictionaries have them."""


def _category(name: str, config: TermsConfig) -> str:
    return config.category or default_category(name)


def _inflect(term: str, config: TermsConfig) -> list[str]:
    if config.inflect is False:
        return []
    forms = inflect_term(term, None if config.inflect is True else config.inflect)
    # As a substring a term is found in most of its forms anyway, and each is found once.
    return [each for each in forms if term not in each] if config.match == "substring" else forms


def _build(name: str, config: TermsConfig, files: PolicyFiles) -> TermsDetector:
    fold = config.case == "ignore"
    problems: list[ConfigProblem] = []
    forms: dict[str, str] = {}

    def take(term: str, path: tuple[str | int, ...], place: tuple[str, int, int] | None = None) -> None:
        compared = form(term, fold=fold)
        if compared:
            forms[compared] = term
            forms.update((form(other, fold=fold), other) for other in _inflect(term, config))
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
    version=2,
)
