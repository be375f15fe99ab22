"""Every starter."""

from __future__ import annotations

from guardrails.policy.shipped import starter_names
from tests.cases import widen
from tests.cli.author import test_new as short

test_a_starter_is_written_with_its_tests_and_they_pass = widen(
    short.test_a_starter_is_written_with_its_tests_and_they_pass, "name", starter_names()
)
