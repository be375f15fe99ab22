"""Figures: known answers, and what holds for any counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.evaluate.metrics import (
    ConfusionCounts,
    auprc,
    auprc_interval,
    auroc,
    calibrate,
    exact_interval,
    percentile,
    recall_at,
    rows_needed,
)
from tests.cases import each_case

SOME = st.integers(0, 60)
COUNTS = st.builds(ConfusionCounts, SOME, SOME, SOME, SOME)
NAMES = ("precision", "recall", "f1", "fpr", "accuracy")


def test_figures_are_those_of_the_book() -> None:
    """8 found rightly, 2 falsely, 4 missed, 86 left alone."""
    counts = ConfusionCounts(8, 2, 4, 86)
    assert counts.precision == 0.8
    assert counts.recall == pytest.approx(8 / 12)
    assert counts.fpr == pytest.approx(2 / 88)
    assert counts.f1 == pytest.approx(16 / 22)
    assert counts.accuracy == 0.94


@each_case(
    ("counts", "unknown"),
    [
        (ConfusionCounts(), NAMES),
        (ConfusionCounts(tn=3), ("precision", "recall", "f1")),
        (ConfusionCounts(fn=3), ("precision", "fpr")),
        (ConfusionCounts(fp=3), ("recall", "f1")),
    ],
)
def test_a_figure_without_rows_is_not_known(counts: ConfusionCounts, unknown: tuple[str, ...]) -> None:
    """It is None, with its interval, never 0 or 1."""
    assert tuple(name for name in NAMES if getattr(counts, name) is None) == unknown
    assert tuple(name for name in NAMES if counts.interval(name) is None) == unknown


@each_case(
    ("part", "of", "low", "high"),
    [
        # Clopper and Pearson's intervals as tables and R's binom.test give them.
        (0, 10, 0.0, 0.30850),
        (10, 10, 0.69150, 1.0),
        (5, 10, 0.18709, 0.81291),
        (1, 20, 0.00127, 0.24873),
        (90, 100, 0.82378, 0.95100),
    ],
)
def test_intervals_of_shares_are_exact(part: int, of: int, low: float, high: float) -> None:
    """They agree with published values."""
    assert exact_interval(part, of) == pytest.approx((low, high), abs=2e-5)


@given(st.integers(0, 30), st.integers(0, 30))
def test_the_ends_of_an_interval_leave_its_tails(part: int, rest: int) -> None:
    """So many or more have a chance of 2.5 % at the lower end, so many or fewer at the upper one."""
    of = part + rest
    if not of:
        return
    low, high = exact_interval(part, of)

    def chance(counts: range, share: float) -> float:
        return sum(math.comb(of, each) * share**each * (1 - share) ** (of - each) for each in counts)

    assert part == 0 or chance(range(part, of + 1), low) == pytest.approx(0.025, rel=1e-6)
    assert part == of or chance(range(part + 1), high) == pytest.approx(0.025, rel=1e-6)


@given(COUNTS)
def test_an_interval_holds_its_figure(counts: ConfusionCounts) -> None:
    """Whatever the counts, and its ends are shares."""
    for name in ("precision", "recall", "fpr", "accuracy"):
        value, ends = getattr(counts, name), counts.interval(name)
        if value is not None:
            assert ends is not None
            assert 0 <= ends[0] <= value + 1e-9
            assert value - 1e-9 <= ends[1] <= 1


@given(st.integers(0, 40), st.integers(0, 40), st.integers(2, 5))
def test_more_rows_make_an_interval_narrower(part: int, rest: int, times: int) -> None:
    """The same share of more rows is surer."""
    if part + rest == 0:
        return
    low, high = exact_interval(part, part + rest)
    closer = exact_interval(times * part, times * (part + rest))
    assert closer[1] - closer[0] <= high - low + 1e-9


@given(st.floats(0.001, 0.5))
def test_so_many_rows_without_a_fault_show_a_rate(rate: float) -> None:
    """As many as are needed do, one fewer do not: 299 for 1 %."""
    count = rows_needed(rate)
    assert exact_interval(0, count, sides=1)[1] <= rate + 1e-9
    assert count == 1 or exact_interval(0, count - 1, sides=1)[1] > rate - 1e-9
    assert rows_needed(0.01) == 299


def test_the_interval_of_f1_holds_it_and_is_the_same_each_time() -> None:
    """It comes from draws, always the same ones."""
    counts = ConfusionCounts(40, 5, 10, 200)
    low, high = counts.interval("f1") or (1.0, 0.0)
    assert counts.f1 is not None
    assert low < counts.f1 < high
    assert counts.interval("f1") == (low, high)


SCORED = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.sampled_from([0.0, 0.1, 0.4, 0.5, 0.9, 1.0])),
    min_size=2,
    max_size=40,
).filter(lambda rows: 0 < sum(label for label, _ in rows) < len(rows))


@given(SCORED)
def test_areas_are_those_of_their_definitions(rows: list[tuple[int, float]]) -> None:
    """The pairs in the right order, and the mean precision at each hit, rows of one score together."""
    label, score = (np.array(column) for column in zip(*rows, strict=True))
    pairs = [(a > b) + (a == b) / 2 for a in score[label == 1] for b in score[label == 0]]
    assert auroc(label, score) == pytest.approx(sum(pairs) / len(pairs))
    area, before = 0.0, 0.0
    for cut in sorted({*score.tolist()}, reverse=True):
        recall = float((label[score >= cut]).sum() / label.sum())
        area += (recall - before) * float(label[score >= cut].mean())
        before = recall
    assert auprc(label, score) == pytest.approx(area)


def test_the_interval_of_an_area_holds_it() -> None:
    """A sure detector has an interval of no width, an unsure one has one around its area."""
    label = np.array([0, 1] * 50)
    assert auprc_interval(label, label.astype(float)) == (1.0, 1.0)
    score = np.linspace(0, 1, 100) + label * 0.2
    low, high = auprc_interval(label, score)
    assert low < auprc(label, score) < high


def test_recall_at_a_rate_of_false_alarms() -> None:
    """With two harmless rows of ten above, half the harmful ones are above the third."""
    label = np.array([0] * 10 + [1] * 4)
    score = np.array([*np.arange(10) / 10, 0.75, 0.95, 0.2, 0.1])
    assert recall_at(label, score, 0.2) == 0.5


def test_calibration_is_by_bins() -> None:
    """Two bins: 0.25 of 0.2, 1.0 of 0.9; the error is their distances, by rows."""
    found = calibrate(np.array([0, 0, 0, 1, 1, 1]), np.array([0.2] * 4 + [0.9] * 2))
    assert found is not None
    assert [(each.low, each.rows, each.score, each.share) for each in found.bins] == [
        (0.2, 4, pytest.approx(0.2), 0.25),
        (0.9, 2, pytest.approx(0.9), 1.0),
    ]
    assert found.ece == pytest.approx((4 * 0.05 + 2 * 0.1) / 6)
    assert found.brier == pytest.approx((3 * 0.04 + 0.64 + 2 * 0.01) / 6)
    assert calibrate(np.array([]), np.array([])) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_all_scores_have_a_bin(scores: list[float]) -> None:
    """No row is lost, at the edges neither."""
    found = calibrate(np.ones(len(scores), int), np.array(scores))
    assert found is not None
    assert sum(each.rows for each in found.bins) == len(scores)
    assert not math.isnan(found.ece)


def test_percentiles_are_values_that_were_there() -> None:
    """The nearest rank; nothing of nothing."""
    values = [float(each) for each in range(1, 101)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.95, 0.99, 1.0)] == [
        1.0,
        50.0,
        95.0,
        99.0,
        100.0,
    ]
    assert percentile([], 0.5) is None
