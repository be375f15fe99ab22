"""No text costs much more than prose of the same length. `benchmarks/cost_per_character.py` has the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from time import process_time

import pytest

from guardrails import Guard
from tests.hostile_texts import make_prose, make_text

SIZE = 8_000
MOST = 40.0
"""Times the cost of prose that needs no encoder, as most does: prose that needs it costs some sixty. What is measured beside other
tests varies."""

NAMES = ("random Unicode", "digits and dots", "Base64", "keys")
"""The dearest without a model, and with one."""

NUMBERS = count()


def seconds(guard: Guard, text: str) -> float:
    """Return the processor time of a check of a text that was not seen before, the least of three."""
    took: list[float] = []
    for _ in range(3):
        fresh = f"{text[:-6]}{next(NUMBERS):6}"
        started = process_time()
        guard.check(fresh, complete=True)
        took.append(process_time() - started)
    return min(took)


@pytest.fixture(scope="module")
def costs() -> Iterable[Callable[[str], float]]:
    """Return what tells how many times the cost of prose a text has under the default policy."""
    guard = Guard.load("default")
    guard.check(make_prose(SIZE))  # warms up
    base = sum(seconds(guard, make_prose(SIZE, seed)) for seed in range(3)) / 3
    return lambda text: seconds(guard, text) / base


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_text_costs_few_times_what_prose_does(costs: Callable[[str], float], name: str) -> None:
    """However it is made."""
    assert costs(make_text(name, SIZE)) <= MOST
