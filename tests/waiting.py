"""Waits for what another thread or process brings about by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

POLL_S = 0.005
"""Seconds between two looks: a loop without any takes the processor from what it waits for."""

WAIT_S = 60.0


def wait_until(holds: Callable[[], object], seconds: float = WAIT_S) -> None:
    """Return once something holds; raises `AssertionError` where that takes longer than so many seconds."""
    end, never = time.monotonic() + seconds, threading.Event()
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        never.wait(POLL_S)
