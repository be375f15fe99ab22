"""A detector of part numbers such as ACME-123456."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import regex

from guardrails.plugins import CLEAN, Config, Content, Detection, Finding, Kind, Stream, Text

CATEGORY = "custom.part_number"


class PartNumbersConfig(Config):
    """Part numbers: a prefix, a dash, and digits."""

    prefix: str = "ACME"
    """What they begin with."""
    digits: int = 6
    """How many digits they have."""


class PartNumberStream:
    """One text that grows. Findings have offsets of the whole text."""

    def __init__(self, name: str, pattern: regex.Pattern[str]) -> None:
        self._name, self._pattern = name, pattern
        self._text = ""
        self.settled = 0

    def feed(self, delta: str) -> Detection:
        """Take the next part; return the findings that it completes."""
        self._text += delta
        found, end = [], len(self._text)
        for match in self._pattern.finditer(self._text, pos=self.settled, partial=True):
            if match.partial:  # what comes next decides
                end = match.start()
                break
            found.append(Finding(CATEGORY, 1.0, self._name, match.span()))
        self.settled = end
        return Detection(tuple(found)) if found else CLEAN

    def flush(self) -> Detection:
        """Take the end."""
        self.settled = len(self._text)
        return CLEAN


class PartNumbers:
    """Finds part numbers in texts, also as they grow."""

    def __init__(self, name: str, config: PartNumbersConfig) -> None:
        self._name = name
        self._pattern = regex.compile(rf"{regex.escape(config.prefix)}-\d{{{config.digits}}}")

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge each content."""
        return [self._judge(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _judge(self, text: str) -> Detection:
        found = tuple(
            Finding(CATEGORY, 1.0, self._name, match.span()) for match in self._pattern.finditer(text)
        )
        return Detection(found) if found else CLEAN

    def stream(self, context: Mapping[str, str] | None) -> Stream:
        """Begin a text that grows."""
        return PartNumberStream(self._name, self._pattern)


PART_NUMBERS = Kind(
    name="part_numbers",
    doc="Part numbers: a prefix, a dash, and digits.",
    config=PartNumbersConfig,
    categories=(CATEGORY,),
    build=PartNumbers,
)
