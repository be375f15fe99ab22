"""The `language` detector: finds the stretches of a text that are in a language that is not allowed.

Letters of a script that only unwanted languages use are certain. The rest is judged by `identification.py` in units of a
few sentences, so that one unwanted paragraph in an allowed text is found, with its span. The score is the probability
of all unwanted languages together, so that doubt between two allowed ones does no harm. Programs, links, addresses and
emoji are in no language; what stands in a code fence but does not look like a program is judged like the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import Field

from guardrails.cancellation import check
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.formats.code import blank_code
from guardrails.detectors.kinds import Kind
from guardrails.detectors.language.identification import language_probabilities
from guardrails.detectors.language.prose_words import count_letters, without_noise
from guardrails.detectors.language.scripts import (
    NAMES,
    script_of,
    suggest_code,
    umbrella_language,
    with_varieties,
)
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.text import replace_surrogates
from guardrails.types import CLEAN, Content, Detection, Finding, Text, Unchecked

UNIT: Final = 60
"""Letters of a unit, if there are as many: sentences are taken together until then."""

LONGEST: Final = 600
"""Characters of a unit: what has no sentence ends is cut there."""

NAMED: Final = 200
"""Letters of a unit below which a list of names is undetermined."""

TEXTUAL: Final = frozenset({"json", "yaml", "xml", "html"})
"""Languages of code whose text is judged all the same."""

_PIECE: Final = re.compile(
    rf"(?s).{{1,{LONGEST}}}?(?:\n+|[.!?\u2026\u061f\u0964](?=\s)|[\u3002\uff01\uff1f]|\Z)|.{{1,{LONGEST}}}"
)


@dataclass(frozen=True, slots=True)
class LanguageUnit:
    """A stretch of text to judge: its span, and how many letters it has."""

    start: int
    end: int
    letters: int


def split_units(text: str, fewest: int) -> Iterator[LanguageUnit]:
    """Yield the stretches to judge, in order: sentences together until `UNIT` letters, or a paragraph of at least
    `fewest`; what is shorter joins what follows, at the end what stands before.
    """
    held: LanguageUnit | None = None  # not yielded yet: a short rest may join it
    start, count = 0, 0
    for match in _PIECE.finditer(text):
        piece = match[0]
        count += count_letters(piece)
        closed = count >= UNIT or (count >= fewest and piece.endswith("\n\n"))
        if closed:
            if held is not None:
                yield held
            held, start, count = LanguageUnit(start, match.end(), count), match.end(), 0
    if count >= fewest or held is None:
        if held is not None:
            yield held
        held = LanguageUnit(start, len(text), count)
    else:
        held = LanguageUnit(held.start, len(text), held.letters + count)
    yield held


class LanguageDetector:
    """The detector: certain by script, else by probability."""

    inline = False

    def __init__(self, name: str, config: LanguageConfig) -> None:
        self._name = name
        self._config = config
        known = frozenset(NAMES)
        named = with_varieties(config.allow or config.deny or ())
        self._unwanted = known - named if config.allow is not None else named
        self._foreign = script_of(self._unwanted)
        # Up to four other characters may stand between letters of a run: spaces, marks, a digit. Letters of shared
        # scripts and signs that touch its ends belong to it.
        letter = None if self._foreign is None else self._foreign.pattern
        self._run = (
            None
            if letter is None
            else re.compile(
                f"[^\\W\\x00-\\x7f]{{0,8}}{letter}+(?:[^\\n]{{1,4}}?{letter}+)*[^\\W\\x00-\\x7f]{{0,8}}[^\\w\\s]{{0,4}}"
            )
        )
        language_probabilities("The model is loaded now, not in a request.")

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._detect_one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _detect_one(self, text: str) -> Detection:
        text = replace_surrogates(text)
        plain = without_noise(text)
        found: list[tuple[int, int, float, str]] = []
        unsure: list[LanguageUnit] = []
        if self._run is not None and not plain.isascii():
            plain = self._by_script(plain, found)
        certain = bool(found)
        plain = blank_code(text, plain, TEXTUAL)
        for unit in split_units(plain, self._config.min_characters):
            if unit.letters < self._config.min_characters:
                if unit.letters and not certain:
                    unsure.append(unit)
                continue
            check()
            self._by_model(plain, unit, found, unsure)
        findings = tuple(
            Finding(self._category(code), score, self._name, (start, end))
            for start, end, score, code in _merge_neighbours(text, sorted(found))
        )
        reason = (
            f"language not certain (fewer than {self._config.min_characters} letters, or no clear language)"
        )
        unchecked = tuple(
            Unchecked("language", reason, span=_trim(text, unit.start, unit.end))
            for unit in (unsure if self._config.undetermined == "flag" else ())
        )
        return Detection(findings, unchecked=unchecked) if findings or unchecked else CLEAN

    def _by_script(self, plain: str, found: list[tuple[int, int, float, str]]) -> str:
        """Take runs of letters that no wanted language has; return the text without them."""
        assert self._run is not None
        assert self._foreign is not None
        runs = list(self._run.finditer(plain))
        foreign = sum(count_letters(run[0]) for run in runs)
        mostly = foreign >= 2 and 2 * foreign > count_letters(plain)
        kept, last = [], 0
        for run in runs:
            if mostly or count_letters(run[0]) >= self._config.min_characters:
                check()
                code = max(language_probabilities(run[0][:LONGEST]).items(), key=lambda pair: pair[1])[0]
                found.append((*run.span(), 1.0, code))
                kept += [plain[last : run.start()], " " * (run.end() - run.start())]
                last = run.end()
        return "".join([*kept, plain[last:]])

    def _by_model(
        self,
        plain: str,
        unit: LanguageUnit,
        found: list[tuple[int, int, float, str]],
        unsure: list[LanguageUnit],
    ) -> None:
        words = plain[unit.start : unit.end].split()
        if unit.letters < NAMED and _are_names(words):
            unsure.append(unit)
            return
        chances = language_probabilities(" ".join(words))
        unwanted = sum(chance for code, chance in chances.items() if code in self._unwanted)
        if unwanted >= self._config.min_confidence:
            code = max(self._unwanted, key=lambda each: chances.get(each, 0.0))
            found.append((*_trim(plain, unit.start, unit.end), round(min(unwanted, 1.0), 3), code))
        elif 1 - chances.get("zxx", 0.0) - unwanted < self._config.min_confidence:
            unsure.append(unit)

    def _category(self, code: str) -> str:
        return (
            f"{self._config.category}.{umbrella_language(code)}"
            if self._config.leaves
            else self._config.category
        )


def _are_names(words: Sequence[str]) -> bool:
    """Say whether nearly all words are capitalised: names and titles are spelt alike in many languages."""
    cased = [word for word in words if word[:1].isalpha() and word.lower() != word.upper()]
    return bool(cased) and sum(word[0].isupper() and not word.isupper() for word in cased) >= 0.8 * len(cased)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    inside = text[start:end]
    return start + len(inside) - len(inside.lstrip()), start + len(inside.rstrip())


def _merge_neighbours(
    text: str, found: list[tuple[int, int, float, str]]
) -> list[tuple[int, int, float, str]]:
    """Join neighbours in the same language between which there is nothing but white space."""
    merged: list[tuple[int, int, float, str]] = []
    for start, end, score, code in found:
        if merged and merged[-1][3] == code and not text[merged[-1][1] : start].strip():
            merged[-1] = (merged[-1][0], end, max(score, merged[-1][2]), code)
        else:
            merged.append((start, end, score, code))
    return merged


class LanguageConfig(Config):
    """The languages that a text may be in."""

    use: Literal["language"]
    """The kind of detector."""
    allow: list[str] | None = Field(default=None, min_length=1, examples=[["en", "de", "fr"]])
    """The languages that are no findings, by ISO 639 code; every other is."""
    deny: list[str] | None = Field(default=None, min_length=1, examples=[["ru", "zh"]])
    """The languages that are findings; every other is none."""
    min_confidence: float = Field(default=0.85, gt=0, le=1)
    """The least probability, of all unwanted languages together, of a finding."""
    min_characters: int = Field(default=20, ge=1, le=1000)
    """The fewest letters whose language is judged (Han, Kana and Hangul count twice). What is shorter is undetermined,
    unless most of its letters are of a script that no wanted language has."""
    undetermined: Literal["allow", "flag"] = "allow"
    """What is done where no language is certain: nothing, or the policy's `unchecked: language` decides."""
    category: str = "custom.language"
    """What an unwanted language is."""
    leaves: bool = False
    """Whether findings name the language as a leaf of the category: `custom.language.ru`."""


