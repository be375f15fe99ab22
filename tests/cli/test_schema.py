"""`guardrails schema`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.cli import main

ROOT = Path(__file__).resolve().parents[2]


def test_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """The schema is JSON and describes every field of a policy."""
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"format", "name", "detectors", "rules", "tests"} <= schema["properties"].keys()
    assert all(field.get("description") for field in schema["properties"].values())


def test_the_schema_beside_the_shipped_policies_is_current(tmp_path: Path) -> None:
    """`policies/policy.schema.json` is what the command writes."""
    written = tmp_path / "schema.json"

    assert main(["schema", "--out", str(written)]) == 0
    assert written.read_text() == (ROOT / "policies/policy.schema.json").read_text()


def test_prints_the_schema_of_settings(capsys: pytest.CaptureFixture[str]) -> None:
    """With `--settings` it is that of the operator's file."""
    assert main(["schema", "--settings"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"upstream", "policy", "port", "reload"} <= schema["properties"].keys()


def test_an_unwritable_file_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason is named, and the status is 2."""
    assert main(["schema", "--out", str(tmp_path / "no/where.json")]) == 2
    assert "No such file or directory" in capsys.readouterr().err
