"""What an operator may say of records."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from guardrails.records.configuration import RecordsDoc


def test_the_folder_alone_is_a_configuration() -> None:
    """As a text; all else is the default."""
    assert RecordsDoc.model_validate("/var/records") == RecordsDoc(path="/var/records")
    assert RecordsDoc().on_error == "answer"
    assert RecordsDoc().identities == "digest"


@pytest.mark.parametrize(
    "wrong",
    [
        {"keep_days": 0},
        {"keep_days": -1.0},
        {"keep_bytes": 1_000},
        {"tenants": {"acme": 0}},
        {"path": ""},
        {"store": "postgresql://h/d", "keep_bytes": 1 << 30},
        {"journal_bytes": 10},
        {"unknown": True},
    ],
)
def test_what_makes_no_sense_is_an_error(wrong: dict[str, object]) -> None:
    """A size that PostgreSQL cannot tell as rows go is one of these."""
    with pytest.raises(ValidationError):
        RecordsDoc.model_validate(wrong)
