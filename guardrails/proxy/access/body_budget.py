"""Bodies of requests on their way in: how much of all of them one process holds at a time.

What every request may hold without asking (`FREE`) is room for a conversation; pictures need more, and share a room of their own.
Where that is full, requests with much are told to come back, and those with little go on. Requests that are served are counted;
those whose bodies are still on their way are not, so that what these hold of the free part has a limit of its own.
"""

from __future__ import annotations

import math
from typing import Final

FREE: Final = 1 << 20
"""Bytes that a request may hold, whatever the others do."""


class BodyBudget:
    """What all requests of one process hold, in bytes.

    Attributes:
        held: above what is free.
        coming: of what is free, by bodies that are still on their way.
    """

    def __init__(self) -> None:
        self.held = 0
        self.coming = 0


class BodyShare:
    """What one request holds of it, from its first byte until it is served."""

    def __init__(self, bodies: BodyBudget, most: int, most_coming: float = math.inf) -> None:
        """Hold nothing yet. `most` is for what all hold above what is free, `most_coming` for what is on its way below that."""
        self._bodies, self._most, self._most_coming = bodies, most, most_coming
        self._size = self._held = self._coming = 0

    def take(self, size: int) -> bool:
        """Hold so many bytes more; tell whether there was room. One who is alone has all that there is."""
        more = max(0, self._size + size - FREE) - self._held
        coming = min(FREE, self._size + size) - self._coming
        others = self._bodies.held - self._held
        if others and more > max(
            0, self._most - self._bodies.held
        ):  # one who was alone may hold more than there is
            return False
        if self._bodies.coming + coming > self._most_coming:
            return False
        self._size += size
        self._held += more
        self._bodies.held += more
        self._coming += coming
        self._bodies.coming += coming
        return True

    def mark_arrived(self) -> None:
        """Hold it as a request that is there as a whole."""
        self._bodies.coming -= self._coming
        self._coming = 0

    def release(self) -> None:
        """Hold nothing any more."""
        self.mark_arrived()
        self._bodies.held -= self._held
        self._size = self._held = 0
