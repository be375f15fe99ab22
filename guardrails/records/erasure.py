"""Erases a person from the records, and puts on record that somebody was erased."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

from guardrails.records.chain import RecordsError
from guardrails.records.configuration import RecordsDoc
from guardrails.records.decision import NO_PERSON, VERSION
from guardrails.records.decision_store import DecisionStore
from guardrails.records.journal.journal import Journal, find_segments
from guardrails.records.journal.upkeep import MOVE_S, Upkeep
from guardrails.verdicts.ordered_ids import make_id

WAIT_S: Final = 2 * MOVE_S
"""How long a server that runs may take to move what is in its journal."""


def forget(doc: RecordsDoc, key: bytes, store: DecisionStore, subject: str) -> int:
    """Erase a person from all records, and return how many they were; that it was done, and in how many, is a record itself.

    What a server writes of the same person later is kept. The chain stays, and so do commitments: without salts they bind nobody.

    Args:
        doc: where the records are.
        key: of the chain.
        store: the opened store.
        subject: the person, as the store has them.

    Raises:
        RecordsError: the folder cannot be written to.
        StoreError: the store did not do it.
    """
    folder = Path(doc.path)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        upkeep, journal = Upkeep(doc, key), Journal(folder, key, doc.journal_bytes)
        erased = store.erase(subject)
        if find_segments(folder):
            time.sleep(WAIT_S)
            erased += store.erase(subject)
        told = {
            "v": VERSION,
            "kind": "forget",
            "id": make_id("fg_", 12),
            "time": time.time_ns() // 1000,
        }
        journal.append(NO_PERSON, json.dumps({**told, "records": erased}).encode())
        upkeep.run(journal, last=True)
        journal.close()
        store.database.overwrite_deleted()
    except OSError as error:
        raise RecordsError(f"records cannot be written to {folder}: {error.strerror}") from error
    if upkeep.problem is not None:
        raise RecordsError(upkeep.problem)
    return erased
