"""`guardrails new`: starters are written once, and pass their own tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.cli import main
from guardrails.policy.shipped import read_starter, starter_names
from tests.cases import each_case


@pytest.mark.parametrize("name", ["shop"])
def test_a_starter_is_written_with_its_tests_and_they_pass(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By default into a file of its name, which is then tested and has nothing for lint to say. `tests/thorough` tries them all."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "--from", name]) == 0
    assert capsys.readouterr().out == f"{name}.yaml: written\nnext: guardrails test {name}.yaml\n"
    assert (tmp_path / f"{name}.yaml").read_text(encoding="utf-8") == read_starter(name)
    assert main(["test", f"{name}.yaml"]) == 0
    assert ", 0 failed" in capsys.readouterr().out
    assert main(["lint", f"{name}.yaml"]) == 0
    assert capsys.readouterr().out == f"{name}.yaml: nothing to say\n"


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody's policy is not lost by a second call."""
    mine = tmp_path / "mine.yaml"
    mine.write_text("format: 1\n")
    assert main(["new", "--from", "bank", "--output", str(mine)]) == 2
    assert "is not overwritten - name another file by --output" in capsys.readouterr().err
    assert mine.read_text() == "format: 1\n"


@each_case(
    ("argv", "told"),
    [
        (["--from", "bnak"], "'bnak' is not a starter - did you mean 'bank'?"),
        ([], "say which starter to write: --from bank"),
        (["--from", "bank", "--output", "nowhere/bank.yaml"], "nowhere/bank.yaml: No such file or directory"),
    ],
)
def test_what_cannot_be_written_is_status_2(
    argv: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the cause and the cure on standard error."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", *argv]) == 2
    assert told in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_the_list_names_each_starter_with_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    """For people a line each, for programs an object."""
    assert main(["new", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*starter_names()]
    assert main(["new", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["starters"]
    assert lines == [f"{name:<12}  {listed[name]}" for name in starter_names()]


def test_json_says_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The starter and the file."""
    file = str(tmp_path / "shop.yaml")
    assert main(["new", "--from", "shop", "-o", file, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"starter": "shop", "file": file}
