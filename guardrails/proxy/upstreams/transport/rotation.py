"""Takes keys and certificates as their files are by now, so that they can be rotated while requests are served."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol

LOG = logging.getLogger("guardrails.proxy")

EVERY_S: Final = 1.0
"""Seconds between two looks."""


class Rotating(Protocol):
    """What is asked with a key or a certificate of a file (`Upstream`)."""

    @property
    def name(self) -> str:
        """How it is called in the log."""
        ...

    async def reread(self) -> bool:
        """Take the files as they are; return whether one is another."""
        ...


async def keep_current(
    rotating: Callable[[], Iterable[Rotating]], sleep: Callable[[float], Awaitable[None]]
) -> None:
    """Look at the files again and again; never returns. What is wrong is said once for each change, and what was there stays."""
    while True:
        await sleep(EVERY_S)
        for each in tuple(rotating()):
            try:
                if await each.reread():
                    LOG.warning("%s: key and certificates were read anew", each.name)
            except (OSError, ValueError) as error:
                LOG.error("%s: what was read before stays: %s", each.name, error)
