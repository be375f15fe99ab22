"""`guardrails fmt`."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from guardrails.cli import main
from tests.cases import each_case

ODD = "name: x # of x\nformat:   1\n"
EVEN = "format: 1\nname: x # of x\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A policy that is not formatted."""
    path = tmp_path / "p.yaml"
    path.write_text(ODD)
    return path


def test_formats_files_in_place(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is written in the form; a second time nothing is."""
    assert main(["fmt", str(file)]) == 0
    assert file.read_text() == EVEN
    assert capsys.readouterr().out == f"{file}: formatted\n1 of 1 formatted\n"
    before = file.stat().st_mtime_ns
    assert main(["fmt", str(file)]) == 0
    assert capsys.readouterr().out == "0 of 1 formatted\n"
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_writes_nothing_where_it_is_only_asked(
    file: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer no is exit status 1, and the difference is shown if that is asked for."""
    assert main(["fmt", option, str(file)]) == 1
    assert file.read_text() == ODD
    assert ("+format: 1\n" in capsys.readouterr().out) == (option == "--diff")
    file.write_text(EVEN)
    assert main(["fmt", option, str(file)]) == 0


def test_a_folder_is_all_policies_below_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files of tests too; other YAML is left alone."""
    (deeper := file.parent / "deeper").mkdir()
    (other := deeper / "other.yaml").write_text("b:   1\na: 2\n")
    (tests := deeper / "p.test.yml").write_text("tests: []\npolicy: ../p.yaml\n")

    assert main(["fmt", "--json", str(file.parent)]) == 0

    assert json.loads(capsys.readouterr().out) == {
        "files": 2,
        "changed": [str(tests), str(file)] if str(tests) < str(file) else [str(file), str(tests)],
        "errors": [],
    }
    assert tests.read_text() == "policy: ../p.yaml\ntests: []\n"
    assert other.read_text() == "b:   1\na: 2\n"


def test_standard_input_becomes_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As editors want it."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ODD.encode())))
    assert main(["fmt", "-"]) == 0
    assert capsys.readouterr().out == EVEN


def test_one_wrong_file_does_not_keep_the_others(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be read stays as it is, its error has its place, and the status is 2."""
    (wrong := file.parent / "a.yaml").write_text("format: 1\nname: 'x\n")

    assert main(["fmt", str(wrong), str(file)]) == 2

    told = capsys.readouterr()
    assert told.err.startswith(f"{wrong}:2:7: yaml_syntax: ")
    assert wrong.read_text() == "format: 1\nname: 'x\n"
    assert file.read_text() == EVEN


@each_case(
    ("given", "words"),
    [
        ([], "name the policy files"),
        (["{}/none.yaml"], "No such file"),
        (["{}/empty"], "has no policy files"),
        (["-", "{}"], "alone"),
    ],
)
def test_usage_errors(
    tmp_path: Path, given: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, with the reason."""
    (tmp_path / "empty").mkdir()
    assert main(["fmt", *(each.format(tmp_path) for each in given)]) == 2
    assert words in capsys.readouterr().err
