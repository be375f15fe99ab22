"""Spreads requests over upstreams that are preferred alike: in the order of the file, by weight, or to who has least to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

from guardrails.proxy.upstreams.routing_choice import Row

Balance = Literal["order", "weighted", "least_busy"]

MOST_GROUPS: Final = 1_024
"""Sets of upstreams of which it is remembered whose turn it is."""


class Balancer:
    """Whose turn it is. By weight it is that of nginx, the smooth one: of any few requests in a row each upstream gets its share.

    Args:
        balance: how requests are spread.
        active: returns how many requests of an upstream's are under way.
    """

    def __init__(self, balance: Balance, active: Callable[[Row], int]) -> None:
        self.balance, self._active = balance, active
        self._turns: dict[tuple[Row, ...], dict[Row, float]] = {}

    def arrange(self, groups: Sequence[Sequence[Row]], is_up: Callable[[Row], bool]) -> Iterator[Row]:
        """Yield the upstreams of groups, the preferred group first, those of one group in the order in which to ask them for the
        next request; who is down takes no turn.
        """
        for group in groups:
            up = () if self.balance == "order" or len(group) == 1 else tuple(filter(is_up, group))
            yield from (
                group if len(up) < 2 else (*self._arrange(up), *(row for row in group if row not in up))
            )

    def _arrange(self, up: tuple[Row, ...]) -> list[Row]:
        if len(self._turns) >= MOST_GROUPS and up not in self._turns:
            self._turns.clear()
        credit = self._turns.setdefault(up, dict.fromkeys(up, 0.0))
        for row in up:
            credit[row] += row.weight
        if self.balance == "weighted":
            found = sorted(up, key=lambda row: -credit[row])
        else:
            found = sorted(up, key=lambda row: (self._active(row) / row.weight, -credit[row]))
        credit[found[0]] -= sum(row.weight for row in up)
        return found
