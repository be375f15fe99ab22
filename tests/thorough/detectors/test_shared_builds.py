"""Policies that share detectors, each beside a process of its own."""

from __future__ import annotations

from tests.cases import widen
from tests.detectors import test_shared_builds as short

test_verdicts_are_those_of_a_process_that_has_one_policy = widen(
    short.test_verdicts_are_those_of_a_process_that_has_one_policy, "beside", [2]
)
