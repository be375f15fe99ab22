"""A person's decision on record."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.records.approvals.approval_store import ApprovalRequest
from guardrails.records.approvals.decision_record import record_decision
from guardrails.records.chain import RecordsError, read_key
from guardrails.records.configuration import RecordsDoc
from tests.records.approvals.approval_kit import START, TICKET
from tests.records.records_kit import stored, verified

DECIDED = ApprovalRequest("ap_1", TICKET, "denied", START, START + 600, START + 1, "ann", "w" * 600)


def test_a_decision_stands_in_the_chain(tmp_path: Path) -> None:
    """With who, what and why, cut to its length; the chain holds."""
    doc = RecordsDoc(path=str(tmp_path))
    record_decision(doc, read_key(tmp_path, make=True), DECIDED)
    [row] = stored(tmp_path)
    told = row.to_dict()
    assert (row.kind, row.id, row.time, told["person"], told["decision"]) == (
        "approval",
        "ap_1",
        START + 1,
        "ann",
        "denied",
    )
    assert told["reason"] == "w" * 512
    assert verified(tmp_path).intact


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The decision stands all the same, and the message says so."""
    (tmp_path / "file").touch()
    with pytest.raises(RecordsError, match="the decision stands, and cannot be put on record"):
        record_decision(RecordsDoc(path=str(tmp_path / "file")), b"k" * 32, DECIDED)
