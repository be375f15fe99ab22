"""The connection that a process shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guardrails.records.approvals.pending_call import derive_keys
from guardrails.records.approvals.shared_store import SharedApprovalStore, read_clock
from guardrails.stores.database import StoreError
from tests.records.approvals.approval_kit import CALL, KEY, TICKET


def test_what_raises_leaves_nothing(tmp_path: Path) -> None:
    """All of a transaction counts, or nothing; the next one finds the store as it was."""
    shared = SharedApprovalStore(f"sqlite:///{tmp_path}/a.sqlite", KEY, derive_keys(KEY))

    def fail() -> None:
        with shared.transaction() as (store, now):
            store.add("ap_1", "b", TICKET, CALL, now)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with shared.transaction() as (store, now):
        assert store.get("ap_1", now) is None
        store.add("ap_1", "b", TICKET, CALL, now)
    with shared.transaction() as (store, now):
        assert store.get("ap_1", now) is not None
    shared.close_connection()


def test_a_store_that_comes_back_is_opened_again(tmp_path: Path) -> None:
    """As long as it is away each transaction says so."""
    folder = tmp_path / "later"
    shared = SharedApprovalStore(f"sqlite:///{folder}/a.sqlite", KEY, derive_keys(KEY))
    with pytest.raises(StoreError, match="there is no folder"), shared.transaction():
        pass
    folder.mkdir()
    with shared.transaction() as (store, now):
        assert store.select(now, pending=True, most=1) == []
    shared.close_connection()


def test_a_child_opens_its_own(tmp_path: Path) -> None:
    """A connection of SQLite must not be used by two processes."""
    shared = SharedApprovalStore(f"sqlite:///{tmp_path}/a.sqlite", KEY, derive_keys(KEY))
    with shared.transaction() as (store, now):
        store.add("ap_1", "b", TICKET, CALL, now)
    child = os.fork()
    if child == 0:
        with shared.transaction() as (store, now):
            decided = store.decide("ap_1", "approved", "ann", "", now)
        os._exit(0 if decided else 1)
    assert os.waitpid(child, 0)[1] == 0
    with shared.transaction() as (store, now):
        found = store.get("ap_1", read_clock())
        assert found is not None
        assert found.status == "approved"
    shared.close_connection()
