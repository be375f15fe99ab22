r"""The `invisible` detector: one finding for each run of characters that nobody sees.

They hide instructions (Unicode tags spell ASCII, variation selectors carry bytes), split words so that filters miss
them (zero width), or make a line read otherwise than it is (direction controls, "trojan source"). Where writing
needs such characters they are no findings: see `_harmless`. The patterns below are bodies of `[...]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, Kind, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.types import CLEAN, Content, Detection, Finding, Stream, Text

Hidden = Literal["zero_width", "bidi", "tags", "variation", "control", "private"]

CLASSES: Final[dict[Hidden, str]] = {
    "zero_width": "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200d\u2060-\u2065\u3164\ufeff\uffa0",
    "bidi": "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069",
    "tags": "\U000e0000-\U000e007f",
    "variation": "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef",
    # Not the white space of plain files: tab, line feed, vertical tab, form feed, carriage return, next line.
    "control": (
        "\\x00-\\x08\\x0e-\\x1f\x7f-\x84\x86-\x9f\u206a-\u206f\ufff0-\ufffb"
        "\U00013430-\U00013438\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
        "\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
    ),
    "private": "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd",
}
DEFAULT: Final[tuple[Hidden, ...]] = ("zero_width", "bidi", "tags", "variation", "control", "private")

PRIVATE_RUN: Final = 2
"""Private-use characters in a row that are a finding: one alone is a company's sign, or an icon of a font."""

NEAR: Final = 64
"""Characters on either side of a direction mark in which a right-to-left letter makes it harmless."""

_ASCII: Final = bytes(range(128))
_ASCII_SEEN: Final = bytes([*range(9, 14), *range(32, 127)])
_SEEN: Final = _ASCII_SEEN + bytes(range(128, 256))
_PRIVATE: Final = re.compile(f"[{CLASSES['private']}]+")
_EMOJI: Final = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
# Scripts whose letters join or stack, so that joiners and their prevention are part of the spelling.
_JOINING: Final = re.compile(
    "[\u0600-\u061b\u061d-\u07ff\u0840-\u085f\u0860-\u0dff\u0f00-\u109f\u1780-\u17b3\u17b6-\u180a\u1820-\u18af"
    "\u1900-\u194f\u1980-\u1cff\ua800-\uaaff\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00010aff\U00011000-\U00011fff]"
)
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_HAN: Final = re.compile("[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]")
_MATHS: Final = re.compile("[\u1000-\u109f\u2190-\u23ff\u2a00-\u2aff\ua840-\ua87f]")
_MONGOLIAN: Final = re.compile("[\u1820-\u18aa]")
_JAMO: Final = re.compile("[\u1100-\u115e\u1161-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]")
# England, Texas: a region of two letters and a subdivision of one to three, between the black flag and the end.
_FLAG: Final = re.compile(
    "[\U000e0061-\U000e007a]{2}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,3}\U000e007f"
)


def _is(pattern: re.Pattern[str], text: str, at: int) -> bool:
    return 0 <= at < len(text) and pattern.match(text, at) is not None


def _selects(text: str, at: int) -> bool:
    """Say whether the variation selector at `at` chooses a form of a character that has forms."""
    char, before = text[at], text[at - 1 : at]
    if char in "\ufe0e\ufe0f":
        return _is(_EMOJI, text, at - 1) or (before != "" and before in "0123456789#*")
    if "\ufe00" <= char <= "\ufe02":
        return _is(_HAN, text, at - 1) or _is(_MATHS, text, at - 1)
    if char >= "\U000e0100":
        return _is(_HAN, text, at - 1)
    return char <= "\u180f" and _is(_MONGOLIAN, text, at - 1)


def _joins(text: str, at: int) -> bool:
    """Say whether the joiner or non-joiner at `at` stands in a word that needs it, or joins emoji."""
    if _is(_JOINING, text, at - 1):
        return True
    if text[at] != "\u200d" or not _is(_EMOJI, text, at + 1):
        return False
    return _is(_EMOJI, text, at - 2 if text[at - 1 : at] == "\ufe0f" else at - 1)


def _harmless(text: str, at: int) -> bool:
    """Say whether the hidden character at `at` is there for its proper purpose, judged by its neighbours."""
    char = text[at]
    if char in "\u200c\u200d":
        return _joins(text, at)
    if char == "\ufeff":
        return at == 0
    if char in "\u200e\u200f\u061c":
        # Two in a row have no use; nor do they where nothing runs from right to left.
        if text[at - 1 : at] in ("\u200e", "\u200f", "\u061c"):
            return False
        return _RIGHT_TO_LEFT.search(text, max(at - NEAR, 0), at + NEAR) is not None
    if char == "\u180e":
        return _is(_MONGOLIAN, text, at - 1)
    if char in "\u115f\u1160":
        return _is(_JAMO, text, at - 1) or _is(_JAMO, text, at + 1)
    if "\ufe00" <= char <= "\ufe0f" or "\u180b" <= char <= "\u180f" or "\U000e0100" <= char <= "\U000e01ef":
        return _selects(text, at)
    return False


class InvisibleDetector:
    """The detector: looks at each different character once, and at places only where one of them is hidden."""

    inline = True

    def __init__(self, name: str, kinds: Sequence[Hidden], category: str, *, least: int = 1) -> None:
        self._name = name
        self._category = category
        self._least = least
        self._run = re.compile(f"[{''.join(CLASSES[kind] for kind in kinds)}]+")
        self._controls = "control" in kinds

    def stream(self, context: Mapping[str, str] | None) -> Stream:
        """Begin a text that grows."""
        from guardrails.detectors.encodings.invisible_stream import (
            InvisibleStream,  # which judges as this detector
        )

        return InvisibleStream(self)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._detect_one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _detect_one(self, text: str) -> Detection:
        if not self._any(text):
            return CLEAN
        spans = list(self._spans(text))
        if not spans or sum(end - start for start, end in spans) < self._least:
            return CLEAN
        return Detection(tuple(Finding(self._category, 1.0, self._name, span) for span in spans))

    def _any(self, text: str) -> bool:
        """Say whether there is a hidden character at all, harmless or not."""
        if text.isascii():
            return self._controls and bool(text.encode().translate(None, _ASCII_SEEN))
        data = text.encode("utf-8", "surrogatepass")
        if self._controls and data.translate(None, _SEEN):
            return True
        # Mostly ASCII, or few different letters: a class of many ranges is then asked of little.
        chars = set(data.translate(None, _ASCII).decode("utf-8", "surrogatepass"))
        return self._run.search("".join(chars)) is not None

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        for run in self._run.finditer(text):
            start, end = run.span()
            if text[start - 1 : start] == "\U0001f3f4" and (flag := _FLAG.match(text, start)):
                start = flag.end()
            begun = start
            at = start
            while at < end:
                private = _PRIVATE.match(text, at, end)
                width = 1 if private is None else private.end() - at
                fine = width < PRIVATE_RUN if private is not None else _harmless(text, at)
                if fine:
                    if begun < at:
                        yield begun, at
                    begun = at + width
                at += width
            if begun < end:
                yield begun, end


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
