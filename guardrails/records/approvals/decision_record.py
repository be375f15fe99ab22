"""Puts a person's decision on record, in the chain, beside those of the policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from guardrails.records.approvals.approval_store import ApprovalRequest
from guardrails.records.chain import RecordsError
from guardrails.records.configuration import RecordsDoc
from guardrails.records.decision import NO_PERSON, VERSION
from guardrails.records.journal.journal import Journal
from guardrails.records.journal.upkeep import Upkeep

LONGEST: Final = 512
"""Characters of a reason that a record holds."""


def record_decision(doc: RecordsDoc, key: bytes, request: ApprovalRequest) -> None:
    """Append what somebody decided to the records: who, what, of which tool and rule, and why.

    Raises:
        RecordsError: the folder cannot be written to, or the store did not take it.
    """
    told = {
        "v": VERSION,
        "kind": "approval",
        "id": request.id,
        "time": request.decided,
        "decision": request.status,
        "person": request.person,
        "reason": request.reason[:LONGEST],
        "rule": request.ticket.rule,
        "tool": request.ticket.tool[:LONGEST],
    }
    folder = Path(doc.path)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        upkeep, journal = Upkeep(doc, key), Journal(folder, key, doc.journal_bytes)
        journal.append(NO_PERSON, json.dumps(told).encode())
        upkeep.run(journal, last=True)
        journal.close()
    except OSError as error:
        raise RecordsError(
            f"the decision stands, and cannot be put on record in {folder}: {error.strerror}"
        ) from error
    if upkeep.problem is not None:
        raise RecordsError(
            f"the decision stands, and waits in the journal to be put on record: {upkeep.problem}"
        )
