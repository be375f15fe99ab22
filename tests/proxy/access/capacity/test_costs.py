"""What requests take, by their size."""

from __future__ import annotations

import pytest

from guardrails.proxy.access.capacity.costs import Cost, CostTable

FIRST = Cost(0.5, 0.25)


def test_until_something_was_measured_the_first_estimate_holds() -> None:
    """For every size, none and the largest that there is included."""
    table = CostTable(FIRST)
    assert [table.estimate(size) for size in (0, 1, 5_000, 1 << 60)] == [FIRST] * 4


@pytest.mark.parametrize(
    ("size", "factor"),
    [(1_000, 1.0), (600, 1.0), (4_000, 4.0), (1 << 20, 2.0**11), (250, 0.25), (0, 2.0**-10)],
)
def test_what_was_not_measured_is_scaled_from_what_was(size: int, factor: float) -> None:
    """In proportion to the size, by powers of two."""
    table = CostTable(FIRST)
    table.learn(1_000, 0.010, 0.020)
    assert table.estimate(size) == pytest.approx((0.010 * factor, 0.020 * factor))


def test_smaller_neighbours_come_first() -> None:
    """Between two sizes that were measured, what a request takes grows with its size."""
    table = CostTable(FIRST)
    table.learn(100, 0.001, 0.0)
    table.learn(10_000, 9.0, 0.0)
    assert table.estimate(200).cpu_s == pytest.approx(0.002)


def test_a_cost_approaches_another() -> None:
    """By a part of what lies between them."""
    assert Cost(1.0, 4.0).approach(Cost(3.0, 0.0), 0.25) == Cost(1.5, 3.0)
    assert Cost(1.0, 4.0).scale(2.0) == Cost(2.0, 8.0)


def test_the_last_requests_count_most() -> None:
    """The first ones are averaged; then each counts for a tenth, so that a change shows within some dozens."""
    table = CostTable(FIRST)
    for _ in range(5):
        table.learn(100, 0.0, 1.0)
        table.learn(100, 0.2, 1.0)
    assert table.estimate(100) == pytest.approx((0.1, 1.0), abs=0.02)
    for _ in range(50):
        table.learn(100, 0.4, 1.0)
    assert table.estimate(100).cpu_s == pytest.approx(0.4, rel=0.01)
