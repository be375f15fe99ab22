"""A program of a user as its types say: it runs. Type checkers look at it in `tests/thorough/typing`, which takes half a minute."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.thorough.typing.marks import USER


def test_the_careful_program_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is typed is true."""
    monkeypatch.chdir(tmp_path)
    assert runpy.run_path(str(USER), run_name="__main__")["seen"]
