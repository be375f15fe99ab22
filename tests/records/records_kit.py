"""Records for tests: real guards that write them, and real stores that take them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from guardrails import Guard
from guardrails.records.chain import read_key
from guardrails.records.configuration import RecordsDoc
from guardrails.records.decision_store import DecisionStore, StoredRecord, store_url
from guardrails.records.journal.upkeep import heads_path
from guardrails.records.verification import Verification, verify

POLICY = {
    "format": 1,
    "name": "tested",
    "detectors": {"words": {"use": "terms", "terms": ["zqx"], "category": "custom.word"}},
    "rules": [{"id": "word", "on": ["input", "output"], "when": "custom.word > 0", "then": "block"}],
}


KEEPING = {**POLICY, "records": {"content": True}}
"""The same, which has contents kept."""

CONTENT_KEY = "c0" * 32
"""A key of kept contents."""
ANOTHER_KEY = "a1" * 32


def open_store(folder: Path, **doc: object) -> DecisionStore:
    """Open the store of a folder of records."""
    return DecisionStore.open(store_url(RecordsDoc(path=str(folder), **doc)), read_key(folder, make=False))


def stored(folder: Path) -> list[StoredRecord]:
    """Return all records of a folder's store, oldest first."""
    with open_store(folder) as store:
        return [*store.select()]


def verified(folder: Path) -> Verification:
    """Verify a folder of records, by the heads that lie in it."""
    doc = RecordsDoc(path=str(folder))
    heads = heads_path(doc)
    lines = heads.read_text().splitlines() if heads.exists() else []
    with open_store(folder) as store:
        return verify(store, read_key(folder, make=False), heads=lines, journal=folder)


def recording_guard(folder: Path, policy: Mapping[str, object] = POLICY, **doc: object) -> Guard:
    """Return a guard that blocks the word `zqx` and writes records to a folder."""
    return Guard.load(policy, records={"path": str(folder), **doc})


def write_records(
    folder: Path, count: int = 10, policy: Mapping[str, object] = POLICY, **doc: object
) -> list[str]:
    """Write so many records, of three users, and return the ids of their verdicts; all are in the store by then."""
    guard = recording_guard(folder, policy, **doc)
    texts = (f"A sentence about number {n}{' zqx' if n % 3 == 0 else ''}." for n in range(count))
    ids = [
        guard.check(text, user={"id": f"u{n % 3}"}, tenant="acme", metadata={"conversation": "c1"}).id
        for n, text in enumerate(texts)
    ]
    close(guard)
    return ids


def close(guard: Guard) -> None:
    """End the writing of records of a guard, with all of them in the store."""
    assert guard.records is not None
    guard.records.close()
