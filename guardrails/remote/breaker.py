"""A circuit breaker. No clock of its own.

Closed, all are sent. After `failures` in a row it is open: for `open_s` none is sent, and whoever asks has failed at once,
which costs nobody a time-out (what failing means is each rule's `on_error`, by default a block). Then one is sent to see:
that it succeeds closes it, that it fails opens it anew.
"""

from __future__ import annotations


class CircuitBreaker:
    """The state of one endpoint. `now` is any clock in seconds that never goes back."""

    def __init__(self, failures: int, open_s: float) -> None:
        self._most, self._open_s = failures, open_s
        self._failed = 0
        self._until = 0.0
        self._probing = False

    @property
    def is_closed(self) -> bool:
        """Whether requests end well, as far as is known."""
        return self._failed < self._most

    def remaining_wait(self, now: float) -> float:
        """Return 0.0 if a request may be sent now, else the seconds until one may."""
        if self._failed < self._most:
            return 0.0
        if now < self._until:
            return self._until - now
        return self._open_s if self._probing else 0.0

    def record_start(self) -> None:
        """Say that a request is sent; `record_end` must follow."""
        self._probing = self._failed >= self._most

    def record_end(self, now: float, *, well: bool | None) -> None:
        """Say how a request ended: well, badly, or (None) without telling, as when its caller gave up."""
        self._probing = False
        if well:
            self._failed = 0
        elif well is not None:
            self._failed += 1
            if self._failed >= self._most:
                self._until = now + self._open_s
