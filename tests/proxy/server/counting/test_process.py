"""What this process takes of the machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from guardrails.proxy.server.counting import process
from guardrails.proxy.server.counting.process import count_files, limit_files, resident_bytes

COUNTED = """
import os
from guardrails.proxy.server.counting.process import count_files
before = count_files()
os.pipe()
print(int(count_files() - before))
"""


def test_memory_and_files_are_what_the_system_tells() -> None:
    """More files are more, where it tells; in a process of its own, as other tests' files may be closed meanwhile."""
    tells = sys.platform == "linux"
    assert (1 << 20 < resident_bytes() < 1 << 40) is tells
    ran = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, check=True)
    assert int(ran.stdout) == 2 * tells
    assert limit_files() >= count_files()


def test_where_nobody_tells_it_is_nothing(monkeypatch, tmp_path: Path) -> None:
    """And no error."""
    monkeypatch.setattr(process, "STATM", tmp_path / "none")
    monkeypatch.setattr(process, "FILES", tmp_path / "none")
    assert resident_bytes() == count_files() == 0.0
