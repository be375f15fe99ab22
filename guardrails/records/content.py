"""Reads kept contents: a record goes in, what was judged then comes out.

    keys = read_content_keys(doc.content)
    if keys is not None:
        reader = ContentReader(store, keys)
        for record in store.select(Filter(action="block")):
            content = reader.read(record)

A content is a text, messages or a body; None where nothing is kept.
"""

from __future__ import annotations

import json
import time
from typing import Any

from guardrails.records.decision_store import DecisionStore, StoredRecord
from guardrails.records.kept_content.content_keys import ContentKeys


class ContentReader:
    """Opens what a store keeps.

    Args:
        store: the opened store.
        keys: of the operator.
    """

    def __init__(self, store: DecisionStore, keys: ContentKeys) -> None:
        self._store, self._keys = store, keys

    def read(self, stored: StoredRecord) -> Any:
        """Return what was judged, as plain JSON values: a text, or messages or a body as they were given, pictures and the like
        by their digests. None where nothing is kept: nobody asked for it, it was too large, it has expired, or the person was
        erased.

        Raises:
            RecordsError: its key is not among those given, or it is not what was kept for this decision.
        """
        return self.read_at(stored.writer, stored.seq, stored.id)

    def read_at(self, writer: str, seq: int, id_: str) -> Any:
        """Return the same of the record of a writer, a number and the verdict's id."""
        sealed = self._store.contents.read(writer, seq)
        if sealed is None or sealed.expires <= time.time_ns() // 1000:
            return None
        return json.loads(self._keys.open(id_, sealed))
