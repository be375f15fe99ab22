"""Findings by text, so that a long conversation costs its new turn only. Verdicts are never kept."""

from __future__ import annotations

import threading
from collections import OrderedDict

from guardrails.types import Detection

Key = str | tuple[str | None, ...]
Entry = dict[Key, Detection]
"""Detector digest (and declared context) → what it found in the text."""

SHORTEST = 32
"""Characters below which a look-up costs as much as the search that it saves."""


class FindingsCache:
    """The least recently used texts go first; bounded by entries and by characters."""

    def __init__(self, entries: int = 4096, characters: int = 8_000_000) -> None:
        self._entries, self._characters = entries, characters
        self._held = 0
        self._by_text: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._by_text)

    def entry(self, text: str) -> Entry | None:
        """Return what is known of the text (to be read and added to), or None if it is not worth keeping."""
        size = len(text)
        if size < SHORTEST or size * 8 > self._characters:
            return None
        with self._lock:
            found = self._by_text.get(text)
            if found is not None:
                self._by_text.move_to_end(text)
                return found
            found = self._by_text[text] = {}
            self._held += size
            while len(self._by_text) > self._entries or self._held > self._characters:
                old, _ = self._by_text.popitem(last=False)
                self._held -= len(old)
            return found
