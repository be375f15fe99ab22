"""Starts the server that forks a process for each film, and controls the processes that it forks.

There is none before the first film, and none for long after the last (`fork_server`). One that is gone, however it went, is
started anew; what it had forked ended with it. Nothing is inherited: server and processes have their sockets and pipes, and no
other file of this process.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, Final

from guardrails.errors import GuardUnavailable
from guardrails.fork_safety import call_at_exit, fork_safe_lock, reset_after_fork
from guardrails.media.decoding_processes import ENVIRONMENT
from guardrails.media.video.processes.fork_server import NUMBER, REQUEST
from guardrails.media.video.processes.task_channel import send_task

ALONE: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""Threads of libraries that decode nothing would only take memory, and a server that forks has one thread."""

START_S: Final = 30.0
"""Seconds in which a process has to be forked, by a server that may have to be started before."""


class ForkedProcess:
    """A process that a server forked. `kill` ends it, from any thread; it ends as well when this process does."""

    def __init__(self, line: socket.socket, status: socket.socket, stdout: IO[bytes]) -> None:
        """Take our ends of its standard input and status, and what reads its standard output."""
        self.stdout = stdout
        self.pid = 0
        self.returncode: int | None = None
        self._line, self._status = line, status
        self._waiting = fork_safe_lock()
        reset_after_fork(self)

    def await_start(self) -> bool:
        """Return whether it was started: not where its server is gone.

        Raises:
            GuardUnavailable: it is not started in time.
            OSError: the system cannot fork another process.
        """
        try:
            number = self._receive(START_S)
        except TimeoutError as error:
            raise GuardUnavailable("the process that decodes films does not start") from error
        if number is not None and number < 0:
            raise OSError(-number, os.strerror(-number))
        self.pid = number or 0
        return self.pid > 0

    def give(self, task: Mapping[str, Any], files: Sequence[IO[bytes]]) -> None:
        """Give it its task, and files; one that ended takes neither, and its output says so."""
        with self._line, suppress(OSError):
            send_task(self._line, task, files)

    def kill(self) -> None:
        """Have it killed."""
        with suppress(OSError):  # it ended, or was closed
            self._status.shutdown(socket.SHUT_WR)

    def wait(self, seconds: float | None = None) -> int:
        """Return its exit status when it ended: as of a process that was killed where its server is gone.

        Raises:
            TimeoutError: it takes longer.
        """
        with self._waiting:
            if self.returncode is None:
                code = self._receive(seconds)
                self.returncode = -signal.SIGKILL if code is None else code
            return self.returncode

    def _receive(self, seconds: float | None) -> int | None:
        """Return the next number that the server tells; None where it is gone; raises `TimeoutError` where it takes longer."""
        try:
            self._status.settimeout(seconds)
            data = self._status.recv(NUMBER.size)
        except TimeoutError:
            raise
        except OSError:
            return None
        found: int | None = NUMBER.unpack(data)[0] if len(data) == NUMBER.size else None
        return found

    def close(self) -> None:
        """Close what belongs to it; it is killed if it did not end."""
        self._line.close()
        self._status.close()
        self.stdout.close()

    reset_in_child = close
    """A process that was forked from this one keeps none of it open."""


class ServerProcess:
    """One server."""

    def __init__(self, program: str) -> None:
        """Start it; `program` is Python, which is told the `paths` where this process finds modules."""
        self.program = program
        self._requests, theirs = socket.socketpair()
        with theirs:
            try:
                paths = [str(Path(path).resolve()) for path in sys.path]
                self.process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
                    [sys.executable, "-I", "-c", program.format(paths=paths)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_environment() | ALONE,
                )
            except BaseException:
                self._requests.close()
                raise
        # It ends by itself, and nothing may be left of it then.
        self.reaper = threading.Thread(target=self.process.wait, name="guardrails-films", daemon=True)
        self.reaper.start()
        reset_after_fork(self)

    def fork(self) -> ForkedProcess:
        """Ask for a process, and return it; where the server is gone, it is never started.

        Raises:
            OSError: this process, or its server, may open no more files.
        """
        with ExitStack() as theirs, ExitStack() as ours:
            line, their_line = socket.socketpair()
            ours.enter_context(line)
            theirs.enter_context(their_line)
            status, their_status = socket.socketpair()
            ours.enter_context(status)
            theirs.enter_context(their_status)
            read, write = os.pipe()
            stdout = ours.enter_context(os.fdopen(read, "rb", buffering=0))
            theirs.callback(os.close, write)
            given = [their_status.fileno(), their_line.fileno(), write]
            with suppress(ConnectionError):
                socket.send_fds(self._requests, [REQUEST], given)
            ours.pop_all()
            return ForkedProcess(line, status, stdout)

    def end(self) -> None:
        """Have it end, and all processes that it forked."""
        self._requests.close()

    reset_in_child = end
    """A process that was forked from this one leaves it alone: its own end is closed, and this one's stays open."""


class ForkedProcesses:
    """Processes of one server at a time. Safe to share by threads."""

    def __init__(self) -> None:
        self._server: ServerProcess | None = None
        self._lock = fork_safe_lock()

    def start(self, program: str, task: Mapping[str, Any], files: Sequence[IO[bytes]]) -> ForkedProcess:
        """Return a process that does a task, forked by a server that runs a program. One that could not be started has ended.

        Raises:
            GuardUnavailable: it is not started in time.
            OSError: the system cannot start a process, or has no more files for it. Others go on.
        """
        process, server = self._fork(program)
        try:
            if not process.await_start():  # the server ended while it was asked
                process.close()
                self._drop(server)
                process, server = self._fork(program)
                if not process.await_start():
                    self._drop(server)
        except BaseException:
            process.close()
            raise
        process.give(task, files)
        return process

    def _fork(self, program: str) -> tuple[ForkedProcess, ServerProcess]:
        with self._lock:
            if self._server is not None and self._server.program != program:
                self._server.end()
                self._server = None
            server = self._server = self._server or ServerProcess(program)
            return server.fork(), server

    def _drop(self, server: ServerProcess) -> None:
        """Ask a server that is gone for nothing more."""
        with self._lock:
            if self._server is server:
                self._server = None
        server.end()  # nobody asks it at the same time any more

    def end(self) -> None:
        """End the server, and what it forked."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.end()
            server.reaper.join(START_S)


def get_processes() -> ForkedProcesses:
    """Return those of this process; one that was forked has its own."""
    with _SHARING:
        found = _SHARED.get(os.getpid())
        if found is None:
            found = _SHARED[os.getpid()] = ForkedProcesses()
            call_at_exit(found.end)
        return found


def _environment() -> dict[str, str]:
    return {name: value for name in ENVIRONMENT if (value := os.environ.get(name)) is not None}


_SHARED: dict[int, ForkedProcesses] = {}
_SHARING = fork_safe_lock()
