"""Starts and controls the process that does a task with a film.

The clock runs while an answer is waited for: a process that was asked has `grace` seconds, and more for each second of film
that it went through. It is killed when its time is up, when who asked leaves, and when it says what cannot be.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import IO, Any, Final

from guardrails.errors import GuardUnavailable
from guardrails.media.errors import CODES, MediaError
from guardrails.media.video.film_parts import VideoLimits
from guardrails.media.video.processes.forked_process import ForkedProcess, get_processes

STARTED: Final = """
import sys
sys.path[:] = {paths!r}
from guardrails.media.video.processes.film_child import LOADED, main
from guardrails.media.video.processes.fork_server import serve
serve(main, LOADED)
"""
"""The program of the server that forks processes: it finds modules where this one does."""

PLACES: Final = 4
"""Processes that there may be at a time for each core: most of them wait to be asked for more."""

WAITS_S: Final = 10.0
"""Seconds that a place is waited for."""

LINE: Final = 1 << 22
"""Bytes of a line at most."""

SMALL: Final = 1 << 16
"""Bytes of an answer that has neither pixels nor sound."""

LOUD: Final = 1 << 23
"""Bytes of a piece of sound at most: a second, or one packet of a codec."""

AT_ONCE: Final = 1 << 18

AHEAD: Final = 1 << 20
"""Bytes that a process may write before somebody reads them: two frames, so that it decodes while detectors look at others."""

_PLACES = threading.BoundedSemaphore(max(8, PLACES * (os.cpu_count() or 1)))

Answer = tuple[dict[str, Any], bytes]


class OutOfTime(Exception):
    """The clock ran out."""


class ProcessEnded(Exception):
    """The process ended before it said so, or said what cannot be; `signal` is what killed it, if one did."""

    def __init__(self, signal: int = 0) -> None:
        super().__init__(signal)
        self.signal = signal


class FilmProcess:
    """A process with one task. `answers` gives what it sends; `end` kills it, from any thread, at any time."""

    def __init__(
        self,
        film: IO[bytes],
        task: Mapping[str, Any],
        limits: VideoLimits,
        seconds: float,
        most: int,
        target: IO[bytes] | None = None,
    ) -> None:
        """Start it; `seconds` is what it may take at most, `most` the bytes of an answer, and `target` a file that it may write.

        Raises:
            GuardUnavailable: too many are at work, or the system has no room for one more.
        """
        if not _PLACES.acquire(timeout=WAITS_S):
            raise GuardUnavailable("all processes that decode films are busy")
        self._limits, self._most = limits, most
        self._buffer = bytearray()
        self._left = limits.grace
        self._granted = 0.0
        self._reading = threading.Lock()
        try:
            self._process = _start_process(
                film, {**task, "limits": asdict(limits), "seconds": seconds}, target
            )
        except BaseException:
            _PLACES.release()
            raise
        self._finalizer = weakref.finalize(self, _end, self._process)

    def grant(self, seconds: float) -> None:
        """Give more time, as it went through so many seconds of film by now."""
        more = min(seconds, self._limits.seconds) * self._limits.wall_factor
        self._left += max(0.0, more - self._granted)
        self._granted = max(self._granted, more)

    def answers(self) -> Iterator[Answer]:
        """Yield what the process sends, up to its end.

        Raises:
            MediaError: what is wrong with the film.
            Late: its time is up; it was killed.
            Ended: it broke down, or was killed.
        """
        try:
            while True:
                head, body = self._next()
                if head.get("kind") == "end":
                    return
                if head.get("kind") == "error":
                    code, message = head.get("error"), str(head.get("message"))[:200]
                    raise MediaError(code if code in CODES else "undecodable", message)
                yield head, body
        finally:
            self.end()

    def _next(self) -> Answer:
        with self._reading:
            try:
                head = json.loads(self._line())
                size = head["bytes"]
                if not isinstance(size, int) or not 0 <= size <= self._most:
                    raise ValueError("no such answer")
                return head, self._take(size)
            except (ValueError, KeyError, TypeError, OSError) as error:
                raise self._raise_ended() from error

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LINE:
                raise ValueError("no answer")
            self._more()
        return self._take(end + 1)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        found = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return found

    def _more(self) -> None:
        """Wait for bytes, as long as there is time."""
        descriptor = self._process.stdout.fileno()
        waits = select.poll()
        waits.register(descriptor, select.POLLIN)
        before = time.monotonic()
        ready = waits.poll(max(0.0, self._left) * 1000)
        self._left -= time.monotonic() - before
        if not ready:
            self._process.kill()
            raise OutOfTime
        data = os.read(descriptor, AT_ONCE)
        if not data:
            raise self._raise_ended()
        self._buffer += data

    def _raise_ended(self) -> ProcessEnded:
        self._process.kill()
        code = self._process.wait()
        return ProcessEnded(max(0, -code))

    def end(self) -> None:
        """Kill the process, if it is there, and give its place back."""
        self._process.kill()
        with self._reading:
            self._finalizer()


def _start_process(film: IO[bytes], task: Mapping[str, Any], target: IO[bytes] | None) -> ForkedProcess:
    try:
        process = get_processes().start(STARTED, task, [film] if target is None else [film, target])
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise GuardUnavailable(f"the system has no room for a process that decodes a film: {why}") from error
    with contextlib.suppress(OSError, AttributeError):  # not this system, or not so much
        fcntl.fcntl(process.stdout.fileno(), fcntl.F_SETPIPE_SZ, AHEAD)
    return process


def _end(process: ForkedProcess) -> None:
    process.kill()
    process.wait()
    process.close()
    _PLACES.release()
