"""The earlier turns of a conversation, and which of them are left out with one that is blocked (DESIGN §4.4)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from guardrails.engine.content.content_tree import ContentTree
from guardrails.types import Place

Exchange = tuple[int, int, bool]
"""The first message of an exchange, the one behind its last, and whether the user's turn is left out with the rest."""

KEPT: Final = frozenset({"system", "developer"})
"""Roles whose messages stay whatever is left out."""


class History:
    """The exchanges of a conversation: each begins with a user's turn, and the first with the first message."""

    def __init__(self, tree: ContentTree) -> None:
        self._roles, self._current_from = tree.roles, tree.current_from

    @cached_property
    def _starts(self) -> list[int]:
        starts = [index for index, role in enumerate(self._roles) if index == 0 or role == "user"]
        return [*starts, len(self._roles)]

    def removable(self, places: Iterable[Place]) -> set[Exchange]:
        """Return the exchanges to leave out so that all these places are gone; empty if one of them must stay.

        A user's turn goes with all that answers it; an answer goes with the rest of its exchange but the user's turn, so that
        calls and their results stay in pairs and the conversation stays one that a model accepts.
        """
        gone: set[Exchange] = set()
        for place in places:
            message = place.message
            if message is None or message >= self._current_from or self._roles[message] in KEPT:
                return set()
            at = bisect_right(self._starts, message)
            gone.add((self._starts[at - 1], self._starts[at], self._roles[message] == "user"))
        return gone

    def messages(self, exchanges: Iterable[Exchange]) -> tuple[int, ...]:
        """Return the messages that are left out with these exchanges, in order."""
        gone = {
            index
            for first, last, whole in exchanges
            for index in range(first, last)
            if self._roles[index] not in KEPT and (whole or self._roles[index] != "user")
        }
        return tuple(sorted(gone))
