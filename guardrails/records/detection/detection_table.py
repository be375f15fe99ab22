"""The rows of detection profiles: a digest goes in, what was looked for comes out. They are few, speak of nobody, and stay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from guardrails.records.detection.detection_profile import digest_profile
from guardrails.stores.database import Database

INSERT: Final = "INSERT INTO detections (digest, profile) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING"
UNKNOWN: Final[Mapping[str, Any]] = {}


class DetectionTable:
    """The rows in one database.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read: dict[str, Mapping[str, Any]] = {}

    def insert(self, texts: Iterable[str]) -> None:
        """Insert profiles, those that are here already left out."""
        rows = [(digest_profile(text), text) for text in texts]
        if rows:
            self._database.execute_many(INSERT, rows)

    def expand(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a record (`StoredRecord.to_dict`) with what was looked for in the place of its digest; as it is where that is
        not here, or was altered.
        """
        digest = record.get("detection")
        found = self._find(digest) if isinstance(digest, str) else UNKNOWN
        return {name: record[name] for name in record if name != "detection" or not found} | {**found}

    def _find(self, digest: str) -> Mapping[str, Any]:
        if digest not in self._read:
            rows = self._database.execute("SELECT profile FROM detections WHERE digest = ?", (digest,))
            self._read[digest] = _read_profile(rows[0][0], digest) if rows else UNKNOWN
        return self._read[digest]


def _read_profile(text: str, digest: str) -> Mapping[str, Any]:
    if digest_profile(text) != digest:
        return UNKNOWN
    try:
        told = json.loads(text)
    except ValueError:  # of somebody else's writing
        return UNKNOWN
    return told if isinstance(told, dict) else UNKNOWN
