"""Keeps what a server process takes of memory near what it uses.

The C library keeps what was freed for later: after loading that is some 15 MB, and by its own measure it would have an arena for
every eighth of a core's threads, each with such a rest. Where it is not glibc, nothing is done.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any, Final

M_ARENA_MAX: Final = -8
"""The parameter's number in `malloc.h`."""


@cache
def _load_libc() -> Any:
    """Return the C library, None where it is not glibc."""
    try:
        libc = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows
        return None
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None


def bound_arenas() -> None:
    """Have threads allocate from as many arenas as there are cores."""
    if (libc := _load_libc()) is not None:
        libc.mallopt(M_ARENA_MAX, os.cpu_count() or 1)


def release_memory() -> None:
    """Give back to the system what was freed. Takes milliseconds, during which other threads go on."""
    if (libc := _load_libc()) is not None:
        libc.malloc_trim(0)
