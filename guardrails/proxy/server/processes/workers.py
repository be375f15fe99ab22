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
from time import monotonic
from typing import Any, Final

from uvicorn.config import STARTUP_FAILURE, Config
from uvicorn.server import Server
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import SIGNALS, Process

from guardrails.detectors.file_watch import Stamp, have_changed
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.proxy.server.counting.series import Series
from guardrails.proxy.server.counting.slots import Slots, create_slots
from guardrails.proxy.server.processes.graceful_server import GracefulServer
from guardrails.proxy.server.processes.service_notice import ServiceNotice

LOG = logging.getLogger("guardrails.proxy")

SLOT_VARIABLE: Final = "GUARDRAILS_SLOT"
"""Where a worker finds which of the slots is its own."""

SPARE_WORKERS: Final = 8
"""Workers that may be added by SIGTTIN."""

DEATHS: Final = "guardrails_worker_deaths_total"

READY_S = 1.0

JOIN_S: Final = 0.1
"""How often the parent looks whether workers have ended."""

MARGIN_S: Final = 15.0
"""Seconds that a worker may take to end besides those that its requests have."""

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
    """A worker, which ends when its parent has: nobody would tell it to, and it would serve an old policy for ever.

    Attributes:
        is_warm: whether it was ready when it last answered its parent.
    """

    def __init__(self, config: Config, sockets: list[socket], notice_s: float = 0.0) -> None:
        super().__init__(config, sockets)
        self._parent = os.getpid()
        self._notice_s = notice_s
        self.is_warm = False

    @property
    def server(self) -> Server:
        """The server of this process, which takes requests for a while after SIGTERM."""
        if self._server is None:
            self._server = GracefulServer(self.config, self._notice_s)
        return self._server

    def target(self, sockets: list[socket] | None = None) -> None:
        """Serve, in the process of its own. Its status at the end is 0, or tells the parent that the next could not start."""
        try:
            super().target(sockets)
        except KeyboardInterrupt:  # Ctrl-C is for the parent, which says so
            return
        except GuardrailsError:  # it is in the log
            sys.exit(STARTUP_FAILURE)

    def pong(self) -> None:
        """Answer the parent: whether the server has started, and whether it is ready."""
        self.child_conn.recv()
        server = self.server
        warm = isinstance(server, GracefulServer) and server.lifecycle.ready
        self.child_conn.send((server.started, warm))

    def _healthcheck(self, timeout: float) -> bool | None:
        """Return whether the worker has started, None where it does not answer in time."""
        answer: Any = super()._healthcheck(timeout)
        if answer is None:
            return None
        started, self.is_warm = answer
        return bool(started)

    def always_pong(self) -> None:
        """Answer the parent as long as it is there, then end as one that is told to."""
        while os.getppid() == self._parent:
            if self.child_conn.poll(ORPHAN_S):
                self.pong()
        LOG.error("the parent of worker %s is gone: it ends what it began, and stops", os.getpid())
        os.kill(os.getpid(), signal.SIGTERM)


class ForkedProcess(WorkerProcess):
    """A worker that is forked from this process."""

    def __init__(self, config: Config, sockets: list[socket], notice_s: float = 0.0) -> None:
        super().__init__(config, sockets, notice_s)
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


@dataclass(frozen=True, slots=True)
class SupervisorOptions:
    """How the workers of a server are kept.

    Attributes:
        reload: whether they load their policy anew.
        forks: whether they are forked from this process, or start from nothing.
        notice_s: for how long they take requests after SIGTERM, in seconds.
        streams_s: for how long requests may take after that.
    """

    reload: bool = True
    forks: bool = False
    notice_s: float = 0.0
    streams_s: float = 30.0


class WorkerProcesses(Multiprocess):
    """The processes of a server; on SIGHUP each loads its policy anew, where uvicorn would start each anew.

    Args:
        config: of the server; its application is made in each worker.
        sockets: what they listen on.
        options: how they are kept.
        notice: tells the service manager how the server is.
        slots: where the workers count, each in one of its own behind the parent's.
    """

    processes: list[Any]

    def __init__(
        self,
        config: Config,
        sockets: list[socket],
        options: SupervisorOptions,
        notice: ServiceNotice | None = None,
        slots: Slots | None = None,
    ) -> None:
        super().__init__(config, sockets)
        self._options, self._notice = options, notice or ServiceNotice()
        self._slots = slots or create_slots(1 + config.workers + SPARE_WORKERS)
        self._series = Series(self._slots)
        self._make = ForkedProcess if options.forks else WorkerProcess
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
        self.processes = [self._start(index) for index in range(self.processes_num)]

    def keep_subprocess_alive(self) -> None:
        """Put a new worker in the place of each that has died or hangs; end where one could not even start."""
        self._replace_dead()
        self._notice.beat()
        if all(process.is_warm for process in self.processes):
            self._notice.tell_ready()

    def _replace_dead(self) -> None:
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
                why = "silent" if hangs else "signal" if (process.exitcode or 0) < 0 else "status"
                self._series.count(DEATHS, (("why", why),))
                self.processes[index] = self._start(index)

    def terminate_all(self) -> None:
        """Have all workers end. The parent listens no longer, so that nobody waits for it; workers do until their time is up."""
        self._notice.tell_stopping()
        super().terminate_all()
        for listener in self.sockets:
            listener.close()

    def join_all(self) -> None:
        """Wait until each worker has ended what it began; one that does not end is killed. SIGINT has all end at once."""
        ends = monotonic() + self._options.notice_s + self._options.streams_s + MARGIN_S
        for process in self.processes:
            while process.exitcode is None and monotonic() < ends:
                process.process.join(JOIN_S)
                self._pass_on_interrupt()
            if process.exitcode is None:
                LOG.error("worker %s does not end: it is killed", process.pid)
                process.process.kill()
            process.join()

    def _pass_on_interrupt(self) -> None:
        """Have workers end at once where the operator interrupts their end."""
        if signal.SIGINT not in self.signal_queue:
            return
        self.signal_queue.clear()
        self._interrupted = True
        for process in self.processes:
            if process.exitcode is None and process.pid is not None:
                os.kill(process.pid, signal.SIGINT)

    def handle_hup(self) -> None:
        """Pass the signal on; a worker that is still starting would die of it, and loads what there is now anyway."""
        for process in self.processes if self._options.reload else ():
            if process.pid is not None and process.is_ready(READY_S):
                os.kill(process.pid, signal.SIGHUP)

    def handle_ttin(self) -> None:
        """Start one more, as long as there is a slot for it."""
        if len(self.processes) + 1 >= len(self._slots.all):
            LOG.warning("there are %d workers, and there can be no more: set workers", len(self.processes))
            return
        self.processes_num += 1
        self.processes.append(self._start(len(self.processes)))

    def handle_ttou(self) -> None:
        """Have the last one end, and count for nothing any more but what it counted."""
        super().handle_ttou()
        for slot in self._slots.all[len(self.processes) + 1 :]:
            slot.release()

    def _start(self, index: int) -> WorkerProcess:
        """Start a worker at an index; what the one before it counted there is kept."""
        self._slots.all[index + 1].release()
        os.environ[SLOT_VARIABLE] = str(index + 1)
        process = self._make(self.config, self.sockets, self._options.notice_s)
        process.start()
        return process
