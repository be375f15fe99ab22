"""Processes that a server forks: each does one task, can be killed, and is gone when nobody can want it any more."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

import pytest

from guardrails.errors import Overloaded
from guardrails.media.video.film_source import open_film
from guardrails.media.video.processes import forked_process
from guardrails.media.video.processes.forked_process import ForkedProcess, ForkedProcesses, get_processes

PRELUDE = (
    "import sys; sys.path[:] = {paths!r}\n"
    "import json, os, signal, socket, time\n"
    "from guardrails.media.video.processes import fork_server\n"
    "from guardrails.media.video.processes.task_channel import receive_task\n"
    "def echo():\n"
    "    with socket.socket(fileno=os.dup(0)) as line: task, files = receive_task(line)\n"
    "    exec(task.get('first', ''))\n"
    "    read = [os.pread(file, 9, 0).decode() for file in files]\n"
    "    with os.scandir('/proc/self/fd') as found: held = [os.readlink(each.path) for each in found]\n"
    "    said = dict(pid=os.getpid(), server=os.getppid(), size=len(task['text']), read=read, held=held)\n"
    "    print(json.dumps(said), flush=True)\n"
    "    exec(task.get('last', ''))\n"
)

ECHO = f"{PRELUDE}fork_server.serve(echo)\n"
"""The program of a server whose processes tell who they are, and what they were given, and do as they are told."""

WAITS: dict[str, str] = {"text": "", "last": "time.sleep(600)"}


@pytest.fixture
def own() -> Iterator[ForkedProcesses]:
    """Processes of a test's own."""
    made = ForkedProcesses()
    yield made
    made.end()


@pytest.fixture
def file() -> Iterator[IO[bytes]]:
    """A file."""
    with tempfile.TemporaryFile() as made:
        made.write(b"one")
        made.flush()
        yield made


def told(process: ForkedProcess) -> dict[str, Any]:
    """Return what a process tells of itself."""
    found: dict[str, Any] = json.loads(process.stdout.read(1 << 16))
    return found


def done(process: ForkedProcess) -> dict[str, Any]:
    """Return what a process tells of itself, once it is done."""
    found = told(process)
    assert process.wait(60) == 0
    process.close()
    return found


def is_gone(pid: int) -> bool:
    """Tell whether a process is no more, or ends within a minute."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        waits = select.poll()
        waits.register(watched, select.POLLIN)
        return bool(waits.poll(60_000))
    finally:
        os.close(watched)


def raise_error(error: Exception) -> NoReturn:
    """Raise it."""
    raise error


def test_each_task_has_a_process_of_its_own(own: ForkedProcesses, file: IO[bytes]) -> None:
    """With the files that it needs, forked by the same server."""
    with tempfile.TemporaryFile() as other:
        other.write(b"other")
        other.flush()
        found = [
            done(own.start(ECHO, {"text": "x" * 9}, files)) for files in ([file], [file, other], [other])
        ]
    assert [each["read"] for each in found] == [["one"], ["one", "other"], ["other"]]
    assert {each["size"] for each in found} == {9}
    assert len({each["pid"] for each in found}) == 3
    assert len({each["server"] for each in found} - {os.getpid()}) == 1


def test_a_process_holds_no_file_of_others(own: ForkedProcesses, file: IO[bytes], tmp_path: Path) -> None:
    """Neither this process's, nor what belongs to another one that runs, nor what belongs to the server."""
    with (tmp_path / "other").open("w"):
        first = own.start(ECHO, WAITS, [file])
        found = told(first)
        second = done(own.start(ECHO, {"text": ""}, [file]))
        first.close()
    for each in (found, second):
        kinds = sorted(
            held.split(":")[0].split("/")[1 if held.startswith("/") else 0] for held in each["held"]
        )
        assert kinds == ["dev", "pipe", "proc", "socket", "tmp"], each


