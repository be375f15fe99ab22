"""Where a server stands between its start and its end."""

from __future__ import annotations

from guardrails.proxy.server.processes.lifecycle import Lifecycle
from tests.cases import each_case


@each_case(
    ("warm", "draining", "ready"),
    [(False, False, False), (True, False, True), (True, True, False), (False, True, False)],
)
def test_a_server_is_ready_between_its_start_and_its_end(warm: bool, draining: bool, ready: bool) -> None:
    """Once it could serve, and until it is told to end."""
    assert Lifecycle(lambda: warm, draining).ready is ready


def test_one_that_says_nothing_is_not_ready() -> None:
    """As before its application has started."""
    assert not Lifecycle().ready
