"""How the report on checked contents begins, and how it explains its terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from guardrails import Guard
from guardrails.authoring.reports.check_report import CheckedContent, render_report
from tests.cases import each_case

POLICY = """
detectors: {word: {use: terms, category: custom.word, terms: [badword]}, other: {use: terms, category: custom.other, terms: [oddword]}}
rules:
  - {id: word, on: input, when: custom.word > 0, then: block}
  - {id: other, on: input, when: custom.other > 0, then: flag, mode: shadow}
"""
AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@each_case(
    ("texts", "said"),
    [
        ((), "0 checked: 0 blocked, 0 redacted, 0 flagged, 0 allowed.</strong> Nothing was given to check."),
        (("hello",), "1 allowed.</strong> There is nothing to do"),
        (("hello", "a badword"), "</strong> Begin with text 2: if that is wrong, <code>guardrails explain</code> tells"),
    ],
)  # fmt: skip
def test_the_page_begins_with_what_to_do(
    texts: Sequence[str], said: str, guard_of: Callable[..., Guard]
) -> None:
    """How many of each, what to look at first, and by which policy and when."""
    guard = guard_of(POLICY)
    judged = [CheckedContent(f"text {at}", text, guard.check(text)) for at, text in enumerate(texts, 1)]
    html = render_report(judged, at=AT)
    assert said in html
    assert html.index(said) < html.index("Date: 2026-01-02 03:04 UTC.")
    assert html.count("Policy: ") == min(len(texts), 1)


def test_terms_stand_under_the_tables(guard_of: Callable[..., Guard]) -> None:
    """Those that are used, and no other."""
    guard = guard_of(POLICY)
    html = render_report([CheckedContent("t", "a badword", guard.check("a badword"))])
    assert "<dt>block</dt>" in html
    assert "<dt>Severity</dt>" in html
    assert "<dt>Score</dt>" in html
    assert "<dt>Shadow</dt>" not in html
    html = render_report([CheckedContent("t", "an oddword", guard.check("an oddword"))])
    assert "<dt>Shadow</dt>" in html
