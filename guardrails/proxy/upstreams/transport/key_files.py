"""Reads keys from files, as secrets are mounted, and tells when a file is another one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 16 << 10

FileState = tuple[int, int, int] | None
"""What tells a file from the one that was there before: its inode, its time and its size; None where there is none."""


def read_key(path: str) -> str:
    """Return the key that a file holds: its only line.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds no key; the message names the file and says why, and does not quote it.
    """
    raw = Path(path).read_bytes()[: MOST_BYTES + 1]
    if len(raw) > MOST_BYTES:
        raise ValueError(f"{path} is larger than {MOST_BYTES} bytes")
    key = raw.strip()
    if not key:
        raise ValueError(f"{path} is empty")
    if len(key.split()) > 1:
        raise ValueError(f"{path} has more than one word: it must hold the key alone")
    try:
        written = key.decode("ascii")
    except UnicodeDecodeError:
        written = ""
    if not written.isprintable() or not written:
        raise ValueError(f"{path} has characters that no header can hold")
    return written


def file_state(path: str) -> FileState:
    """Return what tells a file from another of the same name; follows links, as mounted secrets are swapped by one."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
