"""The page on what a change of a policy does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from guardrails.authoring.diff.change import PolicyVersion
from guardrails.authoring.diff.diff_page import MANY, render_html
from guardrails.authoring.diff.difference import PolicyDiff, compare_policies
from guardrails.authoring.diff.gates import parse_limit
from guardrails.authoring.diff.traffic import pairs
from guardrails.authoring.reports.report_source import DataSet, ReportSource
from guardrails.authoring.rows import ContentRow

Versions = Callable[..., tuple[PolicyVersion, PolicyVersion]]

SOURCE = ReportSource("a → b", (DataSet("t.jsonl", 2, "ab" * 32),), datetime(2026, 1, 2, 3, 4, tzinfo=UTC))


@pytest.fixture
def compared(versions: Versions) -> Callable[..., PolicyDiff]:
    """Return a function: texts and limits in, what a block that becomes a flag does to them out."""

    def make(*texts: str, **limits: str) -> PolicyDiff:
        old, new = versions(("then: block, message", "then: flag, message"))
        made = compare_policies(old, new)
        rows = [ContentRow(f"t.jsonl:{at}", "input", text) for at, text in enumerate(texts, 1)]
        pairs.compare_rows(*pairs.load_guards(old, new), rows, made.effects)
        made.judge({name: parse_limit(limit) for name, limit in limits.items()})
        return made

    return make


@pytest.mark.parametrize(
    ("texts", "limits", "said"),
    [
        ((), {}, "<strong>No traffic was judged.</strong> See what the change does with --on"),
        (("a forbidden one", "fine"), {"max_new_allows": "0"}, "1 of 2 decisions change (50.0%): 1 stopped or redacted before, and less now.</strong> Look at what changes below, and mend"),
        (("a forbidden one", "fine"), {"max_new_allows": "1"}, "The limits are kept; try it on live traffic with guardrails serve --shadow"),
        (("a forbidden one", "fine"), {}, "say how many may change with a limit such as --max-new-blocks"),
        (("fine",), {}, "0 of 1 decisions change (0.0%).</strong> Nothing here speaks against"),
    ],
)  # fmt: skip
def test_the_page_begins_with_what_to_do(
    texts: tuple[str, ...], limits: dict[str, str], said: str, compared: Callable[..., PolicyDiff]
) -> None:
    """The answer, how much changes, the next step; then the traffic, the policies and the date; then all else."""
    html = render_html(compared(*texts, **limits), SOURCE)
    assert said in html
    first = html.index("Data: t.jsonl (2 rows, sha256 abababababab)")
    assert html.index(said) < first < html.index("Date: 2026-01-02 03:04 UTC.") < html.index("<article>")


def test_texts_are_covered_and_terms_explained(compared: Callable[..., PolicyDiff]) -> None:
    """A text opens by a click; what a gate and a level are stands under their tables."""
    html = render_html(compared("a forbidden one", max_new_allows="0"))
    assert html.count("a forbidden one") == 1
    assert '<summary>Show the text</summary><div class="text">a forbidden one</div>' in html
    for term in ("Gate", "Level", "redact", "-stopped"):
        assert f"<dt>{term}</dt>" in html
    assert 'aria-label="Before: 1 block; After: 1 flag"' in html
    assert '<strong class="block">Not ready: ' in html


def test_a_log_of_decisions_is_told_without_policies() -> None:
    """Where none was loaded, the page says so, and it says how many rows are left out of it."""
    assert "Policy: as in the log." in render_html(PolicyDiff(None, None), SOURCE)
    many = PolicyDiff(None, None, warnings=["w"])
    assert "and " not in render_html(many).partition("<article>")[2].partition("</article>")[0]
    assert MANY > 100
