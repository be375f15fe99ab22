"""Findings by text, and by the digest of a picture or film, so that a long conversation costs its new turn only. Verdicts are
never kept.

Each guard has a cache of its own: what one tenant's policy has seen is neither quicker for those of another policy nor pushed
out by them, so that nobody can learn of it. All together are bounded, and have even shares of that.
"""

from __future__ import annotations

from collections import OrderedDict
from weakref import WeakSet

from guardrails.engine.media.film_cache import FilmCache
from guardrails.fork_safety import fork_safe_lock
from guardrails.media.images.decode_cache import ShapeCache
from guardrails.types import Detection

Key = str | tuple[str | None, ...]
Entry = dict[Key, Detection]
"""Detector digest (and declared context) → what it found in the text."""

SHORTEST = 16
"""Characters below which nothing is remembered: names and numbers of tables, which would push out what is dear to judge."""

FULL = 4
"""Caches of guards in one process that may be full; where there are more, each holds less."""


class FindingsCache:
    """The least recently used texts go first; bounded by entries and by characters. With `every`, short texts and those that
    come alone are kept too: for two guards that judge the same, one after the other.
    """

    def __init__(self, entries: int = 4096, characters: int = 8_000_000, *, every: bool = False) -> None:
        self._entries, self._characters = entries, characters
        self.every = every
        self._share = 1.0
        self._held = 0
        self._by_text: OrderedDict[str | bytes, Entry] = OrderedDict()
        self.shapes = ShapeCache()
        """Pictures that were decoded: one whose findings are all here need not be decoded again."""
        self.films = FilmCache()
        """What films came to: one that comes again need not be watched again."""
        self._lock = fork_safe_lock()

    def __len__(self) -> int:
        return len(self._by_text)

    def hold(self, share: float) -> None:
        """Hold at most that share of its bounds from now on."""
        with self._lock:
            self._share = share
            self._trim()
        self.shapes.hold(share)
        self.films.hold(share)

    def entry(self, text: str) -> Entry | None:
        """Return what is known of the text (to be read and added to), or None if it is not worth keeping."""
        size = len(text)
        if (size < SHORTEST and not self.every) or size * 8 > self._characters * self._share:
            return None
        return self._entry(text)

    def picture(self, sha256: str, *, partial: bool = False) -> Entry:
        """Return what is known of the picture with that digest, finished or on its way; no text has its key."""
        return self._entry(bytes.fromhex(sha256) + b"partial" * partial)

    def _entry(self, key: str | bytes) -> Entry:
        with self._lock:
            found = self._by_text.get(key)
            if found is not None:
                CACHES.hits += 1
                self._by_text.move_to_end(key)
                return found
            CACHES.misses += 1
            found = self._by_text[key] = {}
            self._held += len(key)
            self._trim()
            return found

    def _trim(self) -> None:
        entries, characters = self._entries * self._share, self._characters * self._share
        while len(self._by_text) > entries or self._held > characters:
            old, _ = self._by_text.popitem(last=False)
            self._held -= len(old)


class Caches:
    """The caches of the guards that are alive: as many as `FULL` may be full, more have even shares of what those may hold.

    Attributes:
        hits: texts and pictures of which something was known, as far as threads that looked at once were all counted.
        misses: those of which nothing was.
    """

    def __init__(self) -> None:
        self.hits = self.misses = 0
        self._alive: WeakSet[FindingsCache] = WeakSet()
        self._lock = fork_safe_lock()

    def new(self) -> FindingsCache:
        """Return a cache for one more guard."""
        made = FindingsCache()
        with self._lock:
            self._alive.add(made)
            alive = [*self._alive]
            for each in alive:
                each.hold(min(1.0, FULL / len(alive)))
        return made


CACHES = Caches()
"""Of this process."""
