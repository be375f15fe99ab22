"""Records come into the store exactly once, whatever this is interrupted in."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.records.chain import read_key
from guardrails.records.decision_store import DecisionStore
from guardrails.records.journal import journal as module
from guardrails.records.journal.journal import Journal, Line, find_segments
from guardrails.records.journal.mover import LINES_AT_ONCE, Mover
from tests.records.records_kit import open_store, verified

RECORD = b'{"v":1,"kind":"decision","id":"%d","time":%d}'


def write(journal: Journal, count: int, first: int = 0) -> None:
    """Write so many records."""
    for n in range(first, first + count):
        journal.append(b"{}", RECORD % (n, n))


def begun(folder: Path) -> Journal:
    """Begin a journal."""
    return Journal(folder, read_key(folder, make=True), 1 << 30)


def numbers(store: DecisionStore) -> list[int]:
    """Return the numbers of all records."""
    return [record.seq for record in store.select()]


def test_what_is_there_is_moved_and_what_comes_later(tmp_path: Path) -> None:
    """In batches; nothing waits then, and the chain fits."""
    journal = begun(tmp_path)
    mover, count = Mover(tmp_path), LINES_AT_ONCE + 10
    with open_store(tmp_path) as store:
        write(journal, count)
        assert mover.move_own(journal, store) == count
        assert (mover.move_own(journal, store), journal.waiting_bytes) == (0, 0)
        write(journal, 5, count)
        assert mover.move_own(journal, store) == 5
        assert numbers(store) == [*range(1, count + 6)]
    assert verified(tmp_path).intact
    journal.close()


def test_large_lines_are_moved_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contents that are kept do not fill the memory of who moves them."""
    monkeypatch.setattr("guardrails.records.journal.mover.BYTES_AT_ONCE", 1_000)
    journal = begun(tmp_path)
    sizes: list[int] = []

    class Counting(DecisionStore):
        def insert(self, writer: str, lines: Sequence[Line]) -> int:
            sizes.append(sum(len(line.record) for line in lines))
            return super().insert(writer, lines)

    for n in range(20):
        journal.append(b"{}", b'{"id":"%d","time":%d,"text":"%s"}' % (n, n, b"x" * 300))
    with open_store(tmp_path) as store:
        assert Mover(tmp_path).move_own(journal, Counting(store.database, b"k" * 32)) == 20
        assert numbers(store) == [*range(1, 21)]
    assert len(sizes) > 5
    assert max(sizes) < 1_500
    journal.close()


def test_files_that_were_moved_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the one that grows."""
    monkeypatch.setattr(module, "SEGMENT_BYTES", 2_000)
    journal = begun(tmp_path)
    with open_store(tmp_path) as store:
        write(journal, 100)
        assert len(find_segments(tmp_path)[journal.writer]) > 3
        assert Mover(tmp_path).move_own(journal, store) == 100
        assert find_segments(tmp_path)[journal.writer] == [journal.segment]
    journal.close()


class Dying(DecisionStore):
    """A store whose process is killed at one of its steps: before the n-th transaction, or behind it."""

    steps = -1

    def insert(self, writer: str, lines: Sequence[Line]) -> int:
        """Take lines, unless this is the step."""
        self.steps -= 1
        if self.steps == 0:
            raise KeyboardInterrupt
        taken = super().insert(writer, lines)
        self.steps -= 1
        if self.steps == 0:
            raise KeyboardInterrupt
        return taken


@settings(max_examples=40, deadline=None)
@given(steps=st.integers(1, 8), lines=st.integers(1, 40), at_once=st.integers(1, 15))
def test_none_comes_twice_and_none_is_lost(
    tmp_path_factory: pytest.TempPathFactory, steps: int, lines: int, at_once: int
) -> None:
    """Whichever step the one who moves is killed in: another moves what a killed process left."""
    folder = tmp_path_factory.mktemp("records")
    journal = begun(folder)
    write(journal, lines)
    journal.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("guardrails.records.journal.mover.LINES_AT_ONCE", at_once)
        with open_store(folder) as store:
            dying = Dying(store.database, b"k" * 32)
            dying.steps = steps
            with suppress(KeyboardInterrupt):
                Mover(folder).move_orphans(dying)
            Mover(folder).move_orphans(store)
            assert numbers(store) == [*range(1, lines + 1)]
        assert not [*folder.glob("*.journal"), *folder.glob("*.lock")]
    assert verified(folder).intact


def test_who_lives_moves_their_own(tmp_path: Path) -> None:
    """Another takes nothing of a writer that holds its lock."""
    journal = begun(tmp_path)
    write(journal, 3)
    with open_store(tmp_path) as store:
        assert Mover(tmp_path).move_orphans(store) == 0
        journal.close()
        assert Mover(tmp_path).move_orphans(store) == 3
        assert Mover(tmp_path).move_orphans(store) == 0


def test_a_damaged_line_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said, and the chain shows that a record is missing."""
    journal = begun(tmp_path)
    write(journal, 3)
    path = journal.segment
    journal.close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"damaged\n" + lines[2])
    with caplog.at_level(logging.ERROR), open_store(tmp_path) as store:
        assert Mover(tmp_path).move_orphans(store) == 2
        assert numbers(store) == [1, 3]
    assert "is damaged" in caplog.text
    assert [problem.kind for problem in verified(tmp_path).problems] == ["missing"]


def test_a_journal_that_was_cut_is_moved_up_to_there(tmp_path: Path) -> None:
    """In the middle of a record, of which nobody was answered."""
    journal = begun(tmp_path)
    write(journal, 3)
    path = journal.segment
    journal.close()
    path.write_bytes(path.read_bytes()[:-10])
    with open_store(tmp_path) as store:
        assert Mover(tmp_path).move_orphans(store) == 2
    assert verified(tmp_path).intact


def test_what_is_no_record_of_ours_blocks_nothing(tmp_path: Path) -> None:
    """A line that somebody made by hand is moved, and does not fit the chain."""
    journal = begun(tmp_path)
    write(journal, 2)
    path = journal.segment
    journal.close()
    path.write_bytes(path.read_bytes() + b'3\t00\t{}\t{"id":7,"time":"x"}\n')
    with open_store(tmp_path) as store:
        assert Mover(tmp_path).move_orphans(store) == 3
        assert sorted(numbers(store)) == [1, 2, 3]
    assert {problem.seq for problem in verified(tmp_path).problems} == {3}
