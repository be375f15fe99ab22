"""The limits of policies as they are, with both parsers of PyYAML."""

from __future__ import annotations

from guardrails.policy.loading.compose import MAX_CHARACTERS, MAX_NODES
from tests.cases import widen
from tests.policy.loading import test_compose as short
from tests.policy.loading.test_compose import _loader, pytestmark  # noqa: F401 - a fixture and its use

test_limits_hold_exactly = widen(
    short.test_limits_hold_exactly, ("nodes", "characters"), [(MAX_NODES, MAX_CHARACTERS)]
)