def test_no_secret_is_where_films_are_read(
    own: ForkedProcesses, file: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment of a server is that of decoding."""
    monkeypatch.setenv("ZQX_SECRET", "zqx")
    process = own.start(ECHO, WAITS, [file])
    found = told(process)
    for pid in (found["pid"], found["server"]):
        assert b"ZQX_SECRET" not in Path(f"/proc/{pid}/environ").read_bytes()
    process.close()


def test_one_process_is_killed_and_no_other(own: ForkedProcesses, file: IO[bytes]) -> None:
    """By whom it belongs to, at any time, also when it is stopped."""
    one, other = own.start(ECHO, WAITS, [file]), own.start(ECHO, WAITS, [file])
    pids = told(one)["pid"], told(other)["pid"]
    assert pids == (one.pid, other.pid)
    os.kill(one.pid, signal.SIGSTOP)
    one.kill()
    one.kill()
    assert one.wait(60) == -signal.SIGKILL
    assert is_gone(pids[0])
    with pytest.raises(TimeoutError):
        other.wait(0.01)
    other.kill()
    assert (other.wait(60), other.wait()) == (-signal.SIGKILL,) * 2
    for each in (one, other):
        each.close()
        each.kill()


def test_one_that_nobody_waits_for_is_killed(own: ForkedProcesses, file: IO[bytes]) -> None:
    """Whoever forgets it leaves nothing behind."""
    process = own.start(ECHO, WAITS, [file])
    pid = told(process)["pid"]
    process.close()
    assert is_gone(pid)


def test_its_exit_status_is_told(own: ForkedProcesses, file: IO[bytes]) -> None:
    """As of any process."""
    for last, code in (("raise ValueError", 1), ("os._exit(7)", 7), ("os.kill(os.getpid(), 15)", -15)):
        process = own.start(ECHO, {"text": "", "last": last}, [file])
        assert process.wait(60) == code
        process.close()


def test_a_server_that_is_killed_takes_its_processes_along(own: ForkedProcesses, file: IO[bytes]) -> None:
    """What is in flight has failed; the next task has another server."""
    process = own.start(ECHO, WAITS, [file])
    found = told(process)
    os.kill(found["server"], signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    assert process.stdout.read() == b""
    process.close()
    assert is_gone(found["pid"])
    assert done(own.start(ECHO, {"text": ""}, [file]))["server"] != found["server"]


def test_after_a_crash_the_next_process_lies_elsewhere_in_memory(
    own: ForkedProcesses, file: IO[bytes]
) -> None:
    """It is forked by another server; what the first one forked goes on, and then it ends."""
    other = own.start(ECHO, WAITS, [file])
    server = told(other)["server"]
    broken = own.start(ECHO, {"text": "", "last": "os.kill(os.getpid(), signal.SIGSEGV)"}, [file])
    assert broken.wait(60) == -signal.SIGSEGV
    broken.close()
    assert done(own.start(ECHO, {"text": ""}, [file]))["server"] != server
    with pytest.raises(TimeoutError):
        other.wait(0.01)
    other.kill()
    assert other.wait(60) == -signal.SIGKILL
    other.close()
    assert is_gone(server)


def test_a_server_that_nobody_needs_ends(own: ForkedProcesses, file: IO[bytes]) -> None:
    """It is reaped, and another one is started when there is a film again."""
    program = f"{PRELUDE}fork_server.IDLE_S = 0.01\nfork_server.serve(echo)\n"
    process = own.start(
        program, {"text": "", "last": "time.sleep(0.1)"}, [file]
    )  # longer than it may have nothing to do
    server = own._server
    assert server is not None
    first = done(process)["server"]
    server.reaper.join(60)
    assert server.process.returncode == 0
    assert done(own.start(program, {"text": ""}, [file]))["server"] != first


def test_a_server_that_breaks_down_is_a_process_that_does(own: ForkedProcesses, file: IO[bytes]) -> None:
    """It is started twice at most."""
    process = own.start("raise SystemExit", {"text": ""}, [file])
    assert process.stdout.read() == b""
    assert process.wait() == -signal.SIGKILL
    process.close()
    assert done(own.start(ECHO, {"text": ""}, [file]))["read"] == ["one"]


def test_a_server_that_does_not_answer_is_no_verdict_on_a_film(
    own: ForkedProcesses, file: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked is told that there was no place."""
    monkeypatch.setattr(forked_process, "START_S", 0.05)
    with pytest.raises(Overloaded):
        own.start("import time; time.sleep(600)", {"text": ""}, [file])
    assert own._server is not None
    own._server.process.kill()


def test_a_system_without_more_processes_is_told_of(own: ForkedProcesses, file: IO[bytes]) -> None:
    """The server goes on."""
    full = "import errno\ndef fork(): raise OSError(errno.EAGAIN, 'full')\n"
    program = f"{PRELUDE}{full}made = os.fork\nos.fork = fork\nfork_server.serve(echo)\n"
    for _ in range(2):
        with pytest.raises(OSError) as caught:
            own.start(program, {"text": ""}, [file])
        assert caught.value.errno == errno.EAGAIN


def test_a_server_without_more_descriptors_is_told_of(own: ForkedProcesses, file: IO[bytes]) -> None:
    """Who asks for one more is refused, and told why; those that are at work go on, and the next finds the place of one."""
    few = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))\n"
    program = f"{PRELUDE}{few}fork_server.serve(echo)\n"
    running: list[ForkedProcess] = []
    refused: OSError | None = None
    while refused is None:
        try:
            running.append(own.start(program, WAITS, [file]))
        except OSError as error:
            refused = error
    assert refused.errno == errno.EMFILE
    server = {told(each)["server"] for each in running}
    assert len(running) > 2
    for _ in range(3):
        with pytest.raises(OSError):
            own.start(program, WAITS, [file])
    assert all(Path(f"/proc/{each.pid}").is_dir() for each in running)
    first, *others = running
    first.kill()
    first.wait(60)
    first.close()
    assert {done(own.start(program, {"text": ""}, [file]))["server"]} == server
    assert all(Path(f"/proc/{each.pid}").is_dir() for each in others)
    for each in others:
        each.close()


