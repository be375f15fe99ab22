"""The report on a measured policy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from guardrails import Guard
from guardrails.authoring.evaluate.evaluation import EvaluationTally, judge_rows
from guardrails.authoring.evaluate.evaluation_report import (
    build_figure_table,
    render_cells,
    render_decision,
    render_report,
    render_unjudged,
)
from guardrails.authoring.evaluate.measurements import PolicyEvaluation
from guardrails.authoring.reports.report_source import DataSet, ReportSource
from guardrails.authoring.rows import ContentRow
from guardrails.types import Action
from tests.authoring.reports.report_kit import without_own_script

RULES = "  - {id: r, on: input, when: custom.own >= 0.5, then: block}"


@pytest.fixture
def made(scoring: Callable[..., Guard]) -> Callable[..., PolicyEvaluation]:
    """Return a function: texts with whether each is harmful in, what is measured out."""

    def make(*given: tuple[str, bool | None], **more: object) -> PolicyEvaluation:
        guard = scoring(RULES)
        tally = EvaluationTally(guard.policy, by="lang", **more)
        for at, (text, label) in enumerate(given):
            labels = {} if label is None else {"custom.own": label, "benign": not label}
            for row, said in judge_rows(guard, [ContentRow(f"f:{at}", "input", text, labels, lang="en")]):
                assert not isinstance(said, str)
                tally.add(row, said)
        return tally.result()

    return make


GIVEN = (("0.9 <script>", True), ("0.1 <script>", True), ("0.8 <script>", False), ("0.2", False))


@pytest.mark.parametrize(
    ("given", "more", "said"),
    [
        (
            GIVEN,
            {},
            "Stopped are 50.0 % (1.3 to 98.7 %) of 2 harmful rows and 50.0 % (1.3 to 98.7 %) of 2 harmless rows.",
        ),
        (GIVEN[:1], {}, "Stopped are 100.0 % (2.5 to 100.0 %) of 1 harmful rows."),
        (
            GIVEN[3:],
            {"stopped": Action.FLAG},
            "With flag or stricter end 0.0 % (0.0 to 97.5 %) of 1 harmless rows.",
        ),
        (
            [("0.5", None)],
            {},
            "The rows do not say what is harmful, so that nothing can be said of the decision.",
        ),
    ],
)
def test_the_decision_is_one_sentence(
    given: object, more: dict[str, object], said: str, made: Callable[..., PolicyEvaluation]
) -> None:
    """What is stopped, with how sure that is."""
    assert render_decision(made(*given, **more)) == said


def test_what_was_not_judged_is_told(made: Callable[..., PolicyEvaluation]) -> None:
    """The rows, and the detectors that failed, by name."""
    rows, detectors = render_unjudged(made(("0.1 broken", False)))
    assert rows.startswith("1 rows could not be judged: f:0: the input could not be checked (crash)")
    assert detectors == "detector own failed in 1 rows; of them only what is certain counts"
    assert [*render_unjudged(made(*GIVEN))] == []


def test_figures_are_in_rows(made: Callable[..., PolicyEvaluation]) -> None:
    """Each share with its interval."""
    result = made(*GIVEN)
    assert render_cells(result.rules["r"]) == (
        "2",
        "2",
        "50.0 % (1.3-98.7)",
        "50.0 % (1.3-98.7)",
        "50.0 % (1.3-98.7)",
        "0.500",
        "0.750",
    )
    heads, own = build_figure_table("Category", result.categories)
    assert dict(zip(heads, own, strict=True))["Found from"] == "0.5"


def test_all_is_on_the_page(made: Callable[..., PolicyEvaluation]) -> None:
    """Tables, charts of what becomes of the rows, of precision and recall and of calibration, limits that are broken, and texts as texts."""
    html = render_report(made(*GIVEN), ["decision f1 >= 0.9: it is 0.5"])
    for part in (
        "Limit not kept: ",
        "Rules: does each",
        "Categories: does each",
        "by group",
        "How long it takes",
    ):
        assert part in html
    assert html.count('role="img"') == 3
    html = without_own_script(html)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert (
        "script"
        not in render_report(made(*GIVEN), texts=False).partition("<main>")[2].partition("</main>")[0]
    )


def test_without_labels_there_is_a_page_all_the_same(made: Callable[..., PolicyEvaluation]) -> None:
    """It says that nothing is known."""
    html = render_report(made(("0.9", None)))
    assert "The rows do not say what is harmful" in html
    assert html.count('role="img"') == 1
    assert 'aria-label="unlabelled: 1 block"' in html


SOURCE = ReportSource("p.yaml", (DataSet("-"), DataSet("log:x")), datetime(2026, 1, 2, 3, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given", "tunable", "said"),
    [
        (GIVEN, {"r"}, "Stops 50 % of what is harmful and 50 % of what is harmless</strong>; the rule with most false alarms is <strong>r</strong>: tune it with <code>guardrails tune --policy p.yaml --on - log:x --rule r"),
        (GIVEN, set(), "is <strong>r</strong>: look at its rows below"),
        (GIVEN[:2], {"r"}, "Stops 50 % of what is harmful</strong>; the rule with most misses is"),
        (GIVEN[3:], {"r"}, "Stops 0 % of what is harmless</strong>; no rule errs on these rows"),
        ([("0.5", None)], {"r"}, "nothing can be said of the policy</strong>; give the rows labels."),
    ],
)  # fmt: skip
def test_the_page_begins_with_what_to_do(
    given: object, tunable: set[str], said: str, made: Callable[..., PolicyEvaluation]
) -> None:
    """How good it is, which rule errs most and what to do about it; then the data, the date and the policy, then plots."""
    html = render_report(made(*given), source=SOURCE, tunable=tunable)
    assert said in html
    assert html.index(said) < html.index("Data: standard input; log:x") < html.index('<div class="charts">')
    assert "Date: 2026-01-02 03:04 UTC." in html


@pytest.mark.parametrize(
    ("given", "there", "not_there"),
    [
        (GIVEN, "<h2>Rules: does each", "Rules that no labelled row"),
        (GIVEN[3:], "Rules that no labelled row is for", "<h2>Rules: does each"),
        ([("0.5", None)], "No labelled row at all: r", "<h2>Rules: does each"),
    ],
)
def test_rules_that_no_row_is_for_stand_apart(
    given: object, there: str, not_there: str, made: Callable[..., PolicyEvaluation]
) -> None:
    """Not as rows of dashes among the others."""
    html = render_report(made(*given))
    assert there in html
    assert not_there not in html


def test_texts_are_covered(made: Callable[..., PolicyEvaluation]) -> None:
    """They open by a click, and terms are explained under the tables."""
    html = render_report(made(*GIVEN))
    assert html.count("<details><summary>Show the text</summary>") == 2
    for term in ("Precision", "AUPRC", "Calibration error", "Brier score"):
        assert f"<dt>{term}</dt>" in html
