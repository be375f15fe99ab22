"""Finds names of competitors' brands (`custom.competitor`).

Names are found as whole words, however they are dressed (`terms_detector.py`). A name that is a word of the language too
(`Orange`) has `about`: it is found only in a piece that is about that, by the topic's own judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pydantic import Field

from guardrails.detectors.config import Config
from guardrails.detectors.terms.terms_detector import TermsDetector
from guardrails.types import Content, Detection, Finding

COMPETITOR: Final = "custom.competitor"


class CompetitorDoc(Config):
    """A brand."""

    name: str = Field(min_length=1, examples=["Globex"])
    """Its name."""
    aliases: list[str] = Field(default=[], examples=[["Globex Corporation", "GLBX"]])
    """What else it is called."""
    about: list[str] = Field(default=[], examples=[["The phone of that maker is cheaper."]])
    """For a name that means something else too: texts in which it means the brand. It is found only in texts like these."""


def as_competitor(entry: str | CompetitorDoc) -> CompetitorDoc:
    """Return a brand that may be given by its name alone."""
    return CompetitorDoc(name=entry) if isinstance(entry, str) else entry


class Competitors:
    """The names that are found wherever they stand, and those that depend on what the text is about."""

    def __init__(self, name: str, brands: Sequence[CompetitorDoc]) -> None:
        self._plain = _terms(name, [brand for brand in brands if not brand.about])
        self._depending = [
            (topic_name(brand), terms)
            for brand in brands
            if brand.about and (terms := _terms(name, [brand])) is not None
        ]

    def find(self, content: Content, judged: Detection) -> tuple[Finding, ...]:
        """Return the names in a content; `judged` is what the topics in it are."""
        found = () if self._plain is None else self._plain.detect([content])[0].findings
        for category, terms in self._depending:
            places = [(each.span, each.score) for each in judged.findings if each.category == category]
            for finding in terms.detect([content])[0].findings:
                score = max((score for span, score in places if _inside(finding, span)), default=0.0)
                found += (replace(finding, score=score),) if score else ()
        return found


def topic_name(brand: CompetitorDoc) -> str:
    """Return the name under which the judge tells whether a text is about a brand; no finding ever carries it."""
    return f"{COMPETITOR}:{brand.name}"


def _terms(name: str, brands: Sequence[CompetitorDoc]) -> TermsDetector | None:
    words = [word for brand in brands for word in (brand.name, *brand.aliases)]
    return TermsDetector(name, words, COMPETITOR, score=1.0, words=True, fold=True) if words else None


def _inside(finding: Finding, span: tuple[int, int] | None) -> bool:
    return finding.span is not None and span is not None and span[0] <= finding.span[0] < span[1]
