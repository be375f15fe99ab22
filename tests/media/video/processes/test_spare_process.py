"""Processes that wait: each does one task, and is gone when nobody can want it any more."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guardrails.media.video.film_source import open_film
from guardrails.media.video.processes import spare_process
from guardrails.media.video.processes.spare_process import (
    SpareProcess,
    SpareProcesses,
    get_spares,
    receive_task,
)
from tests.cases import each_case

ECHO = (
    f"import sys; sys.path[:] = {sys.path!r}\n"
    "import os, socket\n"
    "from guardrails.media.video.processes.spare_process import receive_task\n"
    "with socket.socket(fileno=os.dup(0)) as line: came = receive_task(line)\n"
    "if came is None: sys.exit(7)\n"
    "print(os.getpid(), len(came[0]['text']), [os.pread(file, 9, 0) for file in came[1]])\n"
)
"""A program that tells what it was given."""


@pytest.fixture
def own() -> Iterator[SpareProcesses]:
    """Processes of a test's own."""
    made = SpareProcesses()
    yield made
    made.end()


def told(process: subprocess.Popen[bytes]) -> list[str]:
    """Return what a process tells, once it is done."""
    out, _ = process.communicate(timeout=60)
    return out.decode().strip().split(" ", 2)


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_a_task_and_its_files_go_to_the_process(own: SpareProcesses, size: int) -> None:
    """However long it is, to one that was just started and to one that waited; each is another one."""
    with tempfile.TemporaryFile() as one, tempfile.TemporaryFile() as two:
        one.write(b"one")
        two.write(b"two")
        one.flush()
        two.flush()
        pids = set()
        for files in ([one], [one, two], [two]):
            process = own.start(ECHO, {"text": "x" * size}, files)
            pid, length, read = told(process)
            pids.add(pid)
            assert (int(length), read) == (size, str([{one: b"one", two: b"two"}[file] for file in files]))
        assert len(pids) == 3


def test_the_next_one_waits_from_the_first_on(own: SpareProcesses) -> None:
    """One at a time, and of the same program: another is started for another."""
    with tempfile.TemporaryFile() as file:
        assert own._waiting is None
        told(own.start(ECHO, {"text": ""}, [file]))
        assert own._waiting is not None
        waiting = own._waiting[0].process
        assert int(told(own.start(ECHO, {"text": ""}, [file]))[0]) == waiting.pid
        assert own._waiting is not None
        waiting = own._waiting[0].process
        assert int(told(own.start(f"{ECHO}\n", {"text": ""}, [file]))[0]) != waiting.pid
        assert waiting.poll() is not None


def test_one_that_died_while_it_waited_is_replaced(own: SpareProcesses) -> None:
    """Nobody's film is lost by it."""
    with tempfile.TemporaryFile() as file:
        told(own.start(ECHO, {"text": ""}, [file]))
        assert own._waiting is not None
        waiting = own._waiting[0]
        waiting.process.kill()
        os.waitid(os.P_PID, waiting.process.pid, os.WEXITED | os.WNOWAIT)
        assert int(told(own.start(ECHO, {"text": ""}, [file]))[0]) != waiting.process.pid
        broken = SpareProcess("raise SystemExit")
        broken.process.wait()
        with pytest.raises(OSError):
            broken.give({"text": ""}, [file])
        broken.end()


def test_one_that_has_its_task_already_is_not_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have closed its end before the next line of ours runs: a second one would do the same task beside it."""
    spare = SpareProcess.__new__(SpareProcess)
    spare._line, theirs = socket.socketpair()
    send = socket.send_fds
    got = []

    def sent(line: socket.socket, data: Any, files: Any) -> int:
        count = send(line, data, files)
        got.append(receive_task(theirs))
        theirs.close()
        return count

    monkeypatch.setattr(spare_process.socket, "send_fds", sent)
    with tempfile.TemporaryFile() as file:
        spare.give({"text": "a"}, [file])

    assert [each[0] for each in got if each] == [{"text": "a"}]


def test_one_that_nobody_wants_is_ended(own: SpareProcesses, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some time, and once."""
    monkeypatch.setattr(spare_process, "WAITS_S", 0.01)
    with tempfile.TemporaryFile() as file:
        told(own.start(ECHO, {"text": ""}, [file]))
        waiting = own._waiting
        if waiting is not None:
            waiting[1].join()
            assert waiting[0].process.poll() is not None
        assert own._waiting is None
        own.end()


def test_one_ends_when_who_started_it_does() -> None:
    """However that ends: the socket is closed."""
    spare = SpareProcess(ECHO)
    spare._line.close()
    assert spare.process.wait(60) == 7
    spare.end()


@each_case("data", [b"", b"\0", b"\0\0\0\x09{}", b"\0\0\0\0"])
def test_what_is_no_whole_task_is_none(data: bytes) -> None:
    """Who sent it is gone."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        ours.close()
        assert receive_task(theirs) is None


def test_a_process_knows_no_secret_and_holds_no_file_of_others(
    calm: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The one that waits was started before, and has what each has: its pipe, its socket, and nothing else."""
    monkeypatch.setenv("ZQX_SECRET", "zqx")
    with open_film(calm), (tmp_path / "other").open("w"):
        waiting = get_spares()._waiting
        assert waiting is not None
        pid = waiting[0].process.pid
        environ = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"ZQX_SECRET" not in environ
        files = []
        for each in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # it loads modules meanwhile
                files.append(os.readlink(f"/proc/{pid}/fd/{each}"))
        assert files
        assert not any("other" in each or "deleted" in each for each in files)


def test_films_are_watched_by_those_that_wait(calm: bytes, counted: Callable[[], Any]) -> None:
    """What opens a film has the next one started, which watches it."""
    with open_film(calm) as film:
        waiting = get_spares()._waiting
        assert waiting is not None
        with film.watch() as watch:
            assert watch._process._process.pid == waiting[0].process.pid
            assert len([*watch]) == counted()


@pytest.fixture
def counted(calm: bytes) -> Callable[[], int]:
    """Return a function: how many samples a process gives that has just been started."""

    def count() -> int:
        get_spares().end()
        with open_film(calm) as film:
            get_spares().end()
            with film.watch() as watch:
                return len([*watch])

    return count
