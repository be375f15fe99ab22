"""A log of lines of JSON in a bounded number of files: one that grows too large is put aside.

Each write takes whole lines and is alone with the file, so that processes may share it, and who reads it finds them whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any


class DecisionLog:
    """A log of at most `files` files of `most` bytes each (or one row, where that is larger). Only its owner may read it."""

    def __init__(self, path: Path, most: int, files: int) -> None:
        self.path, self._most, self._files = path, most, files

    def open(self) -> None:
        """Make the file, if there is none; raises `OSError` where it cannot be written."""
        with self._open_locked():
            pass

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows; raises `OSError` where they cannot be."""
        lines = [
            json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n" for row in rows
        ]
        while lines:
            with self._open_locked() as file:
                size = os.fstat(file.fileno()).st_size
                fitting = _count_fitting(lines, self._most - size, least=not size)
                file.write(b"".join(lines[:fitting]))
                file.flush()
                lines = lines[fitting:]
                if lines:
                    self._put_aside()

    @contextmanager
    def _open_locked(self) -> Iterator[IO[bytes]]:
        """Open the file that has the name by now, which no other process writes to meanwhile."""
        while True:
            number = os.open(self.path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
            with os.fdopen(number, "ab") as file:
                _lock(file)
                held = os.fstat(file.fileno())
                try:
                    named = self.path.stat()
                except FileNotFoundError:
                    continue
                if (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino):
                    yield file
                    return

    def _put_aside(self) -> None:
        """Rename the files, the oldest of which is lost."""
        names = [self.path, *(Path(f"{self.path}.{number}") for number in range(1, self._files))]
        for old, new in reversed([*pairwise(names)]):
            if old.exists():
                old.replace(new)
        if len(names) == 1:
            self.path.unlink()


def _count_fitting(lines: Sequence[bytes], room: int, *, least: bool) -> int:
    """Return how many lines fit into so many bytes; with `least`, one at least."""
    for count, line in enumerate(lines):
        room -= len(line)
        if room < 0:
            return max(count, int(least))
    return len(lines)


def _lock(file: IO[bytes]) -> None:
    if os.name == "posix":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
