"""What this process takes of the machine, where the system tells."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

STATM: Final = Path("/proc/self/statm")
FILES: Final = Path("/proc/self/fd")


def resident_bytes() -> float:
    """Return the memory that this process has by now; 0 where nobody tells."""
    try:
        return float(int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, AttributeError):
        return 0.0


def count_files() -> float:
    """Return how many files this process has open; 0 where nobody tells."""
    try:
        return float(len(os.listdir(FILES)))
    except OSError:
        return 0.0


def limit_files() -> float:
    """Return how many files this process may have open; infinite where there is no limit, 0 where nobody tells."""
    if sys.platform == "win32":
        return 0.0
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float("inf") if soft == resource.RLIM_INFINITY else float(soft)
