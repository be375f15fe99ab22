"""Errors of media: a code for programs, a sentence for people."""

from __future__ import annotations

import errno
import os
import pickle

from guardrails.errors import GuardrailsError
from guardrails.media.errors import CODES, MediaError, describe_os_error
from tests.cases import each_case


def test_an_error_has_a_code_and_is_one_of_the_house() -> None:
    """It survives the way between processes."""
    error = MediaError("truncated", "the png file ends before its picture does")
    assert isinstance(error, GuardrailsError)
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, str(again)) == ("truncated", str(error))
    assert len({*CODES}) == len(CODES)


@each_case(
    ("number", "code", "failure", "said"),
    [
        (errno.ENOENT, "undecodable", None, "the file cannot be read (No such file or directory)"),
        (errno.ENOSPC, "timeout", "capacity", "the system has no room to read it (No space left on device)"),
        (errno.EMFILE, "timeout", "capacity", "the system has no room to read it (Too many open files)"),
        (errno.ENOMEM, "timeout", "capacity", "the system has no room to read it (Cannot allocate memory)"),
        (None, "undecodable", None, "the file cannot be read (OSError)"),
    ],
)
def test_a_system_without_room_is_no_fault_of_a_file(
    number: int | None, code: str, failure: str | None, said: str
) -> None:
    """What it says of a file that is not there, or broken, is one."""
    error = describe_os_error(OSError() if number is None else OSError(number, os.strerror(number)))
    assert (error.code, error.failure, str(error)) == (code, failure, said)
