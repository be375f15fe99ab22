"""Keeps what a server process takes of memory near what it uses.

The C library keeps what was freed for later: after loading that is some 15 MB, and by its own measure it would have an arena for
every eighth of a core's threads, each with such a rest. Where it is not glibc, nothing is done.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any, Final

from guardrails.proxy.configuration.settings import SettingsError

A_WORKER: Final = 40_000_000
"""Bytes that a worker takes at least."""

CONTAINER: Final = Path("/sys/fs/cgroup/memory.max")
"""Where Linux shows a container how much memory it has."""

M_ARENA_MAX: Final = -8
"""The parameter's number in `malloc.h`."""


def count_memory(container: Path = CONTAINER) -> int | None:
    """Return how many bytes of memory there are for this process and all others; None where that is not known."""
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):  # another system
        return None
    try:
        return min(machine, int(container.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no container, or one without a limit
        return machine


def check_memory(workers: int) -> None:
    """Raise `SettingsError` where so many workers cannot be, rather than let the system kill some of them."""
    there = count_memory()
    if workers > 1 and there is not None and workers * A_WORKER > there:
        least, here = workers * A_WORKER // 1_000_000, there // 1_000_000
        raise SettingsError(
            f"{workers} workers take {least:,} MB at least, and there are {here:,} MB here: set workers to one for each core"
        )


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
