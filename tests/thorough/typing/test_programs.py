"""Programs of users under mypy: the careful one passes all that it can check, and each mistake of the other is found."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.thorough.typing.marks import FOLDER, USER, WRONG, expected_errors

ERROR = re.compile(r"^.*?(?P<file>\w+\.py):(?P<line>\d+): error: .*\[(?P<code>[\w-]+)\]$", re.MULTILINE)
STRICT = [
    "--strict",
    "--disallow-any-expr",
    "--disallow-any-explicit",
    "--warn-unreachable",
    "--config-file=",
]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy says of both programs."""
    cache = tmp_path_factory.mktemp("mypy")
    command = [sys.executable, "-m", "mypy", *STRICT, "--cache-dir", str(cache), "--no-error-summary"]
    root = FOLDER.parents[2]
    done = subprocess.run(
        [*command, "--explicit-package-bases", *(str(path.relative_to(root)) for path in (USER, WRONG))],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_a_careful_program_passes_the_strictest_checks(said: str) -> None:
    """No expression of it is of the type `Any`: what it gets from here is typed."""
    assert [line for line in said.splitlines() if USER.name in line] == []


def test_each_mistake_is_found_where_it_is(said: str) -> None:
    """On its line, with its code, and no other."""
    found = {
        int(match["line"]): match["code"] for match in ERROR.finditer(said) if match["file"] == WRONG.name
    }
    assert found == expected_errors("mypy")
    assert "did you mean" in said
