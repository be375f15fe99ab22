"""Records the files that loading a policy looks at, so that a change of any of them is noticed.

What is not there is noted as well, so that a load which failed can be tried again when it comes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

Stamp = tuple[int | str, ...] | None
"""What tells one content of a file from another; None where there is no such file."""

UNSEEN: Stamp = ()
"""Equals the stamp of no file."""

SMALL = 1 << 20
"""Bytes up to which a file is told by its content; a larger one by its size, times and place on the disk."""

_noting: ContextVar[tuple[dict[Path, Stamp], ...]] = ContextVar("_noting", default=())


@contextmanager
def record_files() -> Iterator[dict[Path, Stamp]]:
    """Yield a mapping that fills with the files which are looked at inside the block, in this thread."""
    files: dict[Path, Stamp] = {}
    token = _noting.set((*_noting.get(), files))
    try:
        yield files
    finally:
        _noting.reset(token)


def note_file(path: Path) -> None:
    """Say that a file is about to be looked at."""
    if noting := _noting.get():
        made = stamp_file(path)
        for files in noting:
            files.setdefault(path.absolute(), made)


def stamp_file(path: Path) -> Stamp:
    """Return what tells this content of a file from another."""
    try:
        found = path.stat()
        if found.st_size <= SMALL and path.is_file():
            return (hashlib.sha256(path.read_bytes()).hexdigest(),)
        return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)
    except (OSError, ValueError):  # a NUL
        return None


def stamp_files(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """Return what tells the contents that files have by now from others."""
    return {path: stamp_file(path) for path in paths}


def have_changed(files: Mapping[Path, Stamp]) -> bool:
    """Tell whether one of the files is not what it was when it was noted."""
    return any(stamp_file(path) != before for path, before in files.items())
