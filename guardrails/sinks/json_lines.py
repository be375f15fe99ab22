"""The built-in sink: a file that verdicts are appended to, each as a line of JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, Literal

from guardrails.detectors.config import Config
from guardrails.sinks.kinds import Record, Sink


class JsonLinesConfig(Config):
    """Appends verdicts to a file, each as a line of JSON."""

    use: Literal["jsonl"]
    """The kind of sink."""
    path: str
    """The file; it is made where there is none. In a settings file relative to the file's folder."""


class JsonLinesFile:
    """A file that verdicts are appended to; several processes may append to one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, record: Record) -> None:
        """Append a line, at once."""
        self._file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


JSONL: Final = Sink(
    "jsonl",
    "Appends verdicts to a file, each as a line of JSON.",
    JsonLinesConfig,
    lambda config: JsonLinesFile(Path(config.path)),
)
