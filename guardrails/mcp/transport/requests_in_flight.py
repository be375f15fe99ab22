"""The requests that a guard serves at a time: how many, of one agent and of all, and what their messages hold of the memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from guardrails.errors import GuardUnavailable
from guardrails.proxy.access.body_budget import BodyBudget, BodyShare

SHARE: Final = 2
"""Of so many parts one agent holds one at most."""


class RequestSlot:
    """The place of one request; `message` is what its body holds of the memory."""

    def __init__(self, counts: Counter[str], agent: str, message: BodyShare) -> None:
        self.message = message
        self._counts, self._agent = counts, agent
        self._is_held = True
        counts[agent] += 1

    def release(self) -> None:
        """Give the place back; twice does nothing more."""
        if self._is_held:
            self._is_held = False
            self._counts[self._agent] -= 1
            if not self._counts[self._agent]:
                del self._counts[self._agent]
            self.message.release()


class RequestsInFlight:
    """The requests that are served now. Used from one event loop.

    Args:
        most: how many there may be.
        most_bytes: what their messages may hold together, apart from the first MiB of each.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._counts: Counter[str] = Counter()
        self._bodies = BodyBudget()

    @contextmanager
    def enter(self, agent: str) -> Iterator[RequestSlot]:
        """Hold a place for a request of an agent within a block, or until the slot is released.

        Raises:
            GuardUnavailable: there is none, or the agent holds its share of them.
        """
        if self._counts.total() >= self._most:
            raise GuardUnavailable(f"{self._most} requests are under way")
        if self._counts[agent] >= max(1, self._most // SHARE):
            raise GuardUnavailable(f"{self._counts[agent]} requests of this agent are under way")
        slot = RequestSlot(self._counts, agent, BodyShare(self._bodies, self._most_bytes))
        try:
            yield slot
        finally:
            slot.release()
