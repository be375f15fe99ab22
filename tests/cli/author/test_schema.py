"""`guardrails schema`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.cli import main
from guardrails.detectors.kinds import BUILTIN
from guardrails.policy.editing.json_schema import json_schema

ROOT = Path(__file__).resolve().parents[3]


def test_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """The schema is JSON and describes every field of a policy."""
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"format", "name", "detectors", "rules", "tests"} <= schema["properties"].keys()
    assert all(field.get("description") for field in schema["properties"].values())


def test_the_schema_beside_the_shipped_policies_is_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`policies/policy.schema.json` is what the command writes where no test adds a detector."""
    monkeypatch.delitem(BUILTIN, "green_square")
    written = tmp_path / "schema.json"

    assert main(["schema", "--out", str(written)]) == 0
    assert written.read_text() == (ROOT / "policies/policy.schema.json").read_text()


def test_prints_the_schema_of_settings(capsys: pytest.CaptureFixture[str]) -> None:
    """With `--settings` it is that of the operator's file."""
    assert main(["schema", "--settings"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"upstream", "policy", "port", "reload"} <= schema["properties"].keys()


def test_prints_the_schema_of_tests(capsys: pytest.CaptureFixture[str]) -> None:
    """With `--tests` it is that of files beside policies: every field is described, and a test is one as in a policy."""
    assert main(["schema", "--tests"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["properties"].keys() == {"policy", "tests"}
    assert schema["properties"]["tests"]["items"] == {"$ref": "#/$defs/TestDoc"}
    assert schema["$defs"]["TestDoc"] == json_schema()["$defs"]["TestDoc"]
    for definition in (schema, *schema["$defs"].values()):
        assert all(field.get("description") for field in definition["properties"].values())
        assert definition["additionalProperties"] is False


def test_one_schema_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    """That of settings and that of tests are two."""
    with pytest.raises(SystemExit) as ended:
        main(["schema", "--tests", "--settings"])
    assert ended.value.code == 2


def test_an_unwritable_file_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason is named, and the status is 2."""
    assert main(["schema", "--out", str(tmp_path / "no/where.json")]) == 2
    assert "No such file or directory" in capsys.readouterr().err
