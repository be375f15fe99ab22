"""Files that a command line allows, for its own process and those that it starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guardrails.errors import GuardrailsError
from guardrails.registry.environment import VARIABLE, allow_files
from tests.cases import each_case


@each_case(("before", "during"), [(None, "*,{file}"), ("", "{file}"), ("acme==1", "acme==1,{file}")])
def test_files_are_allowed_inside_the_block(
    before: str | None, during: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was allowed before stays so; afterwards the environment is what it was."""
    file = tmp_path / "mine.py"
    file.write_text("")
    if before is None:
        monkeypatch.delenv(VARIABLE, raising=False)
    else:
        monkeypatch.setenv(VARIABLE, before)

    with allow_files([str(file)]):
        assert os.environ[VARIABLE] == during.format(file=file)

    assert os.environ.get(VARIABLE) == before


def test_without_files_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable stays unset: every package may be used."""
    monkeypatch.delenv(VARIABLE, raising=False)
    with allow_files([]):
        assert VARIABLE not in os.environ


@each_case("name", ["none.py", "notes.txt", "a,b.py", "folder.py"])
def test_what_is_no_python_file_is_an_error(name: str, tmp_path: Path) -> None:
    """A folder, a file of another kind, and a name with the comma that separates entries are none."""
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "a,b.py").write_text("")
    (tmp_path / "folder.py").mkdir(exist_ok=True)
    with (
        pytest.raises(GuardrailsError, match="no Python file of that name"),
        allow_files([str(tmp_path / name)]),
    ):
        pass
