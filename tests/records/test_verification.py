"""Verification finds every row that was altered, removed, exchanged, added or cut off."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.records.chain import read_key
from guardrails.records.journal.journal import find_segments
from tests.cases import each_case
from tests.records.records_kit import (
    close,
    open_store,
    recording_guard,
    verified,
    write_records,
)


def change(folder: Path, *statements: str) -> None:
    """Change the store as somebody would who has the file and not the key."""
    with closing(sqlite3.connect(folder / "records.sqlite")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


FORGERIES = {
    "what was decided": ("UPDATE decisions SET record = replace(record, '\"block\"', '\"allow\"') WHERE seq = 4", "altered"),
    "a column alone": ("UPDATE decisions SET action = 'allow' WHERE seq = 4", "altered"),
    "when it was": ("UPDATE decisions SET time = time - 1 WHERE seq = 2", "altered"),
    "whose it was": ("UPDATE decisions SET tenant = 'other' WHERE seq = 2", "altered"),
    "the MAC": ("UPDATE decisions SET mac = zeroblob(32) WHERE seq = 5", "altered"),
    "another person": ("UPDATE decisions SET subject = 'somebody' WHERE seq = 2", "person_altered"),
    "another conversation": ("UPDATE decisions SET conversation = 'another' WHERE seq = 2", "person_altered"),
    "another salt": ("UPDATE decisions SET salt = zeroblob(16) WHERE seq = 2", "person_altered"),
    "no person": ("UPDATE decisions SET subject = NULL WHERE seq = 2", "person_missing"),
    "a forged erasure": (
        "UPDATE decisions SET subject = NULL, conversation = NULL, salt = NULL, erased = zeroblob(32) WHERE seq = 2",
        "person_missing",
    ),
    "one that is gone": ("DELETE FROM decisions WHERE seq = 4", "missing"),
    "the first ones gone": ("DELETE FROM decisions WHERE seq < 4", "missing"),
    "the last ones gone": ("DELETE FROM decisions WHERE seq > 6", "truncated"),
    "all gone": ("DELETE FROM decisions", "truncated"),
    "a forged removal": (
        "INSERT INTO removals SELECT writer, 3, 4, mac, zeroblob(32) FROM decisions WHERE seq = 4",
        "removal_forged",
    ),
    "another writer": ("UPDATE decisions SET writer = 'another'", "altered"),
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with ten records."""
    folder = tmp_path_factory.mktemp("records")
    write_records(folder, 10)
    return folder


@pytest.fixture
def copied(written: Path, tmp_path: Path) -> Path:
    """Return a copy of these records, to forge."""
    for path in written.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_what_nobody_touched_is_intact(copied: Path) -> None:
    """With what was there: writers, records, heads."""
    found = verified(copied).to_dict()
    assert found.pop("heads") >= 1
    assert found == {
        "intact": True, "writers": 1, "records": 10, "waiting": 0, "removed": 0, "erased": 0, "contents": 0, "problems": [],
    }  # fmt: skip


@pytest.mark.parametrize(("statement", "kind"), FORGERIES.values(), ids=FORGERIES)
def test_each_forgery_is_found(copied: Path, statement: str, kind: str) -> None:
    """By its kind, also where there are other things wrong because of it."""
    change(copied, statement)
    found = verified(copied)
    assert not found.intact
    assert kind in {problem.kind for problem in found.problems}


def test_exchanged_records_are_found(copied: Path) -> None:
    """Two that stand in each other's place."""
    change(
        copied,
        "UPDATE decisions SET seq = -3 WHERE seq = 3",
        "UPDATE decisions SET seq = 3 WHERE seq = 4",
        "UPDATE decisions SET seq = 4 WHERE seq = -3",
    )
    assert {(problem.kind, problem.seq) for problem in verified(copied).problems} >= {
        ("altered", 3),
        ("altered", 4),
    }


def test_a_record_that_is_written_twice_is_found(copied: Path) -> None:
    """A copy of a decision, with another number."""
    change(copied, "INSERT INTO decisions SELECT * FROM (SELECT writer, 11, id, time, kind, stage, action, tenant, subject, "
           "conversation, request_id, record, mac, salt, erased FROM decisions WHERE seq = 10)")  # fmt: skip
    assert [problem.kind for problem in verified(copied).problems] == ["altered"]


