"""Worker processes: what they share, and who takes the place of one that dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from contextlib import nullcontext
from pathlib import Path

import pytest
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from guardrails.detectors.file_watch import record_files
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.proxy.server.processes import workers
from guardrails.proxy.server.processes.workers import (
    LoadedGuard,
    SupervisorOptions,
    WorkerProcesses,
    can_fork,
)
from tests.cases import each_case


class Worker:
    """A worker that is alive, hangs, or has ended with a status; `made` counts them."""

    def __init__(self, made: list[Worker], alive: bool = True, exitcode: int | None = None) -> None:
        self.alive, self.exitcode, self.pid, self.is_warm = alive, exitcode, 7, True
        self.events: list[str] = []
        self.process = self
        made.append(self)

    def is_alive(self, timeout: float) -> bool:
        """Tell what was told."""
        return self.alive

    def start(self) -> None:
        """Note it."""
        self.events.append("start")

    def kill(self) -> None:
        """Note it."""
        self.events.append("kill")

    def join(self, timeout: float | None = None) -> None:
        """Note it."""
        self.events.append("join")

    def terminate(self) -> None:
        """Note it; it ends at once."""
        self.events.append("terminate")
        self.exitcode = 0


@pytest.fixture
def supervisor():
    """Return a supervisor of workers that are none, with all that it makes; signals stay as they are."""
    before = {number: signal.getsignal(number) for number in multiprocess.SIGNALS}
    made: list[Worker] = []
    config = multiprocess.Config("none:none", workers=2)
    found = WorkerProcesses(config, [], SupervisorOptions())
    found._make = lambda config, sockets, notice_s: Worker(made)  # type: ignore[assignment,return-value]
    yield found, made
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("exitcode", "said"),
    [
        (-9, "worker 7 ended with status -9: another one takes its place"),
        (None, "worker 7 does not answer: another one takes its place"),
    ],
)
def test_one_that_died_or_hangs_is_replaced(supervisor, caplog, exitcode: int | None, said: str) -> None:
    """By one that is made as it was, and the log says so; the others are let be."""
    found, made = supervisor
    found.init_processes()
    made[0].alive, made[0].exitcode = False, exitcode
    found.keep_subprocess_alive()
    assert caplog.messages == [said]
    assert [each.events for each in made] == [["start", "kill", "join"], ["start"], ["start"]]
    assert found.processes == [made[2], made[1]]
    found.handle_ttin()
    assert found.processes == [made[2], made[1], made[3]]


@pytest.mark.parametrize(("number", "raises"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_it_ends_as_one_process_does(supervisor, number: int, raises: bool) -> None:
    """Well on SIGTERM, as interrupted on SIGINT, once its workers have ended."""
    found, made = supervisor
    found.signal_queue.append(number)
    with pytest.raises(KeyboardInterrupt) if raises else nullcontext():
        found.run()
    assert [each.events for each in made] == [["start", "terminate", "join"]] * 2


def test_a_worker_that_cannot_start_ends_the_server(supervisor, caplog) -> None:
    """The next could not either; nothing is replaced once the server stops, which is an error."""
    found, made = supervisor
    found.init_processes()
    made[0].alive, made[0].exitcode, made[1].alive = False, STARTUP_FAILURE, False
    found.keep_subprocess_alive()
    assert found.should_exit.is_set()
    assert len(made) == 2
    assert "failed to start" in caplog.text
    with pytest.raises(GuardrailsError, match="could not start"):
        found.run()


def test_nobody_waits_for_workers_that_end(supervisor) -> None:
    """A connection is refused while they end what they began: the parent would hold it, and nobody would take it."""
    found, made = supervisor
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        found.sockets.append(listener)
        found.init_processes()
        found.terminate_all()
        assert [each.events for each in made] == [["start", "terminate"]] * 2
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


def test_a_guard_is_shared_as_long_as_its_files_are_what_they_were(tmp_path: Path) -> None:
    """A worker that takes the place of a dead one loads what there is by then."""
    policy = tmp_path / "p.yaml"
    policy.write_text("format: 1\nname: p\n")
    with record_files() as files:
        guard = Guard.load(policy)
    shared = LoadedGuard(guard, (), files)
    shared.build_streams()
    assert shared.current is guard
    policy.write_text("format: 1\nname: q\n")
    assert shared.current is None


def test_only_a_process_of_one_thread_is_forked() -> None:
    """On Linux alone, and not with torch."""
    script = f"""
import sys, threading
from {can_fork.__module__} import can_fork
found = [can_fork()]
sys.modules["torch"] = sys
found.append(can_fork())
del sys.modules["torch"]
sys.platform, here = "darwin", sys.platform
found.append(can_fork())
sys.platform = here
found.append(can_fork())
threading.Thread(target=threading.Event().wait, daemon=True).start()
found.append(can_fork())
print(*found)
"""
    given = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=given, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False", "False", "True", "False"]


FORKS = """
import atexit, os, signal, sys
from uvicorn.config import Config
from guardrails.proxy.server.processes.workers import ForkedProcess

class Once(ForkedProcess):
    def target(self, sockets):
        own = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
        left = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        print("worker", {*own} == {signal.SIG_DFL}, left == set(), flush=True)
        atexit.register(print, "ended", flush=True)
        sys.exit(%d)

signal.signal(signal.SIGTERM, lambda *given: None)
worker = Once(Config("none:none"), [])
worker.start()
worker.join()
print("parent", worker.exitcode, signal.pthread_sigmask(signal.SIG_BLOCK, []) == set())
"""


ORPHAN = """
import os, signal, threading
from uvicorn.config import Config
from guardrails.proxy.server.processes.workers import ForkedProcess

class Waiting(ForkedProcess):
    def target(self, sockets):
        signal.signal(signal.SIGTERM, lambda *given: os.write(1, b"told to end"))
        threading.Thread(target=self.always_pong, daemon=True).start()
        os.write(1, b"serves, ")
        signal.pause()

worker = Waiting(Config("none:none"), [])
worker.start()
assert worker.ping()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_ends_when_its_parent_was_killed() -> None:
    """It ends as one that is told to, and holds neither the port nor an old policy; the output is read until it has ended."""
    done = subprocess.run([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == b"serves, told to end"


@each_case("status", [0, 3])
def test_a_forked_worker_is_a_process_of_its_own(status: int) -> None:
    """Signals end it as they end any, what is to happen at its end does, and its status is the parent's to read."""
    command = [sys.executable, "-c", textwrap.dedent(FORKS) % status]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["worker True True", "ended", f"parent {status} True"]


def test_the_tasks_are_those_of_this_process() -> None:
    """Where the system lists them, with threads of libraries that Python knows nothing of."""
    assert workers.TASKS.is_dir() is (sys.platform == "linux")
