"""Files that a command line allows, for its own process and those that it starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guardrails.errors import GuardrailsError
from guardrails.registry.environment import FILES_VARIABLE, VARIABLE, allow_files, files_of_command_line
from guardrails.registry.sources import PluginSources
from tests.cases import each_case


@each_case("before", [None, "/elsewhere/other.py"])
def test_files_are_allowed_inside_the_block(
    before: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What an operator allows of packages stays as it is; afterwards the environment is what it was."""
    file = tmp_path / "mine.py"
    file.write_text("")
    monkeypatch.delenv(FILES_VARIABLE, raising=False)
    if before is not None:
        monkeypatch.setenv(FILES_VARIABLE, before)
    monkeypatch.setenv(VARIABLE, "acme==1")

    with allow_files([str(file)]):
        assert files_of_command_line() == [file]
        sources = PluginSources.of_environment()
        assert (sources.files, sources.allows("acme", "1"), sources.allows("other", "1")) == (
            (file,),
            True,
            False,
        )
        assert PluginSources.read([]).files == (file,)

    assert (os.environ.get(FILES_VARIABLE), os.environ[VARIABLE]) == (before, "acme==1")


def test_without_files_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable stays unset."""
    monkeypatch.delenv(FILES_VARIABLE, raising=False)
    with allow_files([]):
        assert FILES_VARIABLE not in os.environ
        assert files_of_command_line() == []


@each_case("name", ["none.py", "notes.txt", "a:b.py", "folder.py"])
def test_what_is_no_python_file_is_an_error(name: str, tmp_path: Path) -> None:
    """A folder, a file of another kind, and a name with the sign that separates paths are none."""
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "a:b.py").write_text("")
    (tmp_path / "folder.py").mkdir(exist_ok=True)
    with (
        pytest.raises(GuardrailsError, match="no Python file of that name"),
        allow_files([str(tmp_path / name)]),
    ):
        pass
