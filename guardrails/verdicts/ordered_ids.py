"""Ids of what happens: a prefix goes in, an id comes out that begins with the time and ends with chance.

Ids that come one after another lie beside each other in the index of a store, which then writes few pages.
Where ids are all chance, each row has a page of its own, and that is most of what inserting it takes.
"""

from __future__ import annotations

import os
import time
from typing import Final

TIME_BYTES: Final = 6
"""Of the milliseconds since 1970, as UUIDs of version 7 have them: enough for 8,900 years."""


def make_id(prefix: str, size: int) -> str:
    """Return a new id: the prefix, and `size` bytes in hexadecimal, of which the first six tell the time and nobody can guess the
    others.
    """
    milliseconds = time.time_ns() // 1_000_000
    return f"{prefix}{milliseconds.to_bytes(TIME_BYTES, 'big').hex()}{os.urandom(size - TIME_BYTES).hex()}"


def make_verdict_id() -> str:
    """Return a new id of a verdict."""
    return make_id("vd_", 12)
