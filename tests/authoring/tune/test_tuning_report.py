"""The report on a tuned rule."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrails import Guard
from guardrails.authoring.evaluate.metrics import Counts
from guardrails.authoring.rows import Row
from guardrails.authoring.tune.scored_rows import scored
from guardrails.authoring.tune.tune import Tuned, tuned
from guardrails.authoring.tune.tuning_report import percent, report, spread, verdict
from guardrails.authoring.tune.tuning_selection import begin
from guardrails.authoring.tune.tuning_target import target

RULE = "  - {id: r, on: input, when: custom.own >= NOW, then: block}"


@pytest.fixture
def result(scoring: Callable[..., Guard]) -> Callable[..., Tuned]:
    """Return a function: a target and the number now in, a tuned rule out; all rows below 0.6 but one are harmless."""

    def make(wanted: str, now: str = "0.1") -> Tuned:
        guard = scoring(RULE.replace("NOW", now))
        rows = [
            Row(
                f"f:{at}",
                "input",
                f"0.{at:02} <script>{at}</script>",
                {"custom.own": at >= 60 or at == 20},
                lang="de" if at % 2 else "en",
            )
            for at in range(10, 99)
        ]
        tuning = begin(guard.policy)
        return tuned(tuning, scored(guard, tuning.rule, tuning.way, rows, tuning.truth), target(wanted))

    return make


def test_figures_are_as_people_read_them() -> None:
    """With one decimal, and a dash for what is not known."""
    assert (percent(0.0125), percent(None)) == ("1.2 %", "-")
    assert spread(Counts(0, 0, 0, 10), "fpr") == "0.0 to 30.8 %"
    assert spread(Counts(0, 0, 0, 10), "recall") == "-"


@pytest.mark.parametrize(
    ("wanted", "now", "said"),
    [
        ("fpr <= 0%", "0.1", "These numbers meet fpr <= 0%."),
        ("fpr <= 0%", "0.595", "The numbers meet fpr <= 0% as they are."),
    ],
)
def test_what_came_of_it_is_one_sentence(
    wanted: str, now: str, said: str, result: Callable[..., Tuned]
) -> None:
    """Whether the target is met, and whether something changes."""
    assert verdict(result(wanted, now)) == said
    assert f"<strong>{said.replace('<', '&lt;')}</strong>" in report(result(wanted, now))


def test_all_is_on_the_page(result: Callable[..., Tuned]) -> None:
    """Three charts, the figures, groups, what the policy does, and the worst rows, whose text is text."""
    html = report(result("recall >= 80%"))
    assert html.count('role="img"') == 3
    for title in (
        "What they do",
        "By language and source",
        "What the whole policy would do otherwise",
        "Worst misses",
    ):
        assert f"<h3>{title}" in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_texts_can_be_left_out(result: Callable[..., Tuned]) -> None:
    """Then only the places of rows are in the file."""
    html = report(result("recall >= 80%"), texts=False)
    assert "f:20" in html
    assert "script" not in html
