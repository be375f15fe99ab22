"""Writes the log of a process. While it serves, a thread of its own does so: who reads standard error slowly stops no request.

What comes faster than it can be written is dropped once `MOST` lines wait, and counted; the log says how many.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Final, TextIO

from guardrails.fork_safety import reset_after_fork
from guardrails.proxy.configuration.log_settings import LogDoc
from guardrails.proxy.server.logs.log_lines import dropped_line, record_line, request_line
from guardrails.proxy.server.logs.request_entry import RequestEntry

MOST: Final = 10_000
"""Lines that wait."""

FLUSH_S: Final = 2.0
"""Seconds for which the end of a server waits for the last lines."""

AT_ONCE: Final = 500
"""Lines that are made together."""

PIECE: Final = 4_096
"""Characters that are written together: what a pipe takes as a whole, so that lines of several workers do not mix."""

LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

Line = Callable[[], str]
"""Makes a line; on the thread that writes."""


class LogWriter(logging.Handler):
    """Takes records and requests.

    Args:
        doc: what is written, and how.
        stream: where to.

    Attributes:
        dropped: lines that were not written.
    """

    def __init__(self, doc: LogDoc, stream: TextIO) -> None:
        super().__init__(LEVELS[doc.level])
        self.doc, self.dropped = doc, 0
        self._stream = stream
        self._told = 0
        self._queue: SimpleQueue[Line | None] | None = None
        self._thread: threading.Thread | None = None
        reset_after_fork(self)

    def takes_request(self, entry: RequestEntry) -> bool:
        """Tell whether a request is written."""
        return self.doc.requests and LEVELS[entry.level] >= self.level

    def write_request(self, entry: RequestEntry) -> None:
        """Write a request that has ended."""
        at, style = time.time(), self.doc.format
        self._put(lambda: request_line(entry, at, style))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            line = record_line(
                record, self.doc.format
            )  # here, as it has the ids of the request that is served
        except Exception:
            self.handleError(record)
            return
        self._put(lambda: line)

    def _put(self, line: Line) -> None:
        queue = self._queue
        if queue is None:
            self._write([line()])
        elif queue.qsize() >= MOST:
            self.dropped += 1
        else:
            queue.put(line)

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Write by a thread within a block; at its end what waits is written, for a while."""
        queue = self._queue = SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(queue,), name="guardrails-log", daemon=True)
        self._thread.start()
        try:
            yield
        finally:
            self._queue = None
            queue.put(None)
            self._thread.join(FLUSH_S)

    def reset_in_child(self) -> None:
        """Begin anew in a process that was forked."""
        self._queue = self._thread = None

    def _run(self, queue: SimpleQueue[Line | None]) -> None:
        while (first := queue.get()) is not None:
            lines, is_last = [first], False
            with suppress(Empty):
                while len(lines) < AT_ONCE and not is_last:
                    following = queue.get_nowait()
                    is_last = following is None
                    lines += [] if following is None else [following]
            try:
                self._write([line() for line in lines])
            except Exception:  # the log must go on
                self.dropped += len(lines)
            if is_last:
                return

    def _write(self, lines: list[str]) -> None:
        if (dropped := self.dropped) > self._told:
            lines.append(dropped_line(dropped - self._told, time.time(), self.doc.format))
            self._told = dropped
        piece = ""
        with suppress(OSError, ValueError):  # nobody reads it any more
            for line in lines:
                if piece and len(piece) + len(line) > PIECE:
                    self._stream.write(piece)
                    self._stream.flush()
                    piece = ""
                piece += line
            self._stream.write(piece)
            self._stream.flush()


_WRITERS: list[LogWriter] = []
"""The one of this process, once there is one."""


def configure_logs(doc: LogDoc, stream: TextIO | None = None) -> LogWriter:
    """Write the log of this process as settings say, instead of as it was written before."""
    writer = LogWriter(doc, stream or sys.stderr)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    root = logging.getLogger()
    for before in _WRITERS:
        root.removeHandler(before)
    root.addHandler(writer)
    logging.getLogger("guardrails").setLevel(writer.level)
    _WRITERS[:] = [writer]
    return writer


def current_writer() -> LogWriter | None:
    """Return what writes the log of this process; None where nobody configured it, as in an application of somebody else's."""
    return _WRITERS[0] if _WRITERS else None


@contextmanager
def write_in_background() -> Iterator[None]:
    """Have the log written by a thread within a block, where there is one to write."""
    writer = current_writer()
    if writer is None:
        yield
        return
    with writer.in_background():
        yield
