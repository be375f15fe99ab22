"""Remembers which contents a check ran out of time over, so that clients are told not to try them again at once.

SDKs try an answer of 5xx again by themselves. For a full queue that helps; a content that takes too long does so again, and three
tries are three times the load. Kept are keyed digests, bounded in number, never contents.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from hashlib import blake2b
from typing import Final

MOST: Final = 4_096
"""Contents that are remembered; of more the oldest are forgotten."""


class TimeoutMemory:
    """The contents of one process over which a check ran out of time."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._key = os.urandom(32)  # nobody can tell from a digest what a tenant sent
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def remember(self, tenant: str | None, path: str, raw: bytes) -> bool:
        """Remember the body of a request to a path; return whether it was known already. Tenants do not see each other's."""
        digest = blake2b(raw, key=self._key, digest_size=16)
        digest.update(b"\0" + repr((tenant, path)).encode())
        known = digest.digest() in self._seen
        self._seen[digest.digest()] = None
        self._seen.move_to_end(digest.digest())
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return known
