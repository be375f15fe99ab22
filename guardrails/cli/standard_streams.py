"""Makes standard input and output fit for commands, however they were started: closed, full, or in another encoding."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from contextlib import suppress
from typing import Final

ESCAPE: Final = "guardrails.escape"
"""Name of the handler that writes what an encoding does not have as JSON does: `\\u00e9`, which people can read as well."""

STANDARD: Final = 3
"""Descriptors of standard input, output and errors come before this one."""


class ClosedInput(io.RawIOBase):
    """Standard input of a process that has none: whoever reads it is told so."""

    def readable(self) -> bool:
        """Tell that it may be read."""
        return True

    def readinto(self, _buffer: object) -> int:
        """Raise `OSError`."""
        raise OSError(errno.EBADF, "is closed", "standard input")


def prepare_streams() -> None:
    """Let nothing that is printed be an error for its letters, and standard streams that are closed be none that others open."""
    codecs.register_error(ESCAPE, _escape)
    while (taken := os.open(os.devnull, os.O_RDWR)) < STANDARD:
        continue  # else the next file or socket would be what libraries write their errors to
    os.close(taken)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(ClosedInput()))
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - it stays open to the end
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - it stays open to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPE)


def discard_output() -> None:
    """Let what was not written yet go nowhere, as it cannot be written: it would be tried once more when the process ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def describe_error(error: OSError) -> str:
    """Return what the system says is wrong, and with what."""
    reason = error.strerror or type(error).__name__
    return f"{error.filename or 'the output cannot be written'}: {reason}"


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Return what is written for letters that an encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    escaped = "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
    return escaped, error.end
