"""What an operator may say of records."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from guardrails.records.configuration import (
    KEPT_BYTES,
    Records,
    RecordsDoc,
    choose_records,
    default_folder,
    default_records,
)
from tests.cases import each_case


def test_the_folder_alone_is_a_configuration() -> None:
    """As a text; all else is the default."""
    assert RecordsDoc.model_validate("/var/records") == RecordsDoc(path="/var/records")
    assert RecordsDoc().on_error == "answer"
    assert RecordsDoc().identities == "digest"


@each_case(
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
        {"content": True},
        {"content": {"keep_days": 0}},
        {"content": {"most_bytes": 0}},
        {"content": {"key": "c0" * 32}},
    ],
)
def test_what_makes_no_sense_is_an_error(wrong: dict[str, object]) -> None:
    """A size that PostgreSQL cannot tell as rows go is one of these."""
    with pytest.raises(ValidationError):
        RecordsDoc.model_validate(wrong)


@each_case(
    ("environment", "folder"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/guardrails/records"),
        ({"HOME": "/h"}, "/h/.local/state/guardrails/records"),
        ({"XDG_STATE_HOME": "", "HOME": "/h"}, "/h/.local/state/guardrails/records"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/guardrails/records"),
        ({"HOME": "relative"}, "guardrails-records"),
    ],
)
def test_records_are_below_the_folder_of_states_where_nothing_is_said(
    environment: dict[str, str], folder: str
) -> None:
    """As the XDG Base Directory Specification says, which ignores a relative path; without a home in the working directory."""
    assert default_folder(environment) == Path(folder)


@each_case("off", [False, "off"])
def test_records_can_be_switched_off(off: object) -> None:
    """By a truth value or the word, as YAML has either for `off`; true is all that is the default."""
    setting: TypeAdapter[RecordsDoc | None] = TypeAdapter(Records)
    assert setting.validate_python(off) is None
    assert setting.validate_python(True) == RecordsDoc()
    assert choose_records("off", {}) is None
    assert choose_records(None, {"GUARDRAILS_RECORDS": "off"}) is None


def test_a_command_has_records_where_nothing_is_said(tmp_path: Path) -> None:
    """In the default folder, which nobody else may read, up to a size; what is said goes before the environment, that before it."""
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    folder = tmp_path / "state" / "guardrails" / "records"
    assert choose_records("given", environment) == "given"
    assert choose_records(None, {**environment, "GUARDRAILS_RECORDS": "named"}) == "named"
    assert not folder.exists()
    assert choose_records(None, environment) == {"path": str(folder), "keep_bytes": KEPT_BYTES}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_default_folder_that_cannot_be_written_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody asked for stops no server; the log says what is missing, and how to have it."""
    (tmp_path / "guardrails").write_text("a file")
    with caplog.at_level(logging.WARNING, "guardrails"):
        assert default_records({"XDG_STATE_HOME": str(tmp_path)}) is None
    assert "not put on record" in caplog.text
    assert "GUARDRAILS_RECORDS" in caplog.text
