"""What a look at a server finds, as JSON."""

from __future__ import annotations

from guardrails.proxy.diagnosis.findings import Finding


def test_a_finding_is_plain_values() -> None:
    """For programs."""
    assert Finding("files", "f", "problem", "gone", "write it").to_dict() == {
        "area": "files", "subject": "f", "grade": "problem", "found": "gone", "cure": "write it",
    }  # fmt: skip
