"""The marks in a program of mistakes: which line is wrong, and what a type checker calls it."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent
USER = FOLDER / "user_program.py"
WRONG = FOLDER / "wrong_program.py"
MARK = re.compile(r"# E: (?P<mypy>[\w-]+), (?P<pyright>\w+)$")


def expected_errors(checker: str) -> dict[int, str]:
    """Return what `mypy` or `pyright` must say of the wrong program: line → code."""
    lines = WRONG.read_text(encoding="utf-8").splitlines()
    marks = {number: found[checker] for number, line in enumerate(lines, 1) if (found := MARK.search(line))}
    return {number: code for number, code in marks.items() if code != "-"}
