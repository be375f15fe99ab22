"""How far each client may go."""

from __future__ import annotations

import pytest

from guardrails.proxy.access.capacity.fairness import LEAST_BOUND, OWN_BOUND, bound_for
from tests.cases import each_case


@each_case(
    ("held", "bound"),
    [
        ({}, 1.0),
        ({"other": 0.9}, 1.0),
        ({"own": 0.4, "other": 0.5}, OWN_BOUND),
        ({"own": 0.1, "other": 0.5}, 1.0),
        ({"own": 0.6}, OWN_BOUND),
        ({"own": 0.6, "other": 0.2}, OWN_BOUND * 0.4 / 0.6),
        ({"own": 0.7, **{str(at): 0.01 for at in range(9)}}, LEAST_BOUND),
    ],
)
def test_who_holds_more_than_others_may_have_less(held: dict[str, float], bound: float) -> None:
    """All of a bound below an equal part of one more than there are, and a part of it from there on."""
    total = sum(held.values())
    assert bound_for("own", held, total, 1.0) == pytest.approx(bound)
    assert bound_for("own", held, total, 3.0) == pytest.approx(3.0 * bound)
