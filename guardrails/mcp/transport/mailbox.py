"""Messages that wait for one who reads them at his own pace."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from guardrails.mcp.protocol.rpc import Body

MOST_WAITING: Final = 4
"""Messages that wait: who sends more waits himself, so that a server is read no faster than its agent reads."""

TAKE_S: Final = 30.0
"""Seconds after which a reader who takes nothing is waited for no longer."""


class Mailbox:
    """The messages for one reader. Used from one event loop."""

    def __init__(self) -> None:
        self._messages: deque[Body] = deque()
        self._changed = asyncio.Event()
        self._is_closed = False

    async def put(self, body: Body) -> None:
        """Add a message, once there is room. One that is closed drops it; it is closed by who takes nothing for `TAKE_S`."""
        try:
            async with asyncio.timeout(TAKE_S):
                while len(self._messages) >= MOST_WAITING and not self._is_closed:
                    await self._wait()
        except TimeoutError:
            self.close()
        if not self._is_closed:
            self._messages.append(body)
            self._changed.set()

    async def get(self) -> Body | None:
        """Return the next message, None where there will be none."""
        while not self._messages:
            if self._is_closed:
                return None
            await self._wait()
        self._changed.set()
        return self._messages.popleft()

    def close(self) -> None:
        """Take no more messages; those that are there can still be read."""
        self._is_closed = True
        self._changed.set()

    async def _wait(self) -> None:
        """Wait until a message came or went."""
        self._changed.clear()
        await self._changed.wait()
