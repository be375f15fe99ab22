"""Names of brands: found as words, and those that mean something else too only where the text is about the brand."""

from __future__ import annotations

from guardrails.detectors.terms.competitors import (
    COMPETITOR,
    CompetitorDoc,
    Competitors,
    as_competitor,
    topic_name,
)
from guardrails.types import CLEAN, Detection, Finding, Text
from tests.cases import each_case

ORANGE = CompetitorDoc(name="Orange", about=["The phone company."])


@each_case(
    ("text", "found"),
    [
        ("Is Globex better?", ["Globex"]),
        ("is gl0bex better, or Globex Corp?", ["gl0bex", "Globex", "Globex Corp"]),
        ("Globexian is no name of theirs", []),
        ("nothing here", []),
    ],
)
def test_names_are_words(text: str, found: list[str]) -> None:
    """With aliases, however they are spelt; not inside of words."""
    brands = Competitors("d", [CompetitorDoc(name="Globex", aliases=["Globex Corp"])])
    spans = [finding.span or (0, 0) for finding in brands.find(Text(text), CLEAN)]
    assert sorted(text[start:end] for start, end in spans) == sorted(found)


@each_case(
    ("span", "scores"),
    [((0, 14), [0.8]), ((14, 30), []), (None, [])],
    ids=["in the piece", "in another piece", "nowhere"],
)
def test_a_name_with_a_meaning_needs_its_topic(span: tuple[int, int] | None, scores: list[float]) -> None:
    """It is worth what the piece that it stands in is about the brand."""
    text = Text("Orange is fine. And so is that.")
    topic = () if span is None else (Finding(topic_name(ORANGE), 0.8, "d", span),)
    found = Competitors("d", [ORANGE]).find(text, Detection(topic))
    assert [finding.score for finding in found] == scores
    assert all(finding.category == COMPETITOR for finding in found)


def test_a_brand_may_be_its_name_alone() -> None:
    """Most need no more."""
    assert as_competitor("Globex") == CompetitorDoc(name="Globex")
    assert as_competitor(ORANGE) is ORANGE
