"""The `length` detector: one finding where a text is longer or shorter than it may be.

Characters, words and lines are counted here; tokens by the `tokenizers` package and the model's own `tokenizer.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.text import replace_surrogates
from guardrails.types import CLEAN, Content, Detection, Finding, Text

if TYPE_CHECKING:
    from tokenizers import Tokenizer


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
    max_tokens: int | None = Field(default=None, ge=1, examples=[8000])
    """The most tokens that a text may have, by `tokenizer`; those that a chat template adds are not counted."""
    tokenizer: str | None = Field(default=None, examples=["tokenizer.json"])
    """A `tokenizer.json` below the policy's folder, as models for the `transformers` package bring it."""
    min_characters: int | None = Field(default=None, ge=1, examples=[1])
    """The fewest characters that a text may have, white space around it not counted."""
    category: str = Field(default="custom.length", examples=["custom.too_long"])
    """What a text outside the limits is."""


class LengthDetector:
    """The detector: at most one finding a text, with score 1 and without a span."""

    def __init__(self, name: str, limits: LengthConfig, tokenizer: Tokenizer | None = None) -> None:
        self._limits = limits
        self._tokenizer = tokenizer
        # Counting tokens takes some 500 microseconds for 1,000 characters.
        self.inline = tokenizer is None
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
        if self._is_short(text):
            return True
        # So many words need as many characters and the spaces between; past the limit nobody counts on.
        if limits.max_words is not None and length > 2 * limits.max_words:
            words = text.split(None, limits.max_words)
            if len(words) > limits.max_words:
                return True
        return self._has_more_tokens(text)

    def _has_more_tokens(self, text: str) -> bool:
        most = self._limits.max_tokens
        # A token has at least one character of plain ASCII; other text may be spelt out before it is cut.
        if most is None or self._tokenizer is None or (len(text) < most and text.isascii()):
            return False
        return len(self._tokenizer.encode(replace_surrogates(text), add_special_tokens=False)) > most

    def _is_short(self, text: str) -> bool:
        least = self._limits.min_characters
        return least is not None and len(text.strip()) < least


def _lines(text: str) -> int:
    """Count lines as editors do."""
    breaks = text.count("\n") + text.count("\r") - text.count("\r\n")
    return breaks if text.endswith(("\n", "\r")) else breaks + 1


def _build(name: str, config: LengthConfig, files: PolicyFiles) -> LengthDetector:
    problems: list[ConfigProblem] = []
    most, least = config.max_characters, config.min_characters
    given = (most, least, config.max_words, config.max_lines, config.max_tokens)
    if not any(given) and config.tokenizer is None:
        hint = "add 'max_characters:', 'max_words:', 'max_lines:', 'max_tokens:' or 'min_characters:'"
        problems.append(ConfigProblem("no_limit", "gives no limit, so it would find nothing", (), hint=hint))
    if most is not None and least is not None and least > most:
        message = f"no text has at least {least} and at most {most} characters"
        hint = f"'min_characters:' of {most} or less"
        problems.append(ConfigProblem("limits_cross", message, ("min_characters",), hint=hint))
    wrong = category_problem(config.category, ("category",))
    if wrong is not None:
        problems.append(wrong)
    tokenizer = _tokenizer(config, files, problems)
    if problems:
        raise ConfigProblems(problems)
    return LengthDetector(name, config, tokenizer)


def _tokenizer(config: LengthConfig, files: PolicyFiles, problems: list[ConfigProblem]) -> Tokenizer | None:
    """Return what counts tokens, None if none are to be counted; add what is wrong to `problems`."""
    if config.tokenizer is None:
        if config.max_tokens is not None:
            hint = "add 'tokenizer:' with the model's tokenizer.json, copied below the policy's folder"
            message = "'max_tokens:' needs a tokenizer: models count differently"
            problems.append(ConfigProblem("no_tokenizer", message, ("max_tokens",), hint=hint))
        return None
    if config.max_tokens is None:
        hint = "add 'max_tokens:', or leave the tokenizer out"
        problems.append(
            ConfigProblem("no_limit", "the tokenizer has no limit to count for", ("tokenizer",), hint=hint)
        )
    try:
        text, shown = files.read(config.tokenizer)
    except OSError as error:
        message = f"tokenizer {config.tokenizer!r}: {error.strerror or error}"
        hint = "copy the model's tokenizer.json below the policy's folder"
        problems.append(ConfigProblem("unreadable_file", message, ("tokenizer",), hint=hint))
        return None
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # the package raises no narrower one
        hint = "a tokenizer.json as the tokenizers package writes it; not tokenizer_config.json or tokenizer.model"
        message = f"{shown} is no tokenizer: {error}"
        problems.append(ConfigProblem("invalid_tokenizer", message, ("tokenizer",), hint=hint))
        return None
    # Files say how a model's input is cut and filled up: then no text would ever be too long.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


KIND = Kind(
    name="length",
    doc="Texts that are too long or too short: characters, words, lines, tokens of a model.",
    config=LengthConfig,
    categories=lambda _name, config: frozenset({config.category}),
    build=_build,
    spans=False,
    decoded=False,
)
