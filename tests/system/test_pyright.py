"""Programs of users under pyright, which editors use: the same as under mypy (`tests/thorough/typing/`)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.thorough.typing.marks import FOLDER, USER, WRONG, expected_errors

NOISE = {"reportUnusedExpression", "reportUnknownMemberType"}
"""What follows from a mistake."""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What pyright says of both programs."""
    folder = tmp_path_factory.mktemp("pyright")
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
    subprocess.run([*npm, "pyright@1"], check=True, timeout=300)
    program = folder / "program"
    program.mkdir()
    for path in (USER, WRONG):
        shutil.copy(path, program)
    settings = {"include": ["."], "typeCheckingMode": "strict", "extraPaths": [str(FOLDER.parents[2])]}
    (program / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [folder / "node_modules/.bin/pyright", "--outputjson", "--pythonpath", sys.executable],
        cwd=program,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found: list[Any] = json.loads(done.stdout)["generalDiagnostics"]
    return found


def test_a_careful_program_passes_the_strictest_checks(said: list[Any]) -> None:
    """Nothing of it is unknown."""
    assert [each for each in said if Path(each["file"]).name == USER.name] == []


def test_each_mistake_is_found_where_it_is(said: list[Any]) -> None:
    """On its line, with its rule, and no other."""
    found = {
        each["range"]["start"]["line"] + 1: each["rule"]
        for each in said
        if Path(each["file"]).name == WRONG.name and each["rule"] not in NOISE
    }
    assert found == expected_errors("pyright")
