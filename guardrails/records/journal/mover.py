"""Moves records from journals into the store, each exactly once: those of this process, and those that killed ones left.

How far a writer's records are in the store stands there, and is changed in the transaction that takes them. A file of a journal
is deleted once all of it is there. Whatever this is interrupted in, the next one goes on from there.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from guardrails.records.decision_store import DecisionStore
from guardrails.records.journal.journal import Journal, find_segments, lock_writer, read_lines
from guardrails.records.journal.line import Line

LOG = logging.getLogger("guardrails")

LINES_AT_ONCE: Final = 2_000
"""Lines of a journal that are taken in one transaction,"""
BYTES_AT_ONCE: Final = 8 << 20
"""and the bytes of lines behind which no further one is: contents that are kept are large."""


class Mover:
    """Moves the journals of a folder.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[Path, int] = {}
        """How far each file of the own journal was read."""

    def move_own(self, journal: Journal, store: DecisionStore) -> int:
        """Move what a journal of this process holds by now, and return how many records it were.

        Raises:
            StoreError: the store did not take them; they stay where they are.
        """
        grows = journal.segment
        moved = 0
        for path in find_segments(self._folder).get(journal.writer, ()):
            if path > grows:
                break  # it was begun meanwhile
            before = self._places.get(path, 0)
            for lines, at in _batches(path, before):
                moved += store.insert(journal.writer, lines)
                journal.note_moved(at - before)
                before = self._places[path] = at
            if path != grows:
                path.unlink()
                self._places.pop(path, None)
        return moved

    def move_orphans(self, store: DecisionStore, own: str = "") -> int:
        """Move what writers left that are no more; raises as `move_own` does."""
        moved = 0
        for writer, segments in find_segments(self._folder).items():
            if writer == own:
                continue
            lock = lock_writer(self._folder, writer)
            if lock is None:
                continue  # it lives, or another moves it
            try:
                for path in segments:
                    with suppress(FileNotFoundError):  # another was first
                        for lines, _ in _batches(path, 0):
                            moved += store.insert(writer, lines)
                        path.unlink()
                with suppress(FileNotFoundError):
                    (self._folder / f"{writer}.lock").unlink()
            finally:
                os.close(lock)
        return moved


def _batches(path: Path, at: int) -> Iterator[tuple[list[Line], int]]:
    """Return the lines of a file in batches, each with the place behind it."""
    batch: list[Line] = []
    begin = at
    for line, behind in read_lines(path, at):
        at = behind
        if line is None:
            # The chain will show that it is missing; what it said is no more to be known.
            LOG.error("a line of the journal %s is damaged, and left out", path)
        else:
            batch.append(line)
        if len(batch) == LINES_AT_ONCE or at - begin >= BYTES_AT_ONCE:
            yield batch, at
            batch, begin = [], at
    if batch:
        yield batch, at
