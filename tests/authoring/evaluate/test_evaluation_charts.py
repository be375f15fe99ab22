"""Plots of a measured policy."""

from __future__ import annotations

from collections.abc import Sequence

from guardrails.authoring.evaluate.evaluation_charts import is_graded
from guardrails.authoring.evaluate.measurements import LabelledScores
from tests.cases import each_case


@each_case(
    ("scores", "graded"),
    [([(True, 1.0), (True, 0.0), (False, 1.0), (False, 0.0)], False), ([(True, 0.9), (False, 0.2)], True)],
)
def test_lists_have_no_score_to_choose_by(scores: Sequence[tuple[bool, float]], graded: bool) -> None:
    """What finds with the score 1 or not at all has no curve that tells anything; scores that differ do."""
    told = LabelledScores()
    for truth, score in scores:
        told.add(truth, score, score > 0)
    assert is_graded(told.measure(calibrated=False)) is graded