def test_one_alteration_is_reported_once(copied: Path) -> None:
    """What follows is checked against what the altered record claims."""
    change(copied, "UPDATE decisions SET record = replace(record, 'sha256', 'sha255') WHERE seq = 5")
    assert [(problem.kind, problem.seq) for problem in verified(copied).problems] == [("altered", 5)]


def test_what_is_cut_off_with_the_position_is_found_by_a_head(copied: Path) -> None:
    """Who sets back how far the writer was has the signed head against them; without heads it cannot show."""
    change(
        copied,
        "DELETE FROM decisions WHERE seq > 6",
        "UPDATE writers SET seq = 6, mac = (SELECT mac FROM decisions WHERE seq = 6)",
    )
    found = verified(copied)
    assert [(problem.kind, problem.seq) for problem in found.problems] == [("truncated", 7)]
    (copied / "heads.log").unlink()
    assert verified(copied).intact


def test_a_writer_that_is_gone_is_found_by_a_head(copied: Path) -> None:
    """All of its rows, and what was known of it."""
    change(copied, "DELETE FROM decisions", "DELETE FROM writers")
    assert [problem.kind for problem in verified(copied).problems] == ["truncated"]


@pytest.mark.parametrize("forged", ["no head at all", "1 a 2 3 4", ""])
def test_a_forged_head_is_found(copied: Path, forged: str) -> None:
    """A line that was not signed with the key."""
    heads = copied / "heads.log"
    heads.write_text(heads.read_text() + forged + "\n")
    assert [problem.kind for problem in verified(copied).problems] == ["head_forged"]


@settings(max_examples=25, deadline=None)
@given(at=st.integers(0, 10_000), xor=st.integers(1, 255))
def test_any_byte_of_a_record_counts(
    written: Path, tmp_path_factory: pytest.TempPathFactory, at: int, xor: int
) -> None:
    """One changed byte anywhere in the text of any record is found."""
    folder = tmp_path_factory.mktemp("forged")
    for path in written.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    with closing(sqlite3.connect(folder / "records.sqlite")) as database:
        rows = database.execute("SELECT seq, record FROM decisions ORDER BY seq").fetchall()
        seq, record = rows[at % len(rows)]
        raw = bytearray(record.encode())
        raw[at % len(raw)] ^= xor
        forged = raw.decode("latin-1")
        database.execute("UPDATE decisions SET record = ? WHERE seq = ?", (forged, seq))
        database.commit()
    assert not verified(folder).intact


def waiting_records(folder: Path, forge: Callable[[bytes], bytes] = bytes) -> Path:
    """Write records that stay in the journal, perhaps forged there."""
    guard = recording_guard(folder)
    for n in range(5):
        guard.check(f"Number {n}.")
    [[segment]] = find_segments(folder).values()
    raw = segment.read_bytes()
    close(guard)
    # As where the process was killed before it could move them.
    change(folder, "DELETE FROM decisions", "DELETE FROM writers")
    segment.write_bytes(forge(raw))
    return folder


def test_records_that_wait_are_verified(tmp_path: Path) -> None:
    """They are in the journal, and no head misses them."""
    found = verified(waiting_records(tmp_path))
    assert (found.intact, found.records, found.waiting) == (True, 0, 5)


@each_case(
    ("forge", "kinds"),
    [
        (lambda raw: raw.replace(b'"allow"', b'"block"', 1), ["altered"]),
        (
            lambda raw: b"".join(raw.splitlines(keepends=True)[:2] + raw.splitlines(keepends=True)[3:]),
            ["missing"],
        ),
        (lambda raw: raw.replace(b"{", b"", 3), ["altered", "missing"]),
        (lambda raw: raw[:-40], ["truncated"]),
    ],
)
def test_a_forged_journal_is_found(tmp_path: Path, forge: Callable[[bytes], bytes], kinds: list[str]) -> None:
    """Altered, a line that is gone, a damaged one, and one that was cut in the middle."""
    found = verified(waiting_records(tmp_path, forge))
    assert [problem.kind for problem in found.problems] == kinds


def test_retention_and_erasure_leave_the_chain_intact(copied: Path) -> None:
    """Whoever has the key may remove and erase; how much it was is told."""
    with open_store(copied) as store:
        [*everything] = store.select()
        store.erase(everything[4].subject or "")
        store.remove_before(everything[3].time)
    found = verified(copied)
    assert (found.intact, found.removed, found.records) == (True, 3, 7)
    assert found.erased == len([each for each in everything[3:] if each.subject == everything[4].subject])
    assert read_key(copied, make=False)
