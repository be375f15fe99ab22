"""What the checks of requests take, by the size of their bodies, as measured lately.

An estimate rises fast and falls slowly: what was answered from memory costs next to nothing and says little of the next one. It
is each client's own, and one client moves what is expected of strangers only so far. Otherwise a client could teach that large
requests are cheap, and then send dear ones.
"""

from __future__ import annotations

from collections import OrderedDict
from math import ldexp
from typing import Final, NamedTuple

RISING: Final = 0.3
FALLING: Final = 0.1
"""Weights of a request that took more than was expected, and of one that took less."""

CLASSES: Final = 48
"""Classes of sizes: each holds twice what the one before it does."""

LEAST_PART: Final = 0.25
"""Part of what a stranger's request is expected to take that a client's own is, at least, whatever it asked before."""

LESSONS: Final = 64
"""Requests of a size by which one client moves what strangers are expected to take: the first in full, each one after it less."""

CLIENTS: Final = 256
"""Clients whose own costs are known; who has not asked for longest is forgotten."""


class Cost(NamedTuple):
    """What work takes: processor seconds, and seconds for which threads of the pool are taken."""

    cpu_s: float
    busy_s: float

    def scale(self, factor: float) -> Cost:
        """Return so many times as much."""
        return Cost(self.cpu_s * factor, self.busy_s * factor)

    def approach(self, other: Cost, rising: float, falling: float | None = None) -> Cost:
        """Return what lies between this and another cost.

        Args:
            other: the cost that is approached.
            rising: the weight of what is more there than here.
            falling: the weight of what is less; the same if not given.
        """
        falling = rising if falling is None else falling
        cpu_s, busy_s = self
        more_cpu_s, more_busy_s = other[0] - cpu_s, other[1] - busy_s
        return Cost(
            cpu_s + more_cpu_s * (rising if more_cpu_s > 0.0 else falling),
            busy_s + more_busy_s * (rising if more_busy_s > 0.0 else falling),
        )


class CostTable:
    """What requests of one kind take. Sizes are in bytes; what no request of a size has shown is scaled from the next smaller
    size, or else from the next larger one.
    """

    def __init__(self, first: Cost) -> None:
        self._first = first
        self._costs: dict[int, Cost] = {}

    def estimate(self, size: int) -> Cost:
        """Return what a request of a size will take."""
        at = _class_of(size)
        cost = self._costs.get(at)
        return self._scale_neighbour(at) if cost is None else cost

    def has_measured(self, size: int) -> bool:
        """Tell whether a request of that size was measured; else its estimate is scaled from another one."""
        return _class_of(size) in self._costs

    def learn(self, size: int, cost: Cost, weight: float = 1.0) -> None:
        """Take what a request of a size took; `weight` is how much it tells, beside one of somebody else."""
        at = _class_of(size)
        before = self._costs.get(at)
        self._costs[at] = cost if before is None else before.approach(cost, RISING * weight, FALLING * weight)

    def _scale_neighbour(self, at: int) -> Cost:
        for other in (*range(at - 1, -1, -1), *range(at + 1, CLASSES)):
            if (cost := self._costs.get(other)) is not None:
                scaled: Cost = cost.scale(ldexp(1.0, at - other))
                return scaled
        return self._first


class _ClientCosts:
    """What requests of one client took, by class of size, and how many there were."""

    __slots__ = ("costs", "counts")

    def __init__(self) -> None:
        self.costs: dict[int, Cost] = {}
        self.counts: dict[int, int] = {}


class CostsByClient:
    """What requests of one kind take, of each client by what its own took; of a stranger, by what those of all took."""

    def __init__(self, first: Cost) -> None:
        self.shared = CostTable(first)
        self._clients: OrderedDict[str, _ClientCosts] = OrderedDict()

    def estimate(self, caller: str, size: int) -> Cost:
        """Return what a request of a client will take."""
        own = self._clients.get(caller)
        cost = None if own is None else own.costs.get(_class_of(size))
        shared = self.shared.estimate(size)
        if cost is None:
            return shared
        return cost if cost.cpu_s >= shared.cpu_s * LEAST_PART else shared.scale(LEAST_PART)

    def learn(self, caller: str, size: int, cost: Cost) -> None:
        """Take what a request of a client took."""
        own = self._clients.get(caller)
        if own is None:
            own = self._clients[caller] = _ClientCosts()
            if len(self._clients) > CLIENTS:
                self._clients.popitem(last=False)
        else:
            self._clients.move_to_end(caller)
        at = _class_of(size)
        before = own.costs.get(at)
        if before is None and self.shared.has_measured(size):
            before = self.shared.estimate(size)
        own.costs[at] = cost if before is None else before.approach(cost, RISING, FALLING)
        count = own.counts.get(at, 0)
        if count < LESSONS:
            own.counts[at] = count + 1
            self.shared.learn(size, cost, 1.0 / (count + 1))


def _class_of(size: int) -> int:
    bits = size.bit_length()
    return bits if bits < CLASSES else CLASSES - 1
