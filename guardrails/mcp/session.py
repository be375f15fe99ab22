"""Remembers what tools returned in an agent's session, so that later calls, also to other servers, can be told from it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from guardrails.engine.tools.tool_calls import trim_returned
from guardrails.types import Returned


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: `user` and `tenant` from the key that let the agent in, `client` from what it says of itself."""

    user: Mapping[str, Any] = field(default_factory=dict)
    tenant: str | None = None
    client: Mapping[str, str] = field(default_factory=dict)


MOST_HEARD: Final = 64_000_000
"""Characters that all sessions remember together."""


class AgentSession:
    """One agent's session. What was heard is bounded: of long ago the text is forgotten, never the tool. `size` is what it has
    of characters.
    """

    def __init__(self) -> None:
        self.heard: tuple[Returned, ...] = ()
        self.size = 0
        self.who = Caller()

    def remember(self, more: tuple[Returned, ...]) -> None:
        """Remember what tools returned."""
        if more:
            self.heard = trim_returned((*self.heard, *more))
            self.size = sum(len(each.text or "") for each in self.heard)


class AgentSessions:
    """The sessions of a server by key. One that was idle for `idle_s` is forgotten; of more than `most`, or of some that remember
    too much together, the idlest.
    """

    def __init__(self, most: int, idle_s: float, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._idle_s, self._clock = most, idle_s, clock
        self._found: OrderedDict[str, tuple[float, AgentSession]] = OrderedDict()

    def get(self, key: str) -> AgentSession:
        """Return the session of a key."""
        now = self._clock()
        when, session = self._found.pop(key, (now, AgentSession()))
        if now - when > self._idle_s:
            session = AgentSession()
        self._found[key] = (now, session)
        held = sum(each.size for _, each in self._found.values())
        while len(self._found) > self._most or (held > MOST_HEARD and len(self._found) > 1):
            held -= self._found.popitem(last=False)[1][1].size
        return session