def _categories(_name: str, config: LanguageConfig) -> frozenset[str]:
    leaves = {f"{config.category}.{umbrella_language(code)}" for code in NAMES} if config.leaves else set()
    return frozenset({config.category, *leaves})


def _build(name: str, config: LanguageConfig, files: PolicyFiles) -> LanguageDetector:
    problems = [
        ConfigProblem(
            "unknown_language",
            f"{wrong!r} is not a language that can be told",
            (field, index),
            hint=suggest_code(wrong),
        )
        for field, wanted in (("allow", config.allow), ("deny", config.deny))
        for index, wrong in enumerate(wanted or ())
        if wrong not in NAMES
    ]
    if config.allow is None and config.deny is None:
        hint = "add 'allow:' with the languages that may be, or 'deny:'"
        problems.append(
            ConfigProblem("no_language", "names no language, so it would find nothing", (), hint=hint)
        )
    if config.allow is not None and config.deny is not None:
        message = "'allow:' and 'deny:' say the same thing twice"
        problems.append(ConfigProblem("allow_and_deny", message, ("deny",), hint="keep one of them"))
    wrong_category = category_problem(config.category, ("category",))
    if wrong_category is not None:
        problems.append(wrong_category)
    if problems:
        raise ConfigProblems(problems)
    return LanguageDetector(name, config)


KIND = Kind(
    name="language",
    doc="Texts, paragraphs and sentences in languages that are not allowed.",
    config=LanguageConfig,
    categories=_categories,
    build=_build,
    tier=1,
    decoded=False,
)
