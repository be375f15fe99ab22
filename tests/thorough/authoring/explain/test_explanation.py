"""Every test of every shipped policy, explained."""

from __future__ import annotations

from tests.authoring.explain import test_explanation as short
from tests.cases import widen

test_it_says_what_the_verdict_says = widen(short.test_it_says_what_the_verdict_says, "step", [1])
