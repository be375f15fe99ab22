"""The page that explains verdicts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from guardrails import Guard
from guardrails.authoring.explain.explanation import explain
from guardrails.authoring.explain.explanation_page import ExplainedContent, render_page
from tests.authoring.reports.report_kit import without_own_script

POLICY = """
detectors:
  words: {use: terms, terms: [blast], category: custom.x}
  rage: {use: terms, terms: [rage], category: hate, score: 0.61}
  fury: {use: terms, terms: [fury], category: hate, score: 0.9}
rules:
  - {id: block, on: input, when: custom.x > 0, then: block}
  - {id: near, on: input, when: hate >= 0.85, then: block}
  - {id: mask, on: output, when: custom.x > 0, then: redact}
  - {id: trial, on: input, when: hate > 0.5, then: flag, mode: shadow}
"""
AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def page(guard_of: Callable[..., Guard]) -> Callable[..., str]:
    """Return a function: a content and its stage in, the page out."""
    guard = guard_of(POLICY)
    return lambda content, stage="input": render_page(
        [ExplainedContent("text 1", explain(guard, content, stage, passes=0))], AT
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "a blast",
            "<strong>text 1: block</strong> by the rule <strong>block</strong>; if that is wrong, give the rule an exception: its",
        ),
        ("fury", "give the rule an exception or a higher number: its"),
        (
            "rage",
            "nearest to firing is the rule <strong>near</strong>: it lacks hate &gt;= 0.85 (it is 0.61)",
        ),
        ("fine", "<strong>text 1: allow</strong>; no rule came near"),
    ],
)
def test_the_page_begins_with_what_decided(content: str, said: str, page: Callable[..., str]) -> None:
    """And with the next step; then what it is about, by which policy, and when."""
    html = page(content)
    assert said in html
    assert html.index(said) < html.index("Data: text 1") < html.index("Date: 2026-01-02 03:04 UTC.")


def test_several_are_summed_up_in_one_sentence(guard_of: Callable[..., Guard]) -> None:
    """How many of each and the first to look at, then a line for each."""
    guard = guard_of(POLICY)
    texts = ("fine", "a blast", "rage")
    told = [
        ExplainedContent(f"text {at}", explain(guard, text, "input", passes=0))
        for at, text in enumerate(texts, 1)
    ]
    html = render_page(told, AT)
    assert "3 explained: 1 blocked, 0 redacted, 0 flagged, 2 allowed</strong>; begin with text 2." in html
    assert html.count("<li>") == 3
    assert "there is nothing to do" in render_page(told[::2], AT)
    assert "Nothing was given to explain." in render_page([], AT)


def test_what_decided_and_what_lacked_stand_apart(page: Callable[..., str]) -> None:
    """Rules with their conditions, those that nearly fired with what they lack, others by name; terms below."""
    html = page("rage")
    for words in (
        "Rules that decided",
        ">trial<",
        "in shadow",
        "Rules that did not fire, and what they lack",
        "hate &gt;= 0.85 (it is 0.61)",
        "Rules that had nothing to fire for",
        "<dt>Shadow</dt>",
        "<dt>Severity</dt>",
        "<dt>Tier</dt>",
    ):
        assert words in html, words


def test_texts_are_covered(page: Callable[..., str]) -> None:
    """They are in the file once, as texts, and open by a click; what was replaced, too."""
    html = without_own_script(page("a blast <script>"))
    assert "<script" not in html
    assert (
        '<summary>Show the text</summary><div class="text"><span>a <mark>blast<sup>1</sup></mark> &lt;script&gt;'
        in html
    )
    html = page("a blast", "output")
    assert "What was replaced" in html
    assert '<div class="text">blast</div></details></td><td data-label="After">[X]' in html


def test_what_could_not_be_judged_is_said(scoring: Callable[..., Guard]) -> None:
    """Such a page does not look like one of a text that is judged."""
    guard = scoring("  - {id: r, on: input, when: custom.own >= 0.5, then: block}")
    html = render_page([ExplainedContent("n", explain(guard, "0.1 broken", passes=0))], AT)
    assert "<strong>n could not be judged: " in html
    assert "mend that, and explain it again." in html
