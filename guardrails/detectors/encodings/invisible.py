"""Detects characters that nobody sees; which ones, and where they are harmless, is said in `hidden_characters`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.encodings.hidden_characters import DEFAULT, Hidden, HiddenCharacters
from guardrails.detectors.encodings.invisible_stream import InvisibleStream
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.types import CLEAN, Content, Detection, Finding, Stream, Text


class InvisibleDetector:
    """The detector: a finding for each run of hidden characters, where there are at least so many in a text."""

    inline = True

    def __init__(self, name: str, kinds: Sequence[Hidden], category: str, *, least: int = 1) -> None:
        self._name = name
        self._category = category
        self._least = least
        self._characters = HiddenCharacters(kinds)

    def stream(self, context: Mapping[str, str] | None) -> Stream:
        """Begin a text that grows."""
        return InvisibleStream(self._characters, self._finding, self._least)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._detect_in(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _detect_in(self, text: str) -> Detection:
        if not self._characters.contains_any(text):
            return CLEAN
        spans = list(self._characters.find(text))
        if not spans or sum(end - start for start, end in spans) < self._least:
            return CLEAN
        return Detection(tuple(map(self._finding, spans)))

    def _finding(self, span: tuple[int, int]) -> Finding:
        return Finding(self._category, 1.0, self._name, span)


class InvisibleConfig(Config):
    """Invisible and direction-changing characters."""

    use: Literal["invisible"]
    """The kind of detector."""
    kinds: list[Hidden] = Field(default=list(DEFAULT), examples=[["bidi", "tags"]])
    """What is looked for: `zero_width` (spaces and joiners without width, soft hyphens, fillers), `bidi` (direction
    marks, overrides and isolates), `tags` (ASCII in disguise), `variation` (selectors where there is nothing to select,
    or in a row), `control` (control characters but white space, other ignorable ones), `private` (private-use
    characters in a row). Emoji sequences, joiners in words that need them, direction marks near right-to-left
    letters and a byte order mark at the start are no findings."""
    min: int = Field(default=1, ge=1)
    """Hidden characters in a text, all together, from which they are findings."""
    category: str = Field(default="custom.invisible", examples=["injection"])
    """What a run of such characters is."""


def _build(name: str, config: InvisibleConfig, files: PolicyFiles) -> InvisibleDetector:
    problems: list[ConfigProblem] = []
    if not config.kinds:
        hint = f"leave 'kinds:' out for all, or name some of {', '.join(DEFAULT)}"
        problems.append(
            ConfigProblem("no_kinds", "gives no kind, so it would find nothing", ("kinds",), hint=hint)
        )
    wrong = category_problem(config.category, ("category",))
    if wrong is not None:
        problems.append(wrong)
    if problems:
        raise ConfigProblems(problems)
    return InvisibleDetector(name, config.kinds, config.category, least=config.min)


KIND = Kind(
    name="invisible",
    doc="Invisible and direction-changing characters: zero width, bidi, Unicode tags, selectors, controls.",
    config=InvisibleConfig,
    categories=lambda _name, config: frozenset({config.category}),
    build=_build,
)
