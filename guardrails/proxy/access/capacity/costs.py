"""What the checks of requests take, by the size of their bodies, as measured lately."""

from __future__ import annotations

from math import ldexp
from typing import Final, NamedTuple

RECENT: Final = 0.1
"""Weight of the last request in what those of its size take, once there were ten."""

CLASSES: Final = 48
"""Classes of sizes: each holds twice what the one before it does."""


class Cost(NamedTuple):
    """What work takes: processor seconds, and seconds for which threads of the pool are taken."""

    cpu_s: float
    busy_s: float

    def scale(self, factor: float) -> Cost:
        """Return so many times as much."""
        return Cost(self.cpu_s * factor, self.busy_s * factor)

    def approach(self, other: Cost, weight: float) -> Cost:
        """Return what lies between this and another cost, nearer to that the more weight it has."""
        return Cost(
            self.cpu_s + (other.cpu_s - self.cpu_s) * weight,
            self.busy_s + (other.busy_s - self.busy_s) * weight,
        )


class CostTable:
    """What requests of one kind take. Sizes are in bytes; what no request of a size has shown is scaled from the next smaller
    size, or else from the next larger one.
    """

    def __init__(self, first: Cost) -> None:
        self._first = first
        self._costs: list[Cost | None] = [None] * CLASSES
        self._counts = [0] * CLASSES

    def estimate(self, size: int) -> Cost:
        """Return what a request of a size will take."""
        at = _class_of(size)
        cost = self._costs[at]
        return self._scale_neighbour(at) if cost is None else cost

    def has_measured(self, size: int) -> bool:
        """Tell whether a request of that size was measured; else its estimate is scaled from another one."""
        return self._costs[_class_of(size)] is not None

    def learn(self, size: int, cpu_s: float, busy_s: float) -> None:
        """Take what a request of a size took."""
        at = _class_of(size)
        self._counts[at] += 1
        before, weight = self._costs[at] or Cost(0.0, 0.0), max(RECENT, 1.0 / self._counts[at])
        self._costs[at] = before.approach(Cost(cpu_s, busy_s), weight)

    def _scale_neighbour(self, at: int) -> Cost:
        for other in (*range(at - 1, -1, -1), *range(at + 1, CLASSES)):
            if (cost := self._costs[other]) is not None:
                scaled: Cost = cost.scale(ldexp(1.0, at - other))
                return scaled
        return self._first


def _class_of(size: int) -> int:
    return min(CLASSES - 1, size.bit_length())
