"""The journal: a record is in the hands of the operating system, or was not written."""

from __future__ import annotations

import os
import resource
import signal
import threading
from pathlib import Path

import pytest

from guardrails.records.chain import first_mac, next_mac
from guardrails.records.journal import journal as module
from guardrails.records.journal.journal import (
    Journal,
    JournalFull,
    find_segments,
    lock_writer,
    read_lines,
)

KEY = b"k" * 32


def read(folder: Path) -> list[int]:
    """Return the numbers of all records of a folder, by writer and file."""
    return [
        line.seq
        for segments in find_segments(folder).values()
        for path in segments
        for line, _ in read_lines(path)
        if line is not None
    ]


def test_records_are_lines_in_a_chain(tmp_path: Path) -> None:
    """Each with its number and the MAC over the one before; the head is the last."""
    journal = Journal(tmp_path, KEY, 1 << 20)
    for n in range(3):
        journal.append(b"{}", b'{"n":%d}' % n)
    [[path]] = find_segments(tmp_path).values()
    lines = [line for line, _ in read_lines(path)]
    mac = first_mac(KEY, journal.writer)
    for n, line in enumerate(lines):
        assert line is not None
        mac = next_mac(KEY, mac, n + 1, b'{"n":%d}' % n)
        assert (line.seq, line.mac, line.record) == (n + 1, mac, b'{"n":%d}' % n)
    assert (journal.head.seq, journal.head.mac) == (3, mac)
    journal.close()


def test_threads_write_whole_lines(tmp_path: Path) -> None:
    """None within another, no number twice, none left out."""
    journal = Journal(tmp_path, KEY, 1 << 30)

    def write() -> None:
        for _ in range(200):
            journal.append(b"{}", b'{"text":"' + b"x" * 500 + b'"}')

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(tmp_path) == [*range(1, 1_601)]
    journal.close()


def test_a_new_file_is_begun_where_one_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers go on; what was moved is subtracted from what waits."""
    monkeypatch.setattr(module, "SEGMENT_BYTES", 1_000)
    journal = Journal(tmp_path, KEY, 1 << 20)
    for _ in range(50):
        journal.append(b"{}", b'{"text":"' + b"x" * 100 + b'"}')
    [segments] = find_segments(tmp_path).values()
    assert len(segments) > 5
    assert read(tmp_path) == [*range(1, 51)]
    size = sum(path.stat().st_size for path in segments)
    assert journal.waiting_bytes == size
    journal.note_moved(size)
    assert journal.waiting_bytes == 0
    journal.close()


def test_no_more_waits_than_is_allowed(tmp_path: Path) -> None:
    """What comes then is refused, and the chain goes on behind the last that was written."""
    journal = Journal(tmp_path, KEY, 500)
    journal.append(b"{}", b'{"x":"' + b"x" * 300 + b'"}')
    with pytest.raises(JournalFull, match="too many records wait"):
        journal.append(b"{}", b'{"x":"' + b"x" * 300 + b'"}')
    journal.note_moved(400)
    journal.append(b"{}", b'{"x":"again"}')
    assert read(tmp_path) == [1, 2]
    journal.close()


def test_half_a_record_is_none(tmp_path: Path) -> None:
    """A disk that is full in the middle of one leaves the file as it was before; room that comes again is used."""
    journal = Journal(tmp_path, KEY, 1 << 20)
    journal.append(b"{}", b'{"x":"first"}')
    before = journal.segment.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signalled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that the write alone fails
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before + 50, hard))  # as a disk with room for 50 bytes
        with pytest.raises(JournalFull, match="cannot be written"):
            journal.append(b"{}", b'{"x":"' + b"x" * 100 + b'"}')
        assert journal.segment.stat().st_size == before
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, signalled)
    journal.append(b"{}", b'{"x":"second"}')
    assert read(tmp_path) == [1, 2]
    journal.close()


def test_a_folder_that_is_gone_is_an_error_of_the_record(tmp_path: Path) -> None:
    """It names the folder."""
    folder = tmp_path / "records"
    folder.mkdir()
    journal = Journal(folder, KEY, 1 << 20)
    folder.rmdir()
    with pytest.raises(JournalFull, match=f"{folder}: No such file or directory"):
        journal.append(b"{}", b"{}")


def test_a_closed_journal_begins_anew(tmp_path: Path) -> None:
    """Its files are gone where nothing waits in them, and stay where something does; the next record is the first of another."""
    writers: list[str] = []
    for moved in (True, False):
        folder = tmp_path / str(moved)
        folder.mkdir()
        journal = Journal(folder, KEY, 1 << 20)
        journal.append(b"{}", b"{}")
        if moved:
            journal.note_moved(journal.waiting_bytes)
        writers.append(journal.writer)
        journal.close()
        assert bool([*folder.iterdir()]) is not moved
        journal.append(b"{}", b"{}")
        assert journal.writer not in writers
        assert journal.head.seq == 1
        journal.close()


def test_a_writer_is_alive_as_long_as_its_lock(tmp_path: Path) -> None:
    """Nobody else takes its journal before."""
    journal = Journal(tmp_path, KEY, 1 << 20)
    journal.append(b"{}", b"{}")
    assert lock_writer(tmp_path, journal.writer) is None
    journal.close()
    lock = lock_writer(tmp_path, journal.writer)
    assert lock is not None
    os.close(lock)


def test_half_a_line_at_the_end_is_left_alone(tmp_path: Path) -> None:
    """Its writer is still at it, or was killed there; what is before it is read, from any place."""
    path = tmp_path / "w.000000.journal"
    path.write_bytes(b"1\taa\t{}\t{}\n2\tbb\t{}\t{}\n3\tcc")
    found = [*read_lines(path)]
    assert [line and line.seq for line, _ in found] == [1, 2]
    assert [line and line.seq for line, _ in read_lines(path, found[0][1])] == [2]
