"""Memory that the processes of a server share, in which each counts for itself and all may read.

Each worker has a slot, which is its alone while it lives. What it counted is there after it was killed, and the worker in its
place counts on from that, so that no sum ever falls. A counter is a number of eight bytes, which is written at once; a series is
there once the length of its record is, which is written last. Nobody locks, and nobody waits.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import Final

HEAD: Final = 64
"""Bytes at the beginning of a slot: who has it, and how its state is written."""

STATE: Final = 256 << 10
"""Bytes for the state of a process: gauges as of a second ago."""

SERIES: Final = 4 << 20
"""Bytes for its series, some 20,000. What is not used takes no memory."""

SLOT: Final = HEAD + STATE + SERIES

RECORD: Final = Struct("=IHH")
"""The head of a record: its length, bytes of its key, and how many numbers it has."""

WORD: Final = 8
TRIES: Final = 100


class Slot:
    """The memory of one process.

    Args:
        memory: all of it, zero where nobody wrote.
    """

    def __init__(self, memory: memoryview) -> None:
        self._words = memory[:HEAD].cast("Q")
        self._state = memory[HEAD : HEAD + STATE]
        self._series = memory[HEAD + STATE :]
        self._used = 0
        """Where the next record goes; only who counts here changes it."""

    @property
    def owner(self) -> int:
        """The number of the process that counts here, 0 where none does any more."""
        return self._words[0]

    def claim(self, pid: int) -> None:
        """Count here from now on; what was counted before stays, and the state of who was here before goes."""
        self._words[1] = self._words[2] = 0
        self._words[0] = pid
        self._used = max((end for _, _, end in self.records(0)), default=0)

    def release(self) -> None:
        """Take note that nobody counts here any more."""
        self._words[0] = 0

    def add(self, key: bytes, numbers: int) -> memoryview[float] | None:
        """Return the numbers of a new series, each 0, or None where there is no room for it."""
        size = RECORD.size + numbers * WORD + -(-len(key) // WORD) * WORD
        at = self._used
        if at + size + RECORD.size > len(self._series):
            return None
        key_at = at + RECORD.size + numbers * WORD
        self._series[key_at : key_at + len(key)] = key
        RECORD.pack_into(self._series, at, 0, len(key), numbers)
        RECORD.pack_into(self._series, at, size, len(key), numbers)
        self._used = at + size
        return self._numbers(at, numbers)

    def records(self, begin: int) -> Iterator[tuple[bytes, memoryview[float], int]]:
        """Yield the series from an offset on: the key, the numbers, and the offset behind it."""
        at = begin
        while at + RECORD.size <= len(self._series):
            size, key_size, numbers = RECORD.unpack_from(self._series, at)
            if not size:
                break
            key_at = at + RECORD.size + numbers * WORD
            key, end = bytes(self._series[key_at : key_at + key_size]), at + size
            yield key, self._numbers(at, numbers), end
            at = end

    def _numbers(self, at: int, count: int) -> memoryview[float]:
        begin = at + RECORD.size
        return self._series[begin : begin + count * WORD].cast("d")

    def write_state(self, raw: bytes) -> bool:
        """Show others a state instead of the one before; tells whether there was room for it."""
        if len(raw) > STATE:
            return False
        words = self._words
        words[1] |= 1  # odd while it is written
        self._state[: len(raw)] = raw
        words[2] = len(raw)
        words[1] += 1
        return True

    def read_state(self) -> bytes:
        """Return the state of a process that lives, empty for one that has shown none."""
        words = self._words
        for _ in range(TRIES):
            before, size = words[1], words[2]
            raw = bytes(self._state[: min(size, STATE)])
            if words[0] and not before & 1 and words[1] == before:
                return raw
        return b""


class Slots:
    """The slots of all processes of a server: the first is for the one that starts the others.

    Args:
        memory: the memory.
        own: which slot is that of the process that asks.
    """

    def __init__(self, memory: mmap.mmap, own: int = 0) -> None:
        view = memoryview(memory)
        self.all = tuple(Slot(view[at : at + SLOT]) for at in range(0, len(view), SLOT))
        self.own = own

    @property
    def own_slot(self) -> Slot:
        """The slot of the process that asks."""
        return self.all[self.own]


def create_slots(count: int) -> Slots:
    """Return slots in memory that processes share which are forked from this one."""
    return Slots(mmap.mmap(-1, count * SLOT))


def create_slots_file(path: Path, count: int) -> Slots:
    """Return slots in a file, for processes that are not forked; raises `OSError`."""
    with path.open("w+b") as file:
        os.truncate(file.fileno(), count * SLOT)
        return Slots(mmap.mmap(file.fileno(), 0))


def open_slots_file(path: Path, own: int) -> Slots:
    """Return the slots that another process created in a file; raises `OSError`."""
    with path.open("r+b") as file:
        return Slots(mmap.mmap(file.fileno(), 0), own)
