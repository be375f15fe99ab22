"""Files of requests on the disk: how much all of them take, of one process.

An answer that is a film lies in a file until it is judged and sent. One alone is bounded by the policy's limits; many together by
what there may be. Where that is taken, who needs more is told to come back, and what is whole goes on.
"""

from __future__ import annotations

import threading

from guardrails.errors import GuardUnavailable


class DiskBudget:
    """What all files take.

    Attributes:
        held: in bytes.
    """

    def __init__(self, most: int) -> None:
        """Take how many bytes there may be together."""
        self.held = 0
        self._most = most
        self._lock = threading.Lock()

    def take(self, size: int, own: int) -> None:
        """Take so many bytes more for a file that has `own` already; one that is alone gets all that it needs.

        Raises:
            GuardUnavailable: there is no room.
        """
        with self._lock:
            if self.held > own and self.held + size > self._most:
                raise GuardUnavailable("there is no room on the disk for another file now")
            self.held += size

    def give_back(self, size: int) -> None:
        """Give bytes back."""
        with self._lock:
            self.held -= size
