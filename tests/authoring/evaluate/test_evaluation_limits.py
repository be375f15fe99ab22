"""Limits that a measured policy must keep."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrails import Guard
from guardrails.authoring.evaluate.evaluation import Tally, judged
from guardrails.authoring.evaluate.evaluation_limits import Limit, LimitError, broken, check, least, most
from guardrails.authoring.evaluate.measurements import Evaluation
from guardrails.authoring.rows import Row


@pytest.fixture
def result(scoring: Callable[..., Guard]) -> Evaluation:
    """One of two harmful rows is found, and one of four harmless ones."""
    guard = scoring("  - {id: r, on: input, when: custom.own >= 0.5, then: block}")
    rows = [
        Row(f"f:{at}", "input", f"{score}", {"custom.own": label, "benign": not label})
        for at, (score, label) in enumerate(
            [(0.9, True), (0.1, True), (0.6, False), (0.2, False), (0.3, False), (0.4, False)]
        )
    ]
    tally = Tally(guard.policy)
    for row, verdict in judged(guard, rows):
        tally.add(row, verdict)
    return tally.result()


@pytest.mark.parametrize(
    ("limit", "read"),
    [
        (least("f1=0.8"), Limit("", "f1", 0.8)),
        (least("hate.block:recall = 90%"), Limit("hate.block", "recall", 0.9)),
        (least(" AUPRC=1 "), Limit("", "auprc", 1.0)),
        (most("1%"), Limit("", "fpr", 0.01)),
        (most("hate:0.5 %"), Limit("hate", "fpr", 0.005)),
        (most("0"), Limit("", "fpr", 0.0)),
    ],
)
def test_limits_are_read(limit: Limit, read: Limit) -> None:
    """Of the decision, or of a rule or category."""
    assert (limit.of, limit.figure) == (read.of, read.figure)
    assert limit.value == pytest.approx(read.value)


@pytest.mark.parametrize("text", ["", "f1", "f2=0.5", "f1=x", "fpr=0.1", "f1=1.5", "f1=150%", "a:b:f1=0.5"])
def test_what_is_no_least_is_told(text: str) -> None:
    """With what would be one."""
    with pytest.raises(LimitError):
        least(text)


@pytest.mark.parametrize("text", ["", "x", "f1=0.5", "150%", "1.5", "hate:", "-1%"])
def test_what_is_no_most_is_told(text: str) -> None:
    """With what would be one."""
    with pytest.raises(LimitError):
        most(text)


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (least("recall=50%"), None),
        (least("recall=51%"), "decision recall >= 0.51: it is 0.5"),
        (least("r:precision=0.5"), None),
        (least("custom.own:precision=0.6"), "custom.own precision >= 0.6: it is 0.5"),
        (least("r:auprc=0.6"), None),  # hits at ranks 1 and 6
        (least("r:auprc=0.7"), "r auprc >= 0.7: it is 0.6667"),
        (most("25%"), None),
        (most("24%"), "decision fpr <= 0.24: it is 0.25"),
        (least("auprc=0.1"), "decision auprc >= 0.1: no labelled rows to tell"),
    ],
)
def test_a_limit_is_kept_or_broken(limit: Limit, told: str | None, result: Evaluation) -> None:
    """The edge itself is kept; what nobody can tell is not."""
    assert broken([limit], result) == ([] if told is None else [told])


def test_a_limit_of_nothing_is_an_error(scoring: Callable[..., Guard]) -> None:
    """A name that is written wrong must not pass for ever; a rule that no row says anything about does not."""
    guard = scoring("  - {id: r, on: input, when: custom.own >= 0.5, then: block}")
    with pytest.raises(
        LimitError, match=r"'custom.owm' is no rule of policy tested, .*did you mean 'custom.own'"
    ):
        check([least("custom.owm:f1=0.1")], guard.policy)
    check([least("r:f1=0.1"), most("custom.own:1%"), most("1%")], guard.policy)
    assert broken([most("r:1%")], Tally(guard.policy).result()) == ["r fpr <= 0.01: no labelled rows to tell"]
