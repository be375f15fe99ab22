"""A sink that writes each verdict to a file of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guardrails.plugins import Config, Sink


class FolderConfig(Config):
    """A folder with a file for each verdict."""

    path: str
    """The folder; it is made where there is none."""


class Folder:
    """An opened folder."""

    def __init__(self, config: FolderConfig) -> None:
        self._path = Path(config.path)
        self._path.mkdir(parents=True, exist_ok=True)

    def write(self, record: Mapping[str, Any]) -> None:
        """Write a verdict, under its id."""
        (self._path / f"{record['id']}.json").write_text(json.dumps(record))

    def close(self) -> None:
        """Nothing is open between two verdicts."""


FOLDER = Sink("folder", "Writes each verdict to a file of its own.", FolderConfig, Folder)
