"""Keeps a process for films waiting, with all that it needs loaded.

Starting a process and loading what decodes takes a fifth of a second, as long as watching a short film. So once one was asked
for, the next is started while the first is at work: it waits for its task, and does this one alone. A task and its files go to it
through a socket, and when that closes without any, as it does when who started it ends, it ends too. One waits at most, for
`WAITS_S`; there is none before the first film, and none for long after the last.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

from guardrails.fork_safety import call_at_exit, fork_safe_lock
from guardrails.media.decoding_processes import ENVIRONMENT

ALONE: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""Threads of libraries that decode nothing would only take memory."""

WAITS_S: Final = 60.0
"""Seconds that a process waits for a film."""

SIZE: Final = 4
"""Bytes that say how long a task is."""


class SpareProcess:
    """A process without a task."""

    def __init__(self, program: str) -> None:
        """Start it; `program` is Python."""
        self.program = program
        self._line, theirs = socket.socketpair()
        with theirs:
            try:
                self.process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
                    [sys.executable, "-I", "-c", program],
                    stdin=theirs.fileno(),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    bufsize=0,
                    env=_environment() | ALONE,
                )
            except BaseException:
                self._line.close()
                raise

    def give(self, task: Mapping[str, Any], files: Sequence[IO[bytes]]) -> None:
        """Give it its task, and files; raises `OSError` where it has ended."""
        data = json.dumps(task).encode()
        data = len(data).to_bytes(SIZE, "big") + data
        with self._line:
            sent = socket.send_fds(self._line, [data], [file.fileno() for file in files])
            # One that has all of it may have closed its end by now: it is at work, and must not be taken for one that is gone.
            if sent < len(data):
                self._line.sendall(data[sent:])

    def end(self) -> None:
        """Kill it."""
        self._line.close()
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def receive_task(line: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return the task that comes through a socket, and the descriptors of its files; None where none comes."""
    data, files, _, _ = socket.recv_fds(line, 1 << 16, 2)
    size = SIZE + int.from_bytes(data[:SIZE], "big")
    while data and len(data) < size and (more := line.recv(1 << 16)):
        data += more
    if len(data) < max(size, SIZE + 1):
        return None
    task: dict[str, Any] = json.loads(data[SIZE:])
    return task, files


class SpareProcesses:
    """The process that waits. Safe to share by threads."""

    def __init__(self) -> None:
        self._waiting: tuple[SpareProcess, threading.Timer] | None = None
        self._lock = fork_safe_lock()

    def start(
        self, program: str, task: Mapping[str, Any], files: Sequence[IO[bytes]]
    ) -> subprocess.Popen[bytes]:
        """Return a process that does a task: the one that waits, where it runs that program, else a new one; the next one waits
        from now on.
        """
        spare = self._free(program)
        if spare is not None:
            try:
                spare.give(task, files)
            except OSError:
                spare.end()
                spare = None
        if spare is None:
            spare = SpareProcess(program)
            try:
                spare.give(task, files)
            except BaseException:
                spare.end()
                raise
        self._fill(program)
        return spare.process

    def _free(self, program: str) -> SpareProcess | None:
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is None:
            return None
        spare, clock = waiting
        clock.cancel()
        if spare.program == program and spare.process.poll() is None:
            return spare
        spare.end()
        return None

    def _fill(self, program: str) -> None:
        with self._lock:
            if self._waiting is not None:
                return
            try:
                spare = SpareProcess(program)
            except OSError:  # it is started when it is needed, or fails then
                return
            clock = threading.Timer(WAITS_S, self._give_up, [spare])
            clock.daemon = True
            self._waiting = spare, clock
            clock.start()

    def _give_up(self, spare: SpareProcess) -> None:
        """End a process that waited for too long."""
        with self._lock:
            if self._waiting is None or self._waiting[0] is not spare:
                return
            self._waiting = None
        spare.end()

    def end(self) -> None:
        """Let none wait."""
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting[1].cancel()
            waiting[0].end()


def get_spares() -> SpareProcesses:
    """Return those of this process; one that was forked has its own."""
    with _SHARING:
        found = _SHARED.get(os.getpid())
        if found is None:
            found = _SHARED[os.getpid()] = SpareProcesses()
            call_at_exit(found.end)
        return found


def _environment() -> dict[str, str]:
    return {name: value for name in ENVIRONMENT if (value := os.environ.get(name)) is not None}


_SHARED: dict[int, SpareProcesses] = {}
_SHARING = fork_safe_lock()
