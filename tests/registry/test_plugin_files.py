"""A Python file offers the objects of its top level."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from guardrails.detectors.kinds import Kind
from guardrails.registry.plugin_files import find_objects, load_file
from guardrails.registry.sources import PluginError
from tests.cases import each_case
from tests.registry.conftest import SHOUTING


def write(path: Path, text: str) -> Path:
    """Write a file and return its path."""
    path.write_text(dedent(text))
    return path


def test_objects_are_found_by_their_name_with_where_they_come_from(tmp_path: Path) -> None:
    """The same object under two variables is one; what is of another type is left alone."""
    path = write(tmp_path / "mine.py", SHOUTING + "\n    SAME = KIND\n    NUMBER = 3\n")
    [(name, (kind, origin))] = find_objects(path, Kind).items()
    assert (name, kind.name) == ("shouting", "shouting")
    assert (origin.package, origin.entry_point, len(origin.version)) == ("mine.py", "KIND", 16)


def test_a_file_runs_once_for_what_it_holds(tmp_path: Path) -> None:
    """It is run again when it has changed."""
    path = write(tmp_path / "mine.py", "VALUE = object()")
    first, digest = load_file(path)
    assert load_file(path) == (first, digest)
    write(path, "VALUE = object()  # changed")
    second, other = load_file(path)
    assert (second is first, other == digest) == (False, False)


@each_case(
    ("text", "message"),
    [
        ("x = 1\nraise ValueError('no')", r"mine\.py:2: ValueError: no"),
        ("def f(:\n", r"mine\.py:1: SyntaxError"),
        ("import nothing_of_this_name", r"mine\.py:1: ModuleNotFoundError"),
        ("raise SystemExit(3)", r"mine\.py:1: SystemExit: 3"),
    ],
)
def test_a_file_that_fails_says_where(text: str, message: str, tmp_path: Path) -> None:
    """With the line, and without ending the process."""
    with pytest.raises(PluginError, match=message) as caught:
        load_file(write(tmp_path / "mine.py", text))
    assert caught.value.code == "plugin_failed"


def test_two_objects_of_one_name_are_an_error(tmp_path: Path) -> None:
    """Neither is chosen."""
    more = "    from dataclasses import replace\n    OTHER = replace(KIND, doc='Another.')\n"
    with pytest.raises(PluginError, match="two plugins of the name 'shouting'"):
        find_objects(write(tmp_path / "mine.py", SHOUTING + more), Kind)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(PluginError, match="No such file"):
        load_file(tmp_path / "none.py")
