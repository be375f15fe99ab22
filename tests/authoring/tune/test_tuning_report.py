"""The report on a tuned rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.authoring.evaluate.metrics import ConfusionCounts
from guardrails.authoring.reports.report_source import DataSet, ReportSource
from guardrails.authoring.rows import ContentRow
from guardrails.authoring.tune.scored_rows import score_rows
from guardrails.authoring.tune.tune import TuningResult, tune_rule
from guardrails.authoring.tune.tuning_report import (
    format_interval,
    format_percent,
    render_report,
    render_verdict,
)
from guardrails.authoring.tune.tuning_selection import select_tuning
from guardrails.authoring.tune.tuning_target import parse_target
from tests.authoring.reports.report_kit import without_own_script

RULE = "  - {id: r, on: input, when: custom.own >= NOW, then: block}"


@pytest.fixture
def result(scoring: Callable[..., Guard]) -> Callable[..., TuningResult]:
    """Return a function: a target and the number now in, a tuned rule out; all rows below 0.6 but one are harmless."""

    def make(wanted: str, now: str = "0.1") -> TuningResult:
        guard = scoring(RULE.replace("NOW", now))
        rows = [
            ContentRow(
                f"f:{at}",
                "input",
                f"0.{at:02} <script>{at}</script>",
                {"custom.own": at >= 60 or at == 20},
                lang="de" if at % 2 else "en",
            )
            for at in range(10, 99)
        ]
        tuning = select_tuning(guard.policy)
        return tune_rule(
            tuning, score_rows(guard, tuning.rule, tuning.way, rows, tuning.truth), parse_target(wanted)
        )

    return make


def test_figures_are_as_people_read_them() -> None:
    """With one decimal, and a dash for what is not known."""
    assert (format_percent(0.0125), format_percent(None)) == ("1.2 %", "-")
    assert format_interval(ConfusionCounts(0, 0, 0, 10), "fpr") == "0.0 to 30.8 %"
    assert format_interval(ConfusionCounts(0, 0, 0, 10), "recall") == "-"


@pytest.mark.parametrize(
    ("wanted", "now", "said"),
    [
        ("fpr <= 0%", "0.1", "These numbers meet fpr <= 0%."),
        ("fpr <= 0%", "0.595", "The numbers meet fpr <= 0% as they are."),
    ],
)
def test_what_came_of_it_is_one_sentence(
    wanted: str, now: str, said: str, result: Callable[..., TuningResult]
) -> None:
    """Whether the target is met, and whether something changes."""
    assert render_verdict(result(wanted, now)) == said
    assert f"<strong>{said.replace('<', '&lt;')}</strong>" in render_report(result(wanted, now))


def test_all_is_on_the_page(result: Callable[..., TuningResult]) -> None:
    """Three charts, the figures, groups, what the policy does, and the worst rows, whose text is text."""
    html = render_report(result("recall >= 80%"))
    assert html.count('role="img"') == 3
    for title in (
        "What they do",
        "By language and source",
        "What the whole policy would do otherwise",
        "Worst misses",
    ):
        assert f"<h2>{title}" in html
    html = without_own_script(html)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_texts_can_be_left_out(result: Callable[..., TuningResult]) -> None:
    """Then only the places of rows are in the file."""
    html = render_report(result("recall >= 80%"), texts=False)
    assert "f:20" in html
    assert "<script" not in without_own_script(html)
    assert "&lt;script" not in html


@pytest.fixture(autouse=True)
def policy_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that is not a shipped one, where commands would be run."""
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text("format: 1")


SOURCE = ReportSource(
    "my.yaml",
    (DataSet("a b.jsonl", 89, "ab" * 32),),
    datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    ("--stage", "input"),
)


@pytest.mark.parametrize(
    ("wanted", "now", "policy", "said"),
    [
        (
            "fpr <= 0%",
            "0.1",
            "my.yaml",
            "--stage input --rule r --target &#x27;fpr &lt;= 0%&#x27; --write</code>",
        ),
        ("fpr <= 0%", "0.1", "default", "override the rule in one of your own"),
        ("fpr <= 0%", "0.595", "my.yaml", "the rule can stay as it is."),
        ("recall >= 100%", "0.1", "my.yaml", "then measure on other rows"),
    ],
)
def test_the_next_step_is_told(
    wanted: str, now: str, policy: str, said: str, result: Callable[..., TuningResult]
) -> None:
    """With a command that can be copied, after what is to be expected, and before what it was found on."""
    html = render_report(result(wanted, now), source=replace(SOURCE, policy=policy), policy="p 1.0.0")
    assert said in html
    assert "To be expected are " in html
    assert (
        html.index(said) < html.index("Data: a b.jsonl (89 rows, sha256 abababababab)") < html.index("<svg")
    )
    assert "Policy: p 1.0.0. Date: 2026-01-02 03:04 UTC." in html


def test_certainty_is_asked_for_again(result: Callable[..., TuningResult]) -> None:
    """A target that must be shown by the rows is so in the command, too."""
    made = result("recall >= 50%")
    sure = replace(made, target=replace(made.target, sure=True))
    assert "--target &#x27;recall &gt;= 50%&#x27; --sure --write" in render_report(sure, source=SOURCE)


def test_texts_are_covered(result: Callable[..., TuningResult]) -> None:
    """They open by a click, and terms are explained under the figures."""
    html = render_report(result("recall >= 80%"))
    assert html.count("<details><summary>Show the text</summary>") == html.count("&lt;script&gt;") > 0
    assert "<dt>F1</dt>" in html
