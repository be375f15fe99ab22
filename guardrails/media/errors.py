"""The error of a picture or a film that cannot be judged: a code for programs and a sentence for people.

Neither ever quotes what is in the file.
"""

from __future__ import annotations

import errno
from typing import Final, Literal, get_args

from guardrails.errors import GuardrailsError
from guardrails.types import UnavailableReason

Code = Literal[
    "empty",
    "too_many_bytes",
    "too_many_pixels",
    "too_many_frames",
    "too_much_memory",
    "truncated",
    "trailing_data",
    "mistyped",
    "unsupported_type",
    "undecodable",
    "timeout",
    "no_video",
    "too_many_tracks",
]

CODES: Final[tuple[Code, ...]] = get_args(Code)
"""Every code: over a limit, cut off, with something behind its end, not what it is said to be, no picture that is read here, or
broken; of films also: nothing in it but sound, or more tracks than are watched.
"""


class MediaError(GuardrailsError):
    """A picture or a film that cannot be judged; `code` is one of `CODES`. `failure` is the kind of failure where this process is
    to blame, and not the file.
    """

    def __init__(self, code: Code, message: str, failure: UnavailableReason | None = None) -> None:
        super().__init__(message)
        self.code: Code = code
        self.failure = failure

    def __reduce__(self) -> tuple[type[MediaError], tuple[Code, str, UnavailableReason | None]]:
        return MediaError, (self.code, str(self), self.failure)


SHORTAGES: Final = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN")
    if hasattr(errno, name)
)
"""What the system says where it has no room: on the disk, for open files, in memory."""


def describe_os_error(error: OSError) -> MediaError:
    """Return what an error of the system says of a file that was to be judged: nothing, where the system has no room."""
    said = error.strerror or type(error).__name__
    if error.errno in SHORTAGES:
        return MediaError("timeout", f"the system has no room to read it ({said})", "capacity")
    return MediaError("undecodable", f"the file cannot be read ({said})")
