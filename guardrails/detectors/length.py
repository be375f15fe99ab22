"""How long a text may be: text in, one finding out when it is longer or shorter than that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, Files, Kind
from guardrails.detectors.config import Config
from guardrails.detectors.patterns import category_problem
from guardrails.types import CLEAN, Content, Detection, Finding, Text


class LengthConfig(Config):
    """Limits of length; at least one of them."""

    use: Literal["length"]
    """The kind of detector."""
    max_characters: int | None = Field(default=None, ge=1, examples=[4000])
    """The most characters (code points) that a text may have."""
    max_words: int | None = Field(default=None, ge=1, examples=[500])
    """The most words that a text may have: what white space separates."""
    max_lines: int | None = Field(default=None, ge=1, examples=[100])
    """The most lines that a text may have; a line break at the end starts no further line."""
    min_characters: int | None = Field(default=None, ge=1, examples=[1])
    """The fewest characters that a text may have, white space around it not counted."""
    category: str = Field(default="custom.length", examples=["custom.too_long"])
    """What a text outside the limits is."""


class Length:
    """The detector: at most one finding a text, with score 1 and without a span."""

    inline = True

    def __init__(self, name: str, limits: LengthConfig) -> None:
        self._limits = limits
        self._outside = Detection((Finding(limits.category, 1.0, name),))

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [
            self._outside if isinstance(content, Text) and self._is_outside(content.text) else CLEAN
            for content in batch
        ]

    def _is_outside(self, text: str) -> bool:
        limits, length = self._limits, len(text)
        if limits.max_characters is not None and length > limits.max_characters:
            return True
        if limits.max_lines is not None and length > limits.max_lines and _lines(text) > limits.max_lines:
            return True
        # So many words need as many characters and the spaces between; past the limit nobody counts on.
        if limits.max_words is not None and length > 2 * limits.max_words:
            return len(text.split(None, limits.max_words)) > limits.max_words or self._is_short(text)
        return self._is_short(text)

    def _is_short(self, text: str) -> bool:
        least = self._limits.min_characters
        return least is not None and len(text.strip()) < least


def _lines(text: str) -> int:
    """Count lines as editors do."""
    breaks = text.count("\n") + text.count("\r") - text.count("\r\n")
    return breaks if text.endswith(("\n", "\r")) else breaks + 1


def _build(name: str, config: LengthConfig, files: Files) -> Length:
    problems: list[ConfigProblem] = []
    most, least = config.max_characters, config.min_characters
    if most is None and least is None and config.max_words is None and config.max_lines is None:
        hint = "add 'max_characters:', 'max_words:', 'max_lines:' or 'min_characters:'"
        problems.append(ConfigProblem("no_limit", "gives no limit, so it would find nothing", (), hint=hint))
    if most is not None and least is not None and least > most:
        message = f"no text has at least {least} and at most {most} characters"
        hint = f"'min_characters:' of {most} or less"
        problems.append(ConfigProblem("limits_cross", message, ("min_characters",), hint=hint))
    wrong = category_problem(config.category, ("category",))
    if wrong is not None:
        problems.append(wrong)
    if problems:
        raise ConfigProblems(problems)
    return Length(name, config)


KIND = Kind(
    name="length",
    doc="Texts that are too long or too short: characters, words, lines.",
    config=LengthConfig,
    categories=lambda _name, config: frozenset({config.category}),
    build=_build,
    spans=False,
)
