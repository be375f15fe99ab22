"""What this process takes of the machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from guardrails.proxy.server.counting import process
from guardrails.proxy.server.counting.process import count_files, limit_files, resident_bytes


def test_memory_and_files_are_what_the_system_tells() -> None:
    """More files are more, where it tells."""
    tells = sys.platform == "linux"
    assert (1 << 20 < resident_bytes() < 1 << 40) is tells
    before = count_files()
    read, write = os.pipe()
    assert count_files() == before + 2 * tells
    os.close(read)
    os.close(write)
    assert limit_files() >= count_files()


def test_where_nobody_tells_it_is_nothing(monkeypatch, tmp_path: Path) -> None:
    """And no error."""
    monkeypatch.setattr(process, "STATM", tmp_path / "none")
    monkeypatch.setattr(process, "FILES", tmp_path / "none")
    assert resident_bytes() == count_files() == 0.0
