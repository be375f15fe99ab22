"""Fuzzing at length: the corpus of each harness, and many inputs that are made of it."""

from __future__ import annotations

import pytest

from tests.fuzz.test_harnesses import check_changed_inputs
from tests.thorough.fuzz.harness import Harness
from tests.thorough.fuzz.harnesses import HARNESSES


@pytest.mark.parametrize("harness", HARNESSES, ids=lambda each: each.name)
def test_changed_inputs_hold_at_length(harness: Harness) -> None:
    """Files of the corpus, changed in places, and any bytes."""
    check_changed_inputs(harness, 4_000)
