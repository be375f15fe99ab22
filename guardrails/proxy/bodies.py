"""Bodies of requests on their way in: how much of all of them one process holds at a time.

What every request may hold without asking (`FREE`) is room for a conversation; pictures need more, and share a room of their own.
Where that is full, requests with much are told to come back, and those with little go on.
"""

from __future__ import annotations

from typing import Final

FREE: Final = 1 << 20
"""Bytes that a request may hold, whatever the others do."""

SHARE: Final = "guardrails.share"
"""Key of a scope under which the share of a request stands."""


class Bodies:
    """What all requests of one process hold above what is free.

    Attributes:
        held: in bytes.
    """

    def __init__(self) -> None:
        self.held = 0


class Share:
    """What one request holds of it, from its first byte until it is served."""

    def __init__(self, bodies: Bodies, most: int) -> None:
        self._bodies, self._most = bodies, most
        self._size = self._held = 0

    def takes(self, size: int) -> bool:
        """Hold so many bytes more; tell whether there was room. One who is alone has all that there is."""
        more = max(0, self._size + size - FREE) - self._held
        others = self._bodies.held - self._held
        if others and more > self._most - self._bodies.held:
            return False
        self._size += size
        self._held += more
        self._bodies.held += more
        return True

    def release(self) -> None:
        """Hold nothing any more."""
        self._bodies.held -= self._held
        self._size = self._held = 0
