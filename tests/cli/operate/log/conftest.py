"""Records to run `guardrails log` on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.operate.log.log_kit import LogCommands


@pytest.fixture
def log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> LogCommands:
    """Return what runs subcommands on ten records."""
    return LogCommands(tmp_path / "records", capsys)
