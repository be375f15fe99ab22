"""Every text that is made to cost much."""

from __future__ import annotations

from tests.cases import widen
from tests.engine import test_cost_per_character as short
from tests.engine.test_cost_per_character import costs  # noqa: F401 - a fixture
from tests.hostile_texts import TEXTS

test_a_hostile_text_costs_few_times_what_prose_does = widen(
    short.test_a_hostile_text_costs_few_times_what_prose_does, "name", TEXTS
)
