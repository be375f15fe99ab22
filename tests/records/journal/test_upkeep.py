"""What a process does for its records beside its work."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import pytest

from guardrails.records.chain import read_head, read_key
from guardrails.records.configuration import RecordsDoc
from guardrails.records.decision_store import store_url
from guardrails.records.journal.journal import Journal, lock_file
from guardrails.records.journal.upkeep import DAY_US, MOVE_S, RETENTION_LOCK, RETRY_S, Upkeep
from tests.records.records_kit import open_store, stored, verified

NOW_US = time.time_ns() // 1000


def write(journal: Journal, days_ago: float, count: int = 1, tenant: str | None = None) -> None:
    """Write records that are so old."""
    told = b'"tenant":"%s",' % tenant.encode() if tenant else b""
    for _ in range(count):
        at = NOW_US - int(days_ago * DAY_US)
        journal.append(b"{}", b'{"v":1,"kind":"decision","id":"x",%s"time":%d}' % (told, at))


def ages(folder: Path) -> list[tuple[str | None, int]]:
    """Return the tenants of all records, and how many days ago they are."""
    return [(record.tenant, round((NOW_US - record.time) / DAY_US)) for record in stored(folder)]


def kept(folder: Path, **doc: object) -> tuple[Upkeep, Journal]:
    """Return the upkeep of a folder, and a journal."""
    key = read_key(folder, make=True)
    return Upkeep(RecordsDoc(path=str(folder), **doc), key), Journal(folder, key, 1 << 30)


def test_records_stay_as_long_as_is_said(tmp_path: Path) -> None:
    """A tenant may have days of its own, more or fewer; what is removed is signed for."""
    upkeep, journal = kept(tmp_path, keep_days=30.0, tenants={"short": 1.0, "long": 365.0})
    for days in (400, 100, 20, 0.5):
        for tenant in (None, "other", "short", "long"):
            write(journal, days, tenant=tenant)
    upkeep.run(journal, last=True)
    assert ages(tmp_path) == [
        ("long", 100), (None, 20), ("other", 20), ("long", 20), (None, 0), ("other", 0), ("short", 0), ("long", 0),
    ]  # fmt: skip
    found = verified(tmp_path)
    assert (found.intact, found.removed) == (True, 8)
    journal.close()


def test_thousands_are_removed_in_parts(tmp_path: Path) -> None:
    """As many transactions as it takes; those that stay are in their chain."""
    upkeep, journal = kept(tmp_path, keep_days=10.0)
    write(journal, 20, 2_500)
    write(journal, 1, 10)
    upkeep.run(journal, last=True)
    assert len(stored(tmp_path)) == 10
    assert verified(tmp_path).removed == 2_500
    journal.close()


def test_no_more_than_so_many_bytes_stay(tmp_path: Path) -> None:
    """The oldest go first."""
    upkeep, journal = kept(tmp_path, keep_bytes=1 << 20)
    for days in range(10, 0, -1):
        write(journal, days, 1_000)
    upkeep.run(journal, last=True)
    left = ages(tmp_path)
    assert 0 < len(left) < 10_000
    assert left[-1] == (None, 1)
    with open_store(tmp_path) as store:
        assert store.database.size() <= 1 << 20
    assert verified(tmp_path).intact
    journal.close()


def test_heads_are_signed_where_the_chain_went_on(tmp_path: Path) -> None:
    """Once for each place that it came to; in a file of the operator's choice, where there is one."""
    heads = tmp_path / "elsewhere.log"
    upkeep, journal = kept(tmp_path, heads=str(heads))
    write(journal, 0, 3)
    upkeep.run(journal, last=True)
    upkeep.run(journal, last=True)
    write(journal, 0, 2)
    upkeep.run(journal, last=True)
    found = [read_head(line, read_key(tmp_path, make=False)) for line in heads.read_text().splitlines()]
    assert [head and head.seq for head in found] == [3, 5]
    assert [head and abs(head.time - time.time()) < 60 for head in found] == [True, True]
    journal.close()


def test_a_store_that_is_away_is_said_once_and_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Meanwhile records wait in the journal; when it is back they are moved, each once."""
    upkeep, journal = kept(tmp_path, store=f"sqlite:///{tmp_path}/away/records.db")
    write(journal, 0, 3)
    with caplog.at_level(logging.WARNING):
        assert [upkeep.run(journal) for _ in range(3)] == [RETRY_S] * 3
        assert upkeep.problem is not None
        assert journal.waiting_bytes > 0
        (tmp_path / "away").mkdir()
        assert upkeep.run(journal) == MOVE_S
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert (upkeep.problem, journal.waiting_bytes) == (None, 0)
    upkeep.run(journal, last=True)
    doc = RecordsDoc(path=str(tmp_path), store=f"sqlite:///{tmp_path}/away/records.db")
    with open_store(tmp_path, store=store_url(doc)) as store:
        assert [record.seq for record in store.select()] == [1, 2, 3]
    journal.close()


def test_one_process_removes_at_a_time(tmp_path: Path) -> None:
    """Another that holds the lock of the folder is at it already."""
    upkeep, journal = kept(tmp_path, keep_days=10.0)
    write(journal, 20)
    other = lock_file(tmp_path / RETENTION_LOCK)
    assert other is not None
    upkeep.run(journal, last=True)
    assert len(stored(tmp_path)) == 1
    os.close(other)
    upkeep.run(journal, last=True)
    assert stored(tmp_path) == []
    journal.close()


def test_a_clock_that_jumps_changes_no_chain(tmp_path: Path) -> None:
    """Records are in the order in which they were written, whatever their times say; those of the future stay, as they are not old."""
    upkeep, journal = kept(tmp_path, keep_days=30.0)
    for days_ago in (1, -400, 5, -1):
        write(journal, days_ago)
    upkeep.run(journal, last=True)
    with open_store(tmp_path) as store:
        assert [round((NOW_US - record.time) / DAY_US) for record in store.chain(journal.writer)] == [
            1,
            -400,
            5,
            -1,
        ]
    assert verified(tmp_path).intact
    journal.close()
