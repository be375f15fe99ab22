"""What requests take, by their size."""

from __future__ import annotations

import pytest

from guardrails.proxy.access.capacity.costs import CLIENTS, LEAST_PART, Cost, CostsByClient, CostTable
from tests.cases import each_case

FIRST = Cost(0.5, 0.25)


def test_until_something_was_measured_the_first_estimate_holds() -> None:
    """For every size, none and the largest that there is included."""
    table = CostTable(FIRST)
    assert [table.estimate(size) for size in (0, 1, 5_000, 1 << 60)] == [FIRST] * 4


@each_case(
    ("size", "factor"),
    [(1_000, 1.0), (600, 1.0), (4_000, 4.0), (1 << 20, 2.0**11), (250, 0.25), (0, 2.0**-10)],
)
def test_what_was_not_measured_is_scaled_from_what_was(size: int, factor: float) -> None:
    """In proportion to the size, by powers of two."""
    table = CostTable(FIRST)
    table.learn(1_000, Cost(0.010, 0.020))
    assert table.estimate(size) == pytest.approx((0.010 * factor, 0.020 * factor))


def test_smaller_neighbours_come_first() -> None:
    """Between two sizes that were measured, what a request takes grows with its size."""
    table = CostTable(FIRST)
    table.learn(100, Cost(0.001, 0.0))
    table.learn(10_000, Cost(9.0, 0.0))
    assert table.estimate(200).cpu_s == pytest.approx(0.002)


def test_a_cost_approaches_another() -> None:
    """By a part of what lies between them."""
    assert Cost(1.0, 4.0).approach(Cost(3.0, 0.0), 0.25) == Cost(1.5, 3.0)
    assert Cost(1.0, 4.0).approach(Cost(3.0, 0.0), 0.25, 0.5) == Cost(1.5, 2.0)
    assert Cost(1.0, 4.0).scale(2.0) == Cost(2.0, 8.0)


def test_estimates_rise_fast_and_fall_slowly() -> None:
    """A few requests that were answered from memory do not hide what the others take; a change shows within some dozens."""
    table = CostTable(FIRST)
    for _ in range(40):
        for cpu_s in (0.001, 0.001, 0.001, 0.2):
            table.learn(100, Cost(cpu_s, 1.0))
    assert table.estimate(100).cpu_s > 0.07  # a mean would be .05
    assert table.estimate(100).busy_s == pytest.approx(1.0)
    for _ in range(60):
        table.learn(100, Cost(0.001, 1.0))
    assert table.estimate(100).cpu_s == pytest.approx(0.001, abs=0.001)


def test_who_asks_for_what_is_remembered_is_expected_to_ask_for_that() -> None:
    """Its own requests tell most, and a stranger's are expected to take what those of all did."""
    costs = CostsByClient(FIRST)
    for _ in range(60):
        costs.learn("dear", 1_000, Cost(0.2, 0.0))
        costs.learn("cheap", 1_000, Cost(0.08, 0.0))
    assert costs.estimate("dear", 1_000).cpu_s == pytest.approx(0.2)
    assert costs.estimate("cheap", 1_000).cpu_s == pytest.approx(0.08, rel=0.05)
    assert 0.08 < costs.estimate("stranger", 1_000).cpu_s < 0.2


def test_a_client_cannot_teach_that_dear_requests_are_cheap() -> None:
    """Neither for itself nor for others, however often it asks for what is remembered; one dear request tells again."""
    costs = CostsByClient(FIRST)
    for _ in range(50):
        costs.learn("other", 20_000, Cost(0.25, 0.0))
    for _ in range(1_000):
        costs.learn("cunning", 20_000, Cost(0.001, 0.0))
    assert costs.estimate("stranger", 20_000).cpu_s > 0.1
    assert costs.estimate("cunning", 20_000).cpu_s > 0.1 * LEAST_PART
    costs.learn("cunning", 20_000, Cost(0.25, 0.0))
    assert costs.estimate("cunning", 20_000).cpu_s > 0.07
    assert costs.estimate("other", 20_000).cpu_s == pytest.approx(0.25)


def test_only_so_many_clients_are_remembered() -> None:
    """Who has not asked for longest is a stranger again."""
    costs = CostsByClient(FIRST)
    costs.learn("first", 100, Cost(0.2, 0.0))
    for at in range(CLIENTS):
        costs.learn(str(at), 100, Cost(0.1, 0.0))
    assert costs.estimate("first", 100) == costs.shared.estimate(100)
    assert costs.estimate("0", 100) != costs.estimate("first", 100)
