"""What tests of stores share: processes that use one at once, and processes that are killed while they do."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

from tests.waiting import WAIT_S

RUN = "\nimport sys\nprint('ready', flush=True)\nsys.stdin.readline()\nwork(*sys.argv[1:])\n"


def run_process(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of Python, with `arguments` as its `sys.argv[1:]`, and return what became of it."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S)


def run_at_once(count: int, program: str, *arguments: str) -> list[str]:
    """Run a program as so many processes, whose work begins at the same moment, and return what each printed.

    Args:
        count: how many.
        program: defines the function `work`.
        arguments: what that one takes.

    Raises:
        AssertionError: one of them failed.
    """
    command = [sys.executable, "-c", program + RUN, *arguments]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(count)
        ]
        for process in processes:
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        ended = [process.communicate(timeout=WAIT_S) for process in processes]
        assert [process.returncode for process in processes] == [0] * count, [error for _, error in ended]
    return [printed for printed, _ in ended]
