"""The server that forks a process for each film: it runs in a process of its own, with all loaded that films need.

Starting an interpreter and loading what decodes takes a fifth of a second, as long as watching a short film; a fork takes
milliseconds. A request is a byte through the server's socket, with three descriptors: a socket for the status of the process
that is to be forked, its standard input and its standard output. Through the first its number comes and, once it ended, its exit
status; when the other end is closed, as it is when the owner ends, the process is killed. The server kills it, as a parent alone
knows that a number still is that of its child.

The server has one thread and decodes nothing, so that a fork copies neither held locks nor anything of another film. It ends with
its owner, when it had nothing to do for `IDLE_S`, and after a process that crashed: all that it forks lie alike in memory, and
who attacks a decoder by trying is not to find the next one where the last one was.
"""

from __future__ import annotations

import errno
import gc
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Final

IDLE_S: Final = 60.0
"""Seconds after which a server ends that has nothing to do."""

NUMBER: Final = struct.Struct("!i")
"""How the number of a process, or what is wrong as a negative `errno`, and later its exit status are written."""

REQUEST: Final = b"f"

DESCRIPTORS: Final = 3
"""Descriptors that come with a request: status, standard input, standard output. The server keeps room for so many, as the system
drops those for which there is none, and who asks could not be told of that.
"""

CRASHES: Final = frozenset(
    -number
    for number in (
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGILL,
        signal.SIGFPE,
        signal.SIGABRT,
        signal.SIGTRAP,
    )
)
"""Exit statuses of a process that broke down over a film."""

SET_DEATH_SIGNAL: Final = 1
"""Of Linux's `prctl`: the signal that a process gets when its parent ends."""


class ForkServer:
    """The loop of a server."""

    def __init__(self, requests: socket.socket, run: Callable[[], object], *, forks: bool) -> None:
        """Take the socket of requests; `run` is what each process does, which is forked, or started anew without `forks`."""
        self._requests, self._run, self._forks = requests, run, forks
        self._accepts = True
        self._statuses: dict[int, socket.socket] = {}
        self._killed: set[int] = set()
        self._woken, self._wakes = socket.socketpair()
        for each in (self._woken, self._wakes):
            each.setblocking(False)
        self._follow = _find_death_signal()
        self._room: list[int] = []
        self._keep_room()

    def serve(self) -> None:
        """Do what is asked for, until nobody can ask any more."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        while self._accepts or self._statuses:
            waits = select.poll()
            waits.register(self._woken, select.POLLIN)
            if self._accepts:
                waits.register(self._requests, select.POLLIN)
            for pid, status in self._statuses.items():
                if pid not in self._killed:
                    waits.register(status, select.POLLIN)
            ready = {descriptor for descriptor, _ in waits.poll(None if self._statuses else IDLE_S * 1_000)}
            if not ready:
                return
            self._kill_unwanted(ready)
            if self._woken.fileno() in ready:
                self._reap()
            if self._accepts and self._requests.fileno() in ready and not self._receive():
                return

    def _kill_unwanted(self, ready: set[int]) -> None:
        """Kill the processes whose status nobody waits for."""
        for pid, status in self._statuses.items():
            if status.fileno() in ready:
                os.kill(pid, signal.SIGKILL)  # it is its own number until it is reaped
                self._killed.add(pid)

    def _reap(self) -> None:
        """Tell the exit status of each process that ended."""
        with suppress(BlockingIOError):
            while self._woken.recv(1 << 10):
                continue
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                self._killed.discard(found[0])
                code = os.waitstatus_to_exitcode(found[1])
                with self._statuses.pop(found[0]) as status, suppress(OSError):  # who asked may be gone
                    status.send(NUMBER.pack(code))
                if code in CRASHES and self._accepts:
                    self._accepts = False
                    self._requests.close()

    def _receive(self) -> bool:
        """Take a request; return whether there may be more: not where the owner is gone, with which all processes go."""
        self._free_room()
        data, files, _, _ = socket.recv_fds(
            self._requests, 1, DESCRIPTORS, getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        )
        if not data:
            for pid in self._statuses:
                os.kill(pid, signal.SIGKILL)
            return False
        if len(files) == DESCRIPTORS:
            self._answer(*files)
        for each in files[1:] if len(files) == DESCRIPTORS else files:
            os.close(each)
        self._keep_room()
        return True

    def _answer(self, status: int, line: int, out: int) -> None:
        """Start a process with its standard input and output, and tell its number; or why there is none."""
        told = socket.socket(fileno=status)
        try:
            os.close(
                os.dup(line)
            )  # its status stays open: without room for one more the next request could not be answered
            pid = self._start(line, out, told)
        except OSError as error:  # no more processes, descriptors, or no memory
            with told, suppress(OSError):
                told.send(NUMBER.pack(-(error.errno or errno.EAGAIN)))
        else:
            self._statuses[pid] = told
            with suppress(OSError):
                told.send(NUMBER.pack(pid))

    def _keep_room(self) -> None:
        """Keep as many descriptors as a request has."""
        self._room = [os.dup(self._woken.fileno()) for _ in range(DESCRIPTORS)]

    def _free_room(self) -> None:
        while self._room:
            os.close(self._room.pop())

    def _start(self, line: int, out: int, status: socket.socket) -> int:
        """Start a process with its standard input and output; return its number."""
        if not self._forks:
            program = (
                f"import sys; sys.path[:] = {sys.path!r}; from {self._run.__module__} import main; main()"
            )
            actions = [(os.POSIX_SPAWN_DUP2, line, 0), (os.POSIX_SPAWN_DUP2, out, 1)]
            return os.posix_spawn(
                sys.executable, [sys.executable, "-I", "-c", program], os.environ, file_actions=actions
            )
        server = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            self._follow()
            if os.getppid() == server:
                self._leave(line, out, status)
                self._run()
                code = 0
        finally:
            os._exit(code)

    def _leave(self, line: int, out: int, status: socket.socket) -> None:
        """Keep nothing of the server in a process that was forked, but its standard input and output."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(line, 0)
        os.dup2(out, 1)
        os.close(line)
        os.close(out)
        self._free_room()
        for each in (status, self._requests, self._woken, self._wakes, *self._statuses.values()):
            each.close()


def serve(
    run: Callable[[], object], modules: Sequence[str] = (), *, forks: bool = sys.platform != "darwin"
) -> None:
    """Serve as the process whose standard input is the socket of requests; each process that is asked for does `run`.

    `modules` are loaded before. What is not forked is started anew, and runs `main` of the module of `run`: libraries of macOS
    may hang in a process that was forked.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner: no film breaks off because of it
    with socket.socket(fileno=os.dup(0)) as requests:
        os.dup2(2, 0)
        if forks:
            for name in modules:
                import_module(name)
            gc.collect()
            gc.freeze()  # what is there stays: to go through it would copy it into each process
        ForkServer(requests, run, forks=forks).serve()


def _find_death_signal() -> Callable[[], object]:
    """Return a function that has the process in which it is called killed when its parent ends; on Linux alone."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    import ctypes

    control = ctypes.CDLL(None).prctl
    kill = ctypes.c_ulong(signal.SIGKILL)
    return lambda: control(SET_DEATH_SIGNAL, kill)
