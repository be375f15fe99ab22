"""How many requests are served at a time, and what their messages hold."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from guardrails.errors import GuardUnavailable
from guardrails.mcp.transport.requests_in_flight import RequestsInFlight
from tests.cases import each_case


@each_case(
    ("most", "agents", "refused"),
    [
        (4, "aab", None),
        (4, "aaa", "2 requests of this agent are under way"),
        (4, "aabbc", "4 requests are under way"),
        (1, "a", None),
        (1, "ab", "1 requests are under way"),
    ],
)
def test_places_are_bounded(most: int, agents: str, refused: str | None) -> None:
    """One agent has half of them; all are there again at the end."""
    requests = RequestsInFlight(most, 0)
    for _ in range(2):
        with ExitStack() as held:
            for agent in agents[: len(agents) - (refused is not None)]:
                held.enter_context(requests.enter(agent))
            if refused is not None:
                with pytest.raises(GuardUnavailable, match=refused):
                    held.enter_context(requests.enter(agents[-1]))


def test_a_place_is_given_back_once() -> None:
    """With what its message holds."""
    requests = RequestsInFlight(2, 0)
    with requests.enter("a") as slot:
        assert slot.message.take(5 << 20)
        with requests.enter("b") as other:
            assert not other.message.take(2 << 20)
            slot.release()
            slot.release()
            assert other.message.take(2 << 20)
            with requests.enter("a"):
                pass
