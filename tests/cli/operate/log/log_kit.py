"""Runs `guardrails log` on records that real guards wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from guardrails.cli import main
from tests.records.records_kit import POLICY, write_records


class Done(NamedTuple):
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON objects that it printed, one on a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class LogCommands:
    """Runs subcommands on a folder of ten records: every third was blocked, of three users of the tenant `acme`."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], policy: Mapping[str, object] = POLICY
    ) -> None:
        self.folder, self._capsys = folder, capsys
        self.ids = write_records(folder, 10, policy=policy)

    def __call__(self, *arguments: str) -> Done:
        """Run a subcommand."""
        self._capsys.readouterr()
        status = main(["log", arguments[0], "--records", str(self.folder), *arguments[1:]])
        return Done(status, *self._capsys.readouterr())
