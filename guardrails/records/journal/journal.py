"""The journal: files to which a process appends its records, one line each, in the hands of the operating system once `append`
returns. A process that is killed loses nothing of them; another moves what it left.

A line is `number, MAC, person, record`, with tabs between, the latter two as JSON, in which no tab can stand. Files are
`WRITER.NNNNNN.journal`; the one that grows is the last. `WRITER.lock` is locked for as long as the writer lives.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from guardrails.fork_safety import fork_safe_lock, reset_after_fork
from guardrails.records.chain import Head, RecordsError, first_mac, next_mac
from guardrails.records.journal.line import Line, parse_line

SEGMENT_BYTES: Final = 16 << 20
"""Size of a file from which the next one is begun; one that was moved is deleted."""


class JournalFull(RecordsError):
    """A record was not written."""


class Journal:
    """The journal of one process.

    Args:
        folder: where its files are; it is there.
        key: of the chain.
        most: bytes that may wait to be moved.

    Attributes:
        writer: its name, drawn anew in each process.
        head: of its chain.
    """

    def __init__(self, folder: Path, key: bytes, most: int) -> None:
        self._folder, self._key, self._most = folder, key, most
        self._lock = fork_safe_lock()
        self._begin()
        reset_after_fork(self)

    def _begin(self) -> None:
        self.writer = secrets.token_hex(8)
        self._seq, self._mac = 0, first_mac(self._key, self.writer)
        self._segment, self._size = 0, 0
        self._written, self._moved = 0, 0
        self._file: int | None = None
        self._lock_file: int | None = None

    def reset_in_child(self) -> None:
        """Begin a journal of the child's own; that of the parent, and its lock, stay the parent's."""
        self._close_files()
        self._begin()

    def _close_files(self) -> None:
        for file in (self._file, self._lock_file):
            if file is not None:
                with suppress(OSError):
                    os.close(file)

    @property
    def head(self) -> Head:
        """How far the chain has come; its time is left to who signs it."""
        with self._lock:
            return Head(self.writer, self._seq, self._mac, 0)

    @property
    def waiting_bytes(self) -> int:
        """Bytes that were written and not moved."""
        return self._written - self._moved

    def note_moved(self, size: int) -> None:
        """Take that so many bytes were moved."""
        self._moved += size

    @property
    def segment(self) -> Path:
        """The file that grows."""
        return self._path(self._segment)

    def _path(self, segment: int) -> Path:
        return self._folder / f"{self.writer}.{segment:06}.journal"

    def append(self, person: bytes, record: bytes) -> None:
        """Write a record behind the one before.

        Raises:
            JournalFull: it could not be written, as the disk is full, too much waits for the store, or the folder is gone.
        """
        with self._lock:
            seq = self._seq + 1
            mac = next_mac(self._key, self._mac, seq, record)
            line = b"%d\t%s\t%s\t%s\n" % (seq, mac.hex().encode(), person, record)
            if self.waiting_bytes + len(line) > self._most:
                raise JournalFull("too many records wait for the store")
            try:
                self._write(line)
            except OSError as error:
                raise JournalFull(
                    f"a record cannot be written to {self._folder}: {error.strerror}"
                ) from error
            self._seq, self._mac = seq, mac

    def _write(self, line: bytes) -> None:
        if self._file is None or self._size >= SEGMENT_BYTES:
            self._open_next()
        assert self._file is not None
        written = os.write(self._file, line)
        if written != len(line):  # the disk is full: half a record is none
            os.ftruncate(self._file, self._size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size += written
        self._written += written

    def _open_next(self) -> None:
        if self._lock_file is None:
            self._lock_file = lock_writer(self._folder, self.writer)
            assert self._lock_file is not None
        if self._file is not None:
            os.close(self._file)
            self._file = None
            self._segment += 1
        self._size = 0
        self._file = os.open(self.segment, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def close(self) -> None:
        """End the journal, and delete its files where nothing waits in them; else anybody may move it from here on. A record that
        is written later begins another one.
        """
        with self._lock:
            if self._file is not None and self.waiting_bytes == 0:
                self.segment.unlink(missing_ok=True)
                (self._folder / f"{self.writer}.lock").unlink(missing_ok=True)
            self._close_files()
            self._begin()


def lock_writer(folder: Path, writer: str) -> int | None:
    """Return an open file whose lock says that a writer lives, or that its journal is being moved; None where another has it."""
    return lock_file(folder / f"{writer}.lock")


def lock_file(path: Path) -> int | None:
    """Return a file, opened and locked for as long as it is open; None where another process has it."""
    import fcntl

    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def find_segments(folder: Path) -> dict[str, list[Path]]:
    """Return the files of each writer, oldest first."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.journal")):
        found.setdefault(path.name.partition(".")[0], []).append(path)
    return found


def read_lines(path: Path, at: int = 0) -> Iterator[tuple[Line | None, int]]:
    """Return the lines of a file from a place on, each with the place behind it; None for one that is no record. Half a line at
    the end is left alone: its writer is still at it, or was ended there, and nobody was answered by it.
    """
    with path.open("rb") as file:
        file.seek(at)
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            at += len(raw)
            yield parse_line(raw), at
