"""What the tests of commands share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

Running = Callable[..., AbstractContextManager[subprocess.Popen[str]]]


@pytest.fixture
def running() -> Running:
    """Return a function: arguments in, the command as a process out, which is gone when the block ends, however it ends."""

    @contextmanager
    def run(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "guardrails", *arguments]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    return run
