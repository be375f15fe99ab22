"""Draws the progress of long work as a bar on a terminal, and nothing in a pipe."""

from __future__ import annotations

import os
import time
from types import TracebackType
from typing import Final, Self, TextIO

CELLS: Final = 24
"""Characters of the bar itself."""

WAIT_S: Final = 0.1
"""Seconds from one picture of the bar to the next."""

FULL, EMPTY = "█", "░"


class Progress:
    """One line of a terminal that is written over and over, and is gone at the end; `shown` says whether there is one."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.shown = out.isatty() and os.environ.get("TERM") != "dumb"
        self._began = time.monotonic()
        self._drawn = -WAIT_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn > 0:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def draw(self, done: int, total: int | None = None, note: str = "") -> None:
        """Show that so much of `total` (None: nobody knows) is done in this run, and a few words beside it."""
        now = time.monotonic()
        if not self.shown or now - self._drawn < WAIT_S:
            return
        self._drawn = now
        width = _width(self._out)
        self._out.write(f"\r\x1b[K{render_line(done, total, now - self._began, note)[: width - 1]}")
        self._out.flush()


def render_line(done: int, total: int | None, took_s: float, note: str = "") -> str:
    """Return what is shown after so many seconds."""
    speed = done / took_s if took_s > 0 else 0.0
    said = [f"{done:,} done"]
    if total:
        part = min(1.0, done / total)
        full = int(part * CELLS)
        said = [f"{FULL * full}{EMPTY * (CELLS - full)} {part:4.0%}", f"{done:,} of {total:,}"]
    if speed:
        said.append(f"{speed:,.1f}/s")
        if total and total > done:
            said.append(f"{format_clock((total - done) / speed)} left")
    return "  ".join(filter(None, (*said, note)))


def format_clock(seconds: float) -> str:
    """Return a time as people read it: `0:07`, `12:34`, `3:04:05`."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _width(out: TextIO) -> int:
    try:
        return os.get_terminal_size(out.fileno()).columns or 80
    except OSError:
        return 80
