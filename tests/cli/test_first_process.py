"""A server that is the first process of a container."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from guardrails.cli.first_process import PASSED_ON, leave_first_process
from tests.cases import each_case

PROGRAM = """
import ctypes, os, signal, sys
from guardrails.cli import first_process
os.getpid, before = (lambda: 1), os.getpid
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # as the first process it gets who has no parent any more
first_process.leave_first_process()
os.getpid = before
first = os.getppid()
print(signal.pthread_sigmask(signal.SIG_BLOCK, []) == set(), os.getpgrp() == os.getpid(), flush=True)
"""
"""Goes on in a child of a process that takes itself for the first of a container."""


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program whose child does what a code says."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM + code], capture_output=True, text=True, timeout=60, check=False
    )


@each_case(
    ("code", "status"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137),
        # What is sent to the first process comes to the server.
        ("signal.signal(signal.SIGTERM, lambda *_: os._exit(7)); os.kill(first, signal.SIGTERM); signal.pause()", 7),
        ("signal.signal(signal.SIGHUP, lambda *_: os._exit(8)); os.kill(first, signal.SIGHUP); signal.pause()", 8),
    ],
)  # fmt: skip
def test_it_ends_as_the_server_does(code: str, status: int) -> None:
    """With its exit status, or as a shell tells of a signal."""
    done = run(code)
    assert (done.returncode, done.stdout, done.stderr) == (status, "True True\n", "")


ORPHAN = """
import threading
from pathlib import Path
read, write = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.read(read, 1)
        os._exit(0)
    os._exit(0)
os.wait()
children = Path(f"/proc/{first}/task/{first}/children")
print(len(children.read_text().split()))
os.write(write, b".")
while len(children.read_text().split()) > 1:
    threading.Event().wait(0.005)
"""


def test_nobody_stays_unburied() -> None:
    """A process whose parent ended is the first one's, and gone once it ends."""
    assert run(ORPHAN).stdout == "True True\n2\n"


def test_any_other_process_stays_what_it_is() -> None:
    """As on a machine, where some other is the first: with its id, and with the handlers of signals that it has."""
    before = os.getpid(), [signal.getsignal(number) for number in PASSED_ON]
    leave_first_process()
    assert (os.getpid(), [signal.getsignal(number) for number in PASSED_ON]) == before