def test_an_owner_without_more_descriptors_loses_no_process(
    own: ForkedProcesses, file: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system refuses to hand files over; that is not an end of the server."""
    process = own.start(ECHO, WAITS, [file])
    monkeypatch.setattr(socket, "send_fds", lambda *_: raise_error(OSError(errno.ETOOMANYREFS, "too many")))
    with pytest.raises(OSError, match="too many"):
        own.start(ECHO, WAITS, [file])
    assert told(process)["pid"] == process.pid
    process.close()


def test_many_threads_share_a_server(own: ForkedProcesses, file: IO[bytes]) -> None:
    """Each gets a process of its own."""
    found: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: found.append(done(own.start(ECHO, {"text": ""}, [file]))))
        for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len({each["pid"] for each in found}), len({each["server"] for each in found})) == (8, 1)


def test_ctrl_c_is_for_who_asked(own: ForkedProcesses, file: IO[bytes]) -> None:
    """A terminal sends it to all processes; no film breaks off because of it."""
    process = own.start(ECHO, {"text": "", "first": "os.kill(os.getpid(), signal.SIGINT)"}, [file])
    found = done(process)
    os.kill(found["server"], signal.SIGINT)
    assert done(own.start(ECHO, {"text": ""}, [file]))["server"] == found["server"]


OWNER = f"""
import sys, os, tempfile, json, signal
sys.path[:] = {sys.path!r}
from guardrails.media.video.processes.forked_process import get_processes
PROGRAM = {ECHO!r}
file = tempfile.TemporaryFile()
def start(**task):
    process = get_processes().start(PROGRAM, dict(text="", **task), [file])
    return process, json.loads(process.stdout.read(1 << 16))
first, found = start(last="time.sleep(600)")
"""
"""A program that has a process forked, which does not end."""


def test_all_ends_with_its_owner() -> None:
    """However that ends: the server, and what it forked."""
    for end in ("os.kill(os.getpid(), signal.SIGKILL)", "sys.exit()", "raise KeyboardInterrupt"):
        script = f"{OWNER}print(found['pid'], found['server'], flush=True)\n{end}\n"
        run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        pids = [int(each) for each in run.stdout.split()]
        assert len(pids) == 2
        assert all(map(is_gone, pids)), end
        assert "Warning" not in run.stderr


def test_a_process_that_was_forked_from_its_owner_has_a_server_of_its_own() -> None:
    """It holds nothing of the other's, which goes on when it ends, and ends when the owner does."""
    script = f"""{OWNER}
child = os.fork()
if child == 0:
    second, other = start()
    print(other["server"] != found["server"], first.wait(), flush=True)
    sys.exit(0)
os.waitpid(child, 0)
_, third = start()
first.kill()
print(third["server"] == found["server"], first.wait(), flush=True)
_, fourth = start(last="time.sleep(600)")
child = os.fork()
if child == 0:
    signal.pause()
print(child, fourth["pid"], fourth["server"], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    run = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    lines = [run.stdout.readline().split() for _ in range(3)]
    run.wait(60)
    child, *pids = map(int, lines.pop())
    try:
        assert lines == [["True", "-9"], ["True", "-9"]]
        assert all(map(is_gone, pids))
    finally:
        os.kill(child, signal.SIGKILL)
        run.stdout.close()


def test_films_are_watched_by_forked_processes(calm: bytes) -> None:
    """Of the server that all films of this process share."""
    servers = set()
    with open_film(calm) as film:
        for _ in range(2):
            with film.watch() as watch:
                stat = Path(f"/proc/{watch._process._process.pid}/stat").read_text()
                servers.add(int(stat.rpartition(")")[2].split()[1]))
                assert len([*watch]) == 4
    shared = get_processes()._server
    assert shared is not None
    assert servers == {shared.process.pid}
