"""Scores: the formulas of the calibration, what is settled, and that what is no number never passes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.inference.safety.folder import ModelError
from guardrails.inference.safety.scores import HeadCalibration
from tests.cases import each_case

ROWS: dict[str, dict[str, Any]] = {
    "toxic": {"hashed": [2, -1], "both": [1, 0.5, -0.25], "clear": 0.1, "sure": 0.9},
    "hate": {"hashed": [1, 0], "both": [0, 1, 0], "clear": 0.0, "sure": 1.0},
}
LOGITS = st.floats(-1000, 1000)


def sigmoid(logit: float) -> float:
    """Return the probability of a logit, in plain Python."""
    return 1 / (1 + math.exp(-max(-80.0, min(80.0, logit))))


def row(*logits: float) -> Any:
    """Return one row of logits."""
    return np.array([logits], dtype=np.float32)


@given(LOGITS, LOGITS)
def test_scores_are_what_the_formulas_say(encoder: float, hashed: float) -> None:
    """Each head has its own numbers."""
    calibration = HeadCalibration(("toxic", "hate"), ROWS)
    assert calibration.fast(row(hashed, hashed))[0] == pytest.approx(
        [sigmoid(2 * hashed - 1), sigmoid(hashed)], abs=1e-4
    )
    assert calibration.both(row(encoder, encoder), row(hashed, hashed))[0] == pytest.approx(
        [sigmoid(encoder + 0.5 * hashed - 0.25), sigmoid(hashed)], abs=1e-4
    )


@each_case(
    ("score", "expected"), [(0.0, True), (0.05, True), (0.1, False), (0.5, False), (0.9, False), (0.95, True)]
)
def test_the_fast_tier_settles_what_is_clear_or_sure(score: float, expected: bool) -> None:
    """Between the limits, and at them, the encoder is asked; limits of 0 and 1 leave it everything."""
    settled = HeadCalibration(("toxic", "hate"), ROWS).is_settled(row(score, score))
    assert settled.tolist() == [[expected, False]]


@each_case(("score", "expected"), [(0.0, True), (0.02, True), (0.025, False), (0.05, False), (0.95, False)])
def test_what_is_clear_by_far_is_a_part_of_what_is_clear(score: float, expected: bool) -> None:
    """A quarter of the limit here; what is sure is not clear."""
    clear = HeadCalibration(("toxic", "hate"), ROWS).is_clear(row(score, score), 0.25)
    assert clear.tolist() == [[expected, False]]


@each_case(
    ("scores", "settled", "by_far"),
    [
        ((0.3, 0.3), [True, True], [False, False]),
        ((0.3, 0.5), [False, False], [False, False]),
        ((0.5, 0.3), [False, False], [False, False]),
        ((0.05, 0.5), [True, False], [False, False]),
        ((0.09, 0.09), [True, True], [True, True]),
    ],
)
def test_a_text_is_settled_for_all_heads_where_none_is_above_its_limit(
    scores: tuple[float, float], settled: list[bool], by_far: list[bool]
) -> None:
    """`calm`, here 0.4, settles what `clear` does not; one head above it leaves each to its own limit."""
    rows = {head: {**row, "hashed": [1, 0], "calm": 0.4} for head, row in ROWS.items()}
    calibration = HeadCalibration(("toxic", "hate"), rows)
    given = row(*scores)
    assert calibration.is_settled(given).tolist() == [settled]
    assert calibration.is_clear(given, 0.25).tolist() == [by_far]


def test_heads_without_a_limit_are_not_settled_by_others() -> None:
    """Nor do they keep the others from it."""
    rows = {"toxic": {**ROWS["toxic"], "calm": 0.4}, "hate": ROWS["hate"]}
    settled = HeadCalibration(("toxic", "hate"), rows).is_settled(row(0.3, 0.9))
    assert settled.tolist() == [[True, False]]


@each_case("wrong", [math.nan, math.inf])
def test_what_is_no_number_is_an_error(wrong: float) -> None:
    """It is below every threshold, and would be a pass."""
    calibration = HeadCalibration(("toxic", "hate"), ROWS)
    with pytest.raises(ArithmeticError):
        calibration.fast(row(0.0, wrong))
    with pytest.raises(ArithmeticError):
        calibration.both(row(wrong, 0.0), row(0.0, 0.0))


@each_case(
    ("change", "message"),
    [
        ({"hashed": [1]}, "'hashed' in 'scores'"),
        ({"both": [1, 2, "x"]}, "'both' in 'scores'"),
        ({"clear": math.nan}, "'clear' in 'scores' is not 1 finite"),
        ({"sure": None}, "'sure' in 'scores'"),
        ({"calm": "low"}, "'calm' in 'scores'"),
    ],
)
def test_a_calibration_that_is_not_whole_is_an_error(change: dict[str, Any], message: str) -> None:
    """The message names the field."""
    rows = {**ROWS, "hate": {**ROWS["hate"], **change}}
    with pytest.raises(ModelError, match=message):
        HeadCalibration(("toxic", "hate"), rows)
