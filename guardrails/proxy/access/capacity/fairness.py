"""How far each client may go of what all have together: who floods leaves room for whoever comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OWN_BOUND: Final = 0.85
LEAST_BOUND: Final = 0.25
"""Parts of a bound up to which a client may go that holds its share, and one that holds many times that."""


def bound_for(caller: str, held: Mapping[str, float], total: float, bound: float) -> float:
    """Return up to where a client may go: all of a bound if it holds less than its share, a part of it if it holds that, and less
    of it the more it holds.

    Args:
        caller: the client.
        held: what each of those holds who hold anything.
        total: what all hold together.
        bound: what all may hold together.
    """
    own = held.get(caller, 0.0)
    if own <= total / (len(held) + 1):  # one more than there are get equal parts
        return bound
    return bound * max(LEAST_BOUND, OWN_BOUND * min(1.0, total / len(held) / own))
