"""Runs work that reads files, and runs it again each time that one of them changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from guardrails.detectors.file_watch import Stamp, have_changed, record_files

T = TypeVar("T")


def watch_rounds(work: Callable[[], T], listed: Callable[[], object], looks: Iterable[object]) -> Iterator[T]:
    """Yield what work returns, now and after each look at which something has changed.

    Args:
        work: what is done; what it reads is noted (`detectors.reads`), also what it looks for in vain.
        listed: what it is done for, such as the files below a folder; another answer than before is a change as well.
        looks: something comes of it when it is time to look again; it ends when nobody watches any more.
    """
    files, names, made = _round(work, listed)
    yield made
    for _ in looks:
        if have_changed(files) or listed() != names:
            files, names, made = _round(work, listed)
            yield made


def _round(work: Callable[[], T], listed: Callable[[], object]) -> tuple[Mapping[Path, Stamp], object, T]:
    names = listed()
    with record_files() as files:
        made = work()
    return files, names, made
