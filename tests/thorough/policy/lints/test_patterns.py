"""Every pattern that is told to backtrack does so."""

from __future__ import annotations

from tests.cases import widen
from tests.policy.lints import test_patterns as short
from tests.policy.lints.conftest import *  # noqa: F403

test_what_is_told_does_take_too_long = widen(
    short.test_what_is_told_does_take_too_long, ("pattern", "evil"), short.EVIL
)
