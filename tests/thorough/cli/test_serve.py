"""Servers of one process and of several."""

from __future__ import annotations

from tests.cases import widen
from tests.cli import test_serve as short

WORKERS = ("1", "2")

test_serves_what_the_first_upstream_that_can_answers = widen(
    short.test_serves_what_the_first_upstream_that_can_answers, "workers", WORKERS
)
test_the_policy_is_loaded_anew = widen(short.test_the_policy_is_loaded_anew, "workers", WORKERS)
test_a_policy_is_tried_beside_and_the_log_says_whether_it_is_ready = widen(
    short.test_a_policy_is_tried_beside_and_the_log_says_whether_it_is_ready, "workers", WORKERS
)
test_a_weaker_policy_waits_for_sighup = widen(short.test_a_weaker_policy_waits_for_sighup, "workers", WORKERS)
