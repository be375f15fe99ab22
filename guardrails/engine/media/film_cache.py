"""Caches what was found in a film, by the digest of its file and by how it was looked at.

What was found, read and heard in a film is the same each time it is looked at in the same way, and looking takes seconds. So it
is kept, as findings of texts are; verdicts never are. Only what is whole is kept: a film that was watched and heard to its end,
without an error and in time. It is opened each time all the same, as what a file is decides more than what is found in it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from guardrails.detectors.images.text_layout import PlacedText
from guardrails.fork_safety import fork_safe_lock
from guardrails.types import Detection, FilmCoverage, Unchecked

FILMS: Final = 256
"""Films that one guard remembers at most."""

SIZE: Final = 8_000_000
"""What they may take together: characters that were read and heard, bytes of covers, and so much for each thing besides:"""

EACH: Final = 200


@dataclass(frozen=True, slots=True)
class CachedFilm:
    """What a film came to: by digest what each detector found, what was written and said in it, the pictures that players show
    beside a sound, and what was looked at and what was not.
    """

    detections: Mapping[str, Detection]
    texts: Sequence[PlacedText]
    covers: Sequence[bytes]
    unchecked: Sequence[Unchecked]
    coverage: FilmCoverage

    @property
    def size(self) -> int:
        """How much it takes."""
        lines = [line for text in self.texts for _, line in text.lines]
        findings = sum(len(each.findings) for each in self.detections.values())
        characters = sum(len(text.text) for text in self.texts) + sum(len(line.text) for line in lines)
        things = len(lines) + findings + len(self.detections) + len(self.unchecked) + 1
        return characters + sum(map(len, self.covers)) + EACH * things


class FilmCache:
    """What films came to lately; the least recently used go first. Safe to share by threads."""

    def __init__(self, most: int = FILMS, size: int = SIZE) -> None:
        self._most, self._size = most, size
        self._share, self._held = 1.0, 0
        self._by_key: OrderedDict[Hashable, tuple[CachedFilm, int]] = OrderedDict()
        self._lock = fork_safe_lock()

    def __len__(self) -> int:
        return len(self._by_key)

    def hold(self, share: float) -> None:
        """Hold at most that share of its bounds from now on."""
        with self._lock:
            self._share = share
            self._trim()

    def get(self, key: Hashable) -> CachedFilm | None:
        """Return what is known of a film."""
        with self._lock:
            found = self._by_key.get(key)
            if found is None:
                return None
            self._by_key.move_to_end(key)
            return found[0]

    def add(self, key: Hashable, known: CachedFilm) -> None:
        """Remember a film; one that would take more than all may is not."""
        size = known.size
        with self._lock:
            if size > self._size * self._share:
                return
            _, before = self._by_key.pop(key, (None, 0))
            self._by_key[key] = known, size
            self._held += size - before
            self._trim()

    def _trim(self) -> None:
        while len(self._by_key) > self._most * self._share or self._held > self._size * self._share:
            _, (_, size) = self._by_key.popitem(last=False)
            self._held -= size
