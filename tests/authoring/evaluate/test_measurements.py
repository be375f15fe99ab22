"""What was measured, as figures."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.evaluate.measurements import (
    EvaluationExample,
    LabelledScores,
    Measurement,
    PolicyEvaluation,
)
from guardrails.authoring.evaluate.metrics import ConfusionCounts
from guardrails.types import Action
from tests.cases import each_case


def scores_of(*rows: tuple[bool, float, bool]) -> LabelledScores:
    """Return rows: what each is, its score, whether it was found."""
    scores = LabelledScores()
    for row in rows:
        scores.add(*row)
    return scores


def test_figures_are_of_labels_scores_and_what_was_found() -> None:
    """Three of four in the right order: hits at ranks 1 and 3."""
    found = scores_of((True, 0.9, True), (False, 0.8, True), (True, 0.4, False), (False, 0.1, False))
    measured = found.measure(calibrated=True, at=(0.5,))
    assert measured.counts == ConfusionCounts(1, 1, 1, 1)
    assert measured.auprc == pytest.approx((1 + 2 / 3) / 2)
    assert measured.curve == ((0.5, 1.0), (0.5, 0.5), (1.0, pytest.approx(2 / 3)), (1.0, 0.5))
    assert measured.calibration is not None
    assert measured.calibration.brier == pytest.approx((0.01 + 0.64 + 0.36 + 0.01) / 4)
    assert measured.to_dict()["found_from"] == [0.5]


@each_case("label", [True, False])
def test_rows_of_one_kind_have_no_area(label: bool) -> None:
    """Nor a curve: there is nothing to tell them from."""
    measured = scores_of((label, 0.9, True), (label, 0.2, False)).measure(calibrated=False)
    assert (measured.auprc, measured.auprc_interval, measured.curve, measured.calibration) == (
        None,
        None,
        (),
        None,
    )
    assert Measurement(ConfusionCounts()).to_dict()["auprc"] is None


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.booleans()), max_size=30))
def test_no_row_is_lost(rows: list[tuple[bool, float, bool]]) -> None:
    """Every row is in one of the four counts, and an area is within its interval's reach."""
    measured = scores_of(*rows).measure(calibrated=True)
    counts = measured.counts
    assert counts.positive + counts.negative == len(rows)
    assert counts.tp + counts.fp == sum(found for _, _, found in rows)
    if measured.auprc is not None:
        assert 0 < measured.auprc <= 1
        # Rows without a score are found by no number: the curve ends before them.
        scored = sum(label for label, score, _ in rows if score > 0)
        assert max((recall for recall, _ in measured.curve), default=0) == pytest.approx(
            scored / counts.positive
        )


def test_all_of_it_is_plain_json() -> None:
    """Texts only where they are wanted, and every class of rows with every action."""
    case = EvaluationExample(0.9, "f:1", ("r",), "a text")
    result = PolicyEvaluation(
        policy={"name": "p", "version": "1", "digest": "sha256:0"},
        rows=1,
        decision=Measurement(ConfusionCounts(fp=1)),
        stopped=Action.REDACT,
        rules={"r": Measurement(ConfusionCounts(fp=1))},
        categories={},
        actions={(False, Action.BLOCK): 1},
        groups={"en": ConfusionCounts(fp=1)},
        latency={"total": (1.0, 2.0, 3.0)},
        errors={},
        unchecked={"language": 1},
        unread=0,
        unmeasured=("hate.threatening",),
        reasons=(),
        false=(case,),
        missed=(),
    )
    told = json.loads(json.dumps(result.to_dict()))
    assert told["actions"]["harmless"] == {"allow": 0, "flag": 0, "redact": 0, "block": 1}
    assert told["latency_ms"] == {"total": {"p50": 1.0, "p95": 2.0, "p99": 3.0}}
    assert told["stopped_from"] == "redact"
    assert told["examples"]["false_positives"] == [
        {"place": "f:1", "score": 0.9, "rules": ["r"], "text": "a text"}
    ]
    assert "a text" not in json.dumps(result.to_dict(texts=False))
