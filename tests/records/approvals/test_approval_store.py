"""The rows of approvals; in SQLite here, in PostgreSQL in tests/system/test_postgresql.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guardrails.records.approvals.approval_store import KEPT, SECOND, ApprovalStore, ApprovalTicket
from guardrails.records.approvals.pending_call import derive_keys
from guardrails.records.chain import RecordsError
from guardrails.stores.database import open_database
from guardrails.stores.migrations import migrate
from tests.cases import each_case
from tests.records.approvals.approval_kit import CALL, KEY, START, TICKET


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ApprovalStore]:
    """A store of its own."""
    database = open_database(f"sqlite:///{tmp_path}/a.sqlite")
    migrate(database)
    yield ApprovalStore(database, KEY, derive_keys(KEY))
    database.close()


def sealed_rows(store: ApprovalStore) -> int:
    """Return how many calls are kept."""
    return int(store.database.execute("SELECT count(*) FROM approvals WHERE ciphertext IS NOT NULL")[0][0])


def test_tickets_go_through_json() -> None:
    """A ticket says the same again, whatever is in its names."""
    odd = ApprovalTicket("r", "t\0\ud800", "", "g", ("ann", "jo é"), "acme", None, "c", "p@1", 60)
    assert ApprovalTicket.from_json(odd.to_json()) == odd
    assert odd.to_json().isascii()


@each_case("decision", ["approved", "denied"])
def test_arguments_are_erased_with_the_decision(decision: str, tmp_path: Path) -> None:
    """A person sees them as long as they wait; nobody does after."""
    database = open_database(f"sqlite:///{tmp_path}/{decision}.sqlite")
    migrate(database)
    store = ApprovalStore(database, KEY, derive_keys(KEY))
    store.add("ap_1", "b", TICKET, CALL, START)
    waiting = store.get("ap_1", START)
    assert waiting is not None
    assert waiting.call == CALL
    assert store.decide("ap_1", "approved" if decision == "approved" else "denied", "ann", "why", START + 1)
    decided = store.get("ap_1", START + 1)
    assert decided is not None
    assert (decided.status, decided.person, decided.reason, decided.call) == (decision, "ann", "why", None)
    assert sealed_rows(store) == 0
    database.close()


def test_there_is_one_decision_and_one_use(store: ApprovalStore) -> None:
    """The second of each is refused by the database itself."""
    store.add("ap_1", "b", TICKET, CALL, START)
    assert store.decide("ap_1", "approved", "ann", "", START + 1)
    assert not store.decide("ap_1", "denied", "joe", "", START + 2)
    assert store.use("ap_1", START + 3)
    assert not store.use("ap_1", START + 4)
    found = store.get("ap_1", START + 5)
    assert found is not None
    assert (found.status, found.person, found.used) == ("used", "ann", START + 3)
    assert store.was_used("b", START + 5)
    assert not store.was_used("other", START + 5)


def test_what_has_ended_goes(store: ApprovalStore) -> None:
    """Arguments go once nobody can decide any more, and rows a month later."""
    store.add("ap_1", "b", TICKET, CALL, START)
    store.decide("ap_1", "denied", "ann", "", START + 1)
    store.add("ap_2", "b", TICKET, CALL, START)
    store.add("ap_3", "c", TICKET, CALL, START + 601 * SECOND)
    assert sealed_rows(store) == 1
    late = START + 601 * SECOND + KEPT
    store.add("ap_4", "d", TICKET, CALL, late)
    assert [each.id for each in store.select(late, pending=False, most=10)] == ["ap_4", "ap_3"]
    assert store.database.execute("SELECT count(*) FROM approval_events") == [(0,)]


def test_those_that_wait_are_listed(store: ApprovalStore) -> None:
    """The newest first; what is decided or over waits no more."""
    for at in range(4):
        store.add(f"ap_{at}", f"b{at}", TICKET, CALL, START + at)
    store.decide("ap_1", "denied", "ann", "", START + 5)
    now = START + 600 * SECOND
    assert [each.id for each in store.select(now, pending=True, most=2)] == ["ap_3", "ap_2"]
    assert [each.id for each in store.select(now, pending=True, most=9)] == ["ap_3", "ap_2"]
    assert [each.status for each in store.select(now, pending=False, most=9)] == [
        "pending",
        "pending",
        "denied",
        "expired",
    ]


@each_case(
    "change",
    [
        "UPDATE approvals SET record = replace(record, 'ann', 'eve')",
        "UPDATE approvals SET expires = expires + 1",
        "UPDATE approvals SET binding = 'other'",
        "UPDATE approval_events SET kind = 'approved'",
        "UPDATE approval_events SET person = '\"joe\"'",
        "INSERT INTO approval_events VALUES ('ap_1', 2, 'used', 1, '\"\"', '\"\"', x'00')",
    ],
)
def test_a_row_that_was_changed_counts_for_nothing(change: str, tmp_path: Path) -> None:
    """Its MAC is by a key that is not in the database."""
    database = open_database(f"sqlite:///{tmp_path}/{abs(hash(change))}.sqlite")
    migrate(database)
    store = ApprovalStore(database, KEY, derive_keys(KEY))
    store.add("ap_1", "b", TICKET, CALL, START)
    store.decide("ap_1", "denied", "ann", "", START + 1)
    database.execute(change)
    with pytest.raises(RecordsError, match="changed without the key"):
        store.get("ap_1", START + 2)
    database.close()


def test_a_person_is_forgotten(store: ApprovalStore) -> None:
    """What was asked for them goes, with what was decided; the requests of others stay."""
    of = ApprovalTicket("r", "t", "", "g", ("ann",), None, "u1", None, "p@1", 600)
    store.add("ap_1", "b", of, CALL, START)
    store.decide("ap_1", "denied", "ann", "", START + 1)
    store.add("ap_2", "b", TICKET, CALL, START)
    assert store.forget("u1") == 1
    assert [each.id for each in store.select(START, pending=False, most=9)] == ["ap_2"]
    assert store.database.execute("SELECT count(*) FROM approval_events") == [(0,)]
