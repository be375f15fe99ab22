"""Worker processes: forked from one that has loaded the policy, whose memory they share, or else started anew.

A worker that is forked costs what it writes: code, tables and the weights of models are there once for all. That needs a parent
with one thread, as a thread that is not there holds its locks for ever, and no model on torch, whose threads are not told of a
fork. The parent serves nothing and starts no thread, so that it can put a new worker in the place of a dead one at any time.
"""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, Final

from uvicorn.config import STARTUP_FAILURE, Config
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import SIGNALS, Process

from guardrails.detectors.file_watch import Stamp, have_changed
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard

LOG = logging.getLogger("guardrails.proxy")

READY_S = 1.0

ORPHAN_S: Final = 1.0
"""How often a worker looks whether its parent is there."""

TASKS: Final = Path("/proc/self/task")
"""Where Linux lists the threads of a process, those of libraries too."""


@dataclass(frozen=True, slots=True)
class LoadedGuard:
    """A guard that was loaded before workers are forked, the guards of other policies, and the files as they were read."""

    guard: Guard
    others: tuple[Guard, ...]
    files: Mapping[Path, Stamp]

    @property
    def current(self) -> Guard | None:
        """The guard, None where a file of it is another one by now."""
        return None if have_changed(self.files) else self.guard

    def build_streams(self) -> None:
        """Build what streams of replies need, which each worker would build for itself."""
        for guard in (self.guard, *self.others):
            guard.held()


def can_fork() -> bool:
    """Tell whether workers can be forked from this process as it is now."""
    return (
        sys.platform == "linux"
        and "torch" not in sys.modules
        and TASKS.is_dir()
        and len(os.listdir(TASKS)) == 1
    )


class WorkerProcess(Process):
    """A worker, which ends when its parent has: nobody would tell it to, and it would serve an old policy for ever."""

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self._parent = os.getpid()

    def always_pong(self) -> None:
        """Answer the parent as long as it is there, then end as one that is told to."""
        while os.getppid() == self._parent:
            if self.child_conn.poll(ORPHAN_S):
                self.pong()
        LOG.error("the parent of worker %s is gone: it ends what it began, and stops", os.getpid())
        os.kill(os.getpid(), signal.SIGTERM)


class ForkedProcess(WorkerProcess):
    """A worker that is forked from this process."""

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        process: Any = multiprocessing.get_context("fork").Process(target=self._serve, args=(sockets,))
        self.process = process

    def start(self) -> None:
        """Start it. A signal that comes meanwhile waits until the worker no longer takes it for one of the parent's."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _serve(self, sockets: list[socket]) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        try:
            self.target(sockets)
        finally:
            atexit._run_exitfuncs()  # as in any process that ends; `multiprocessing` leaves them out


class WorkerProcesses(Multiprocess):
    """The processes of a server; on SIGHUP each loads its policy anew, where uvicorn would start each anew.

    Args:
        config: of the server; its application is made in each worker.
        sockets: what they listen on.
        reload: whether they load their policy anew.
        forks: whether they are forked from this process, or start from nothing.
    """

    def __init__(self, config: Config, sockets: list[socket], *, reload: bool, forks: bool) -> None:
        super().__init__(config, sockets)
        self._reload = reload
        self._make = ForkedProcess if forks else WorkerProcess
        self._interrupted = self._failed = False

    def run(self) -> None:
        """Serve until a signal comes, and then until each worker has ended what it began.

        Raises:
            KeyboardInterrupt: the signal was SIGINT.
            GuardrailsError: workers could not start.
        """
        super().run()
        if self._interrupted:
            raise KeyboardInterrupt
        if self._failed:
            raise GuardrailsError("the workers could not start: the log says why")

    def handle_int(self) -> None:
        """End as interrupted."""
        self._interrupted = True
        super().handle_int()

    def init_processes(self) -> None:
        """Start as many workers as are wanted."""
        self.processes = [self._start() for _ in range(self.processes_num)]

    def keep_subprocess_alive(self) -> None:
        """Put a new worker in the place of each that has died or hangs; end where one could not even start."""
        for index, process in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if process.is_alive(timeout=self.config.timeout_worker_healthcheck):
                continue
            hangs = process.exitcode is None
            process.kill()
            process.join()
            if process.exitcode == STARTUP_FAILURE:
                LOG.error("worker %s failed to start, and the next would: the server stops", process.pid)
                self._failed = True
                self.should_exit.set()
            elif not self.should_exit.is_set():
                what = "does not answer" if hangs else f"ended with status {process.exitcode}"
                LOG.error("worker %s %s: another one takes its place", process.pid, what)
                self.processes[index] = self._start()

    def terminate_all(self) -> None:
        """Have all workers end, and listen no longer: who connects while they end what they began would wait for nobody."""
        super().terminate_all()
        for listener in self.sockets:
            listener.close()

    def handle_hup(self) -> None:
        """Pass the signal on; a worker that is still starting would die of it, and loads what there is now anyway."""
        for process in self.processes if self._reload else ():
            if process.pid is not None and process.is_ready(READY_S):
                os.kill(process.pid, signal.SIGHUP)

    def handle_ttin(self) -> None:
        """Start one more."""
        self.processes_num += 1
        self.processes.append(self._start())

    def _start(self) -> Process:
        process = self._make(self.config, self.sockets)
        process.start()
        return process
