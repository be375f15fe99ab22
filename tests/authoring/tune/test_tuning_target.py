"""Targets, and the steps that meet them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.evaluate.metrics import ConfusionCounts
from guardrails.authoring.tune.thresholds import ThresholdPath, build_path, find_thresholds
from guardrails.authoring.tune.tuning_target import (
    TargetError,
    TuningTarget,
    build_curve,
    choose_step,
    parse_target,
)
from guardrails.policy.condition import compile_condition
from guardrails.policy.names import ConditionNames
from tests.cases import each_case


def way_of(now: str = "0.5") -> ThresholdPath:
    """Return the way of one threshold."""
    condition = compile_condition(f"hate >= {now}", ConditionNames({"a": frozenset({"hate"})}))
    return build_path(condition.text, find_thresholds(condition))


WAY = way_of()


def step(score: float) -> int:
    """Return the last step at which a row of that score fires."""
    return WAY.thresholds[0].highest(WAY.axis, score)


@each_case(
    ("text", "figure", "limit"),
    [
        ("fpr <= 1%", "fpr", 0.01),
        ("FPR<=0.01", "fpr", 0.01),
        ("fpr < 1 %", "fpr", 0.01),
        ("fpr = .5%", "fpr", 0.005),
        ("recall >= 95%", "recall", 0.95),
        ("  precision   >= 0.9 ", "precision", 0.9),
        ("recall>=100%", "recall", 1.0),
    ],
)
def test_targets_are_read(text: str, figure: str, limit: float) -> None:
    """In percent or as a share, with any blanks."""
    assert parse_target(text) == TuningTarget(figure, limit)


def test_costs_are_read() -> None:
    """A miss may cost more than a false alarm."""
    assert (
        parse_target("cost fp=1 fn=10")
        == parse_target("COST FP=1, FN=10")
        == TuningTarget("cost", fp=1, fn=10)
    )


@each_case(
    ("text", "sure", "reason"),
    [
        ("", False, "give one of"),
        ("fpr", False, "give one of"),
        ("f1 >= 0.9", False, "give one of"),
        ("fpr >= 1%", False, "fpr can be held <= a limit, not >="),
        ("recall <= 90%", False, "recall can be held >= a limit, not <="),
        ("fpr <= 150%", False, "150% is more than all"),
        ("recall >= 95", False, "95 is more than all"),
        ("cost fp=0 fn=0", False, "one of the costs must be more than 0"),
        ("cost fp=1 fn=1", True, "no limit that could be kept for sure"),
        ("fpr <= 0%", True, "no number of rows shows a limit of 0%"),
    ],
)
def test_what_is_no_target_is_told(text: str, sure: bool, reason: str) -> None:
    """With what would be one."""
    with pytest.raises(TargetError, match=reason):
        parse_target(text, sure=sure)


@each_case("text", ["fpr <= 1%", "recall >= 95%", "precision >= 12.5%", "cost fp=1 fn=2.5"])
def test_a_target_is_shown_as_it_can_be_given(text: str) -> None:
    """What is shown reads as the same."""
    assert str(parse_target(text)) == text


@each_case(
    ("text", "counts", "met", "shown"),
    [
        ("fpr <= 1%", ConfusionCounts(1, 0, 0, 299), True, True),
        ("fpr <= 1%", ConfusionCounts(1, 0, 0, 298), True, False),
        ("fpr <= 1%", ConfusionCounts(1, 3, 0, 297), True, False),
        ("fpr <= 1%", ConfusionCounts(1, 4, 0, 296), False, False),
        ("fpr <= 1%", ConfusionCounts(1, 0, 0, 0), False, False),
        ("recall >= 90%", ConfusionCounts(9, 0, 1, 0), True, False),
        ("recall >= 90%", ConfusionCounts(29, 0, 0, 0), True, True),
        ("precision >= 50%", ConfusionCounts(1, 1, 0, 0), True, False),
        ("precision >= 50%", ConfusionCounts(0, 0, 1, 1), False, False),
    ],
)
def test_a_target_is_met_and_shown(text: str, counts: ConfusionCounts, met: bool, shown: bool) -> None:
    """To be shown takes enough rows: 299 without a fault for 1 %."""
    assert parse_target(text).is_met(counts) is met
    assert parse_target(text).is_shown(counts) is shown
    assert parse_target(text, sure=True).is_met(counts) is (met and shown)


@each_case(
    ("text", "counts", "needs"),
    [
        ("fpr <= 1%", ConfusionCounts(1, 0, 0, 40), 299),
        ("recall >= 90%", ConfusionCounts(5, 0, 0, 9), 29),
        ("fpr <= 1%", ConfusionCounts(1, 1, 0, 99), None),
        ("cost fp=1 fn=1", ConfusionCounts(1, 1, 1, 1), None),
    ],
)
def test_how_many_rows_would_show_it(text: str, counts: ConfusionCounts, needs: int | None) -> None:
    """If as many of them go wrong; none do where too many go wrong."""
    assert parse_target(text).needs(counts) == needs


def test_more_rows_are_needed_where_some_go_wrong() -> None:
    """And that many do show it."""
    rows = parse_target("fpr <= 1%").needs(ConfusionCounts(1, 1, 0, 199)) or 0
    assert rows > 299
    twice = 2 * rows  # it is about as many
    assert parse_target("fpr <= 1%").is_shown(ConfusionCounts(1, twice // 200, 0, twice - twice // 200))


def test_a_curve_counts_what_fires() -> None:
    """At a step fires what fires up to it or further."""
    rows = build_curve(np.array([1, 1, 0, 0, 1]), np.array([-1, 2, 0, 2, 1]), 4)
    assert rows.tp.tolist() == [2, 2, 1, 0]
    assert rows.fp.tolist() == [2, 1, 1, 0]
    assert rows.counts_at(1) == ConfusionCounts(2, 1, 1, 1)


# Harmless rows at 0.1 .. 0.9 and 0.95, harmful ones at 0.35, 0.75, 0.92 and 0.97.
HARMLESS, HARMFUL = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95), (0.35, 0.75, 0.92, 0.97)


@each_case(
    ("text", "met", "low", "high"),
    [
        ("fpr <= 0%", True, 0.95, 0.97),
        ("fpr <= 10%", True, 0.9, 0.92),
        ("fpr <= 35%", True, 0.7, 0.75),
        ("fpr <= 100%", True, 0.3, 0.35),
        ("recall >= 25%", True, 0.95, 0.97),
        ("recall >= 50%", True, 0.9, 0.92),
        ("recall >= 100%", True, 0.3, 0.35),
        ("precision >= 100%", True, 0.95, 0.97),
        ("precision >= 60%", True, 0.9, 0.92),
        ("precision >= 20%", True, 0.3, 0.35),
        ("cost fp=1 fn=1.5", True, 0.9, 0.92),
        ("cost fp=1 fn=0.1", True, 0.95, 0.97),
        ("cost fp=1 fn=100", True, 0.3, 0.35),
    ],
)
def test_the_number_is_chosen_that_meets_it_best(text: str, met: bool, low: float, high: float) -> None:
    """It lies between the row that must not fire any more and the one that still must."""
    scores = (*HARMLESS, *HARMFUL)
    rows = build_curve(
        np.array([0] * len(HARMLESS) + [1] * len(HARMFUL)),
        np.array([step(each) for each in scores]),
        len(WAY.steps),
    )
    choice = choose_step(parse_target(text), rows, WAY)
    assert choice.met is met
    assert low < WAY.axis[choice.step] <= high


def test_the_written_number_stays_where_it_does_as_well() -> None:
    """Nothing is changed for nothing; else the shortest number in the middle is taken."""
    rows = build_curve(np.array([0, 1]), np.array([step(0.2), step(0.9)]), len(WAY.steps))
    assert WAY.axis[choose_step(parse_target("fpr <= 0%"), rows, WAY).step] == 0.5
    other = way_of("0.05")
    steps = np.array([other.thresholds[0].highest(other.axis, each) for each in (0.2, 0.9)])
    choice = choose_step(
        parse_target("fpr <= 0%"), build_curve(np.array([0, 1]), steps, len(other.steps)), other
    )
    assert other.axis[choice.step] in (0.5, 0.6)


@each_case(
    ("text", "harmless", "harmful", "closest"),
    [
        ("recall >= 100%", [0.5], [None, 0.8], (0.5, 0.8)),  # one has no score at all
        ("fpr <= 0%", [0.9], [0.8], (0.0, 0.8)),  # else it would find nothing
        ("precision >= 90%", [0.9, 0.2], [0.8, 0.3], (0.2, 0.3)),
    ],
)
def test_the_closest_is_named_where_none_meets_it(
    text: str, harmless: list[float], harmful: list[float | None], closest: tuple[float, float]
) -> None:
    """A rule that finds nothing meets no target."""
    scores = [*harmless, *harmful]
    steps = np.array([-1 if each is None else step(each) for each in scores])
    rows = build_curve(np.array([0] * len(harmless) + [1] * len(harmful)), steps, len(WAY.steps))
    choice = choose_step(parse_target(text), rows, WAY)
    assert not choice.met
    assert closest[0] < WAY.axis[choice.step] <= closest[1]


ROWS = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.integers(-1, len(WAY.steps) - 1)), min_size=1, max_size=40
)
TARGETS = st.sampled_from(
    ["fpr <= 0%", "fpr <= 10%", "fpr <= 30%", "recall >= 50%", "recall >= 90%", "precision >= 60%"]
)


@given(ROWS, TARGETS)
def test_no_other_step_does_better(given_: list[tuple[int, int]], text: str) -> None:
    """What is chosen meets the target on the rows that it was chosen by, and no step that does finds more; if none does, none does."""
    wanted = parse_target(text)
    label, steps = (np.array(column) for column in zip(*given_, strict=True))
    rows = build_curve(label, steps, len(WAY.steps))
    choice = choose_step(wanted, rows, WAY)
    edges = sorted({0, len(WAY.steps) - 1, *steps.tolist()} - {-1})  # between them nothing changes
    fine = [at for at in edges if wanted.is_met(rows.counts_at(at)) and rows.counts_at(at).tp]
    assert choice.met is bool(fine)
    if choice.met:
        best = rows.counts_at(choice.step)
        assert wanted.is_met(best)
        if wanted.figure == "recall":
            assert best.fp == min(rows.counts_at(at).fp for at in fine)
        else:
            assert best.tp == max(rows.counts_at(at).tp for at in fine)


@given(ROWS)
def test_stricter_targets_choose_stricter_numbers(given_: list[tuple[int, int]]) -> None:
    """The fewer false alarms are wanted, the less is found."""
    label, steps = (np.array(column) for column in zip(*given_, strict=True))
    rows = build_curve(label, steps, len(WAY.steps))
    choices = [choose_step(parse_target(f"fpr <= {limit}%"), rows, WAY) for limit in (50, 20, 5, 0)]
    found = [rows.counts_at(choice.step).tp for choice in choices if choice.met]
    assert found == sorted(found, reverse=True)
