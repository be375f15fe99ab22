"""Limits that a measured policy must keep."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrails import Guard
from guardrails.authoring.evaluate.evaluation import EvaluationTally, judge_rows
from guardrails.authoring.evaluate.evaluation_limits import (
    FigureLimit,
    LimitError,
    check_limits,
    find_broken_limits,
    parse_maximum,
    parse_minimum,
)
from guardrails.authoring.evaluate.measurements import PolicyEvaluation
from guardrails.authoring.rows import ContentRow
from tests.cases import each_case


@pytest.fixture
def result(scoring: Callable[..., Guard]) -> PolicyEvaluation:
    """One of two harmful rows is found, and one of four harmless ones."""
    guard = scoring("  - {id: r, on: input, when: custom.own >= 0.5, then: block}")
    rows = [
        ContentRow(f"f:{at}", "input", f"{score}", {"custom.own": label, "benign": not label})
        for at, (score, label) in enumerate(
            [(0.9, True), (0.1, True), (0.6, False), (0.2, False), (0.3, False), (0.4, False)]
        )
    ]
    tally = EvaluationTally(guard.policy)
    for row, verdict in judge_rows(guard, rows):
        tally.add(row, verdict)
    return tally.result()


@each_case(
    ("limit", "read"),
    [
        (parse_minimum("f1=0.8"), FigureLimit("", "f1", 0.8)),
        (parse_minimum("hate.block:recall = 90%"), FigureLimit("hate.block", "recall", 0.9)),
        (parse_minimum(" AUPRC=1 "), FigureLimit("", "auprc", 1.0)),
        (parse_maximum("1%"), FigureLimit("", "fpr", 0.01)),
        (parse_maximum("hate:0.5 %"), FigureLimit("hate", "fpr", 0.005)),
        (parse_maximum("0"), FigureLimit("", "fpr", 0.0)),
    ],
)
def test_limits_are_read(limit: FigureLimit, read: FigureLimit) -> None:
    """Of the decision, or of a rule or category."""
    assert (limit.subject, limit.figure) == (read.subject, read.figure)
    assert limit.value == pytest.approx(read.value)


@each_case("text", ["", "f1", "f2=0.5", "f1=x", "fpr=0.1", "f1=1.5", "f1=150%", "a:b:f1=0.5"])
def test_what_is_no_least_is_told(text: str) -> None:
    """With what would be one."""
    with pytest.raises(LimitError):
        parse_minimum(text)


@each_case("text", ["", "x", "f1=0.5", "150%", "1.5", "hate:", "-1%"])
def test_what_is_no_most_is_told(text: str) -> None:
    """With what would be one."""
    with pytest.raises(LimitError):
        parse_maximum(text)


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (parse_minimum("recall=50%"), None),
        (parse_minimum("recall=51%"), "decision recall >= 0.51: it is 0.5"),
        (parse_minimum("r:precision=0.5"), None),
        (parse_minimum("custom.own:precision=0.6"), "custom.own precision >= 0.6: it is 0.5"),
        (parse_minimum("r:auprc=0.6"), None),  # hits at ranks 1 and 6
        (parse_minimum("r:auprc=0.7"), "r auprc >= 0.7: it is 0.6667"),
        (parse_maximum("25%"), None),
        (parse_maximum("24%"), "decision fpr <= 0.24: it is 0.25"),
        (parse_minimum("auprc=0.1"), "decision auprc >= 0.1: no labelled rows to tell"),
    ],
)
def test_a_limit_is_kept_or_broken(limit: FigureLimit, told: str | None, result: PolicyEvaluation) -> None:
    """The edge itself is kept; what nobody can tell is not."""
    assert find_broken_limits([limit], result) == ([] if told is None else [told])


def test_a_limit_of_nothing_is_an_error(scoring: Callable[..., Guard]) -> None:
    """A name that is written wrong must not pass for ever; a rule that no row says anything about does not."""
    guard = scoring("  - {id: r, on: input, when: custom.own >= 0.5, then: block}")
    with pytest.raises(
        LimitError, match=r"'custom.owm' is no rule of policy tested, .*did you mean 'custom.own'"
    ):
        check_limits([parse_minimum("custom.owm:f1=0.1")], guard.policy)
    check_limits(
        [parse_minimum("r:f1=0.1"), parse_maximum("custom.own:1%"), parse_maximum("1%")], guard.policy
    )
    assert find_broken_limits([parse_maximum("r:1%")], EvaluationTally(guard.policy).result()) == [
        "r fpr <= 0.01: no labelled rows to tell"
    ]
