"""What the first process of a container has to do: pass signals on, and bury the processes that nobody else does.

The system hands it every process whose parent has ended, such as those of a worker that was killed, and they stay as zombies
until it asks for their status. A server cannot do that beside what it waits for itself, so that it runs as a child of one which
does nothing else.
"""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Final

FIRST: Final = 1
"""The number of the first process."""

PASSED_ON: Final = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU")
    if hasattr(signal, name)
)
"""Signals that are for the server."""


def leave_first_process() -> None:
    """Go on in a child of this process where it is the first of a container; this one ends as the child does.

    Called while it has one thread.
    """
    if os.getpid() != FIRST:
        return
    # What comes before there is whom to pass it on to waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    child = os.fork()
    if child:

        def pass_on(number: int, frame: FrameType | None) -> None:
            os.kill(child, number)

        for number in PASSED_ON:
            signal.signal(number, pass_on)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        os._exit(_bury_until(child))
    os.setpgid(0, 0)  # a terminal's Ctrl-C comes once, passed on by the first process
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)


def _bury_until(child: int) -> int:
    """Ask for the status of each process that ended until a child has; return the exit status that says the same as its own."""
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
