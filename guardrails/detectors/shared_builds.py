"""Shares what is built once in a process with all who build the same, for as long as somebody holds it.

Twenty policies that build on one have most of their detectors in common, and a policy that is loaded anew most of them with
the one before. Nothing is kept alive here: what nobody holds any more is gone, and built again when it is asked for. Who asks
for what another is building waits for it.

A detector is known by all that it is made of: its kind, its name, its configuration, with which fields were written, and the
bytes of what it reads. So these alone are shared: kinds of this package, whose code is the same for all, that ask no service,
as how a service is asked is the operator's to change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from guardrails.fork_safety import fork_safe_lock
from guardrails.inference.hub import hub_cache

if TYPE_CHECKING:
    from pathlib import Path

    from guardrails.detectors import PolicyFiles
    from guardrails.detectors.config import Config
    from guardrails.remote.endpoint import Endpoint
    from guardrails.types import Detector

Made = TypeVar("Made")


class KeyedLocks:
    """A lock for each key, for as long as somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()
        self._lock = fork_safe_lock()

    def lock_for(self, key: Hashable) -> Any:
        """Return the lock of a key."""
        with self._lock:
            return self._locks.setdefault(key, fork_safe_lock())


class SharedInstances(Generic[Made]):
    """Things that are alive, by key; safe to share by threads."""

    def __init__(self) -> None:
        self._made: WeakValueDictionary[Hashable, Made] = WeakValueDictionary()
        self._locks = KeyedLocks()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return the thing of a key, made if there is none; raises what `make` raises. The key lives as long as the thing."""
        with self._locks.lock_for(key):
            made = self._made.get(key)
            if made is None:
                made = self._made[key] = make()
            return made


class FileRequest(NamedTuple):
    """What was read for a detector: a file, the `folder` of a model, or a file's `path` alone."""

    name: str
    folder: bool = False
    revision: str | None = None
    download: bool = False
    path: bool = False


RecordedRead = tuple[FileRequest, tuple[str, ...] | None]
"""What was read and its digests, None where it could not be."""


class RecordingFiles:
    """Passes reads on, and keeps what was read with its digests.

    Attributes:
        asked: all that was read, in order.
        digests: what a detector's digest says of it.
        private: whether a service was asked for, of which digests do not tell everything.
    """

    def __init__(self, files: PolicyFiles) -> None:
        self._files = files
        self.reads: list[RecordedRead] = []
        self.digests: list[str] = []
        self.private = False

    @classmethod
    def replay(cls, files: PolicyFiles, asks: Sequence[FileRequest]) -> RecordingFiles:
        """Read the same once more, as it is by now."""
        seen = cls(files)
        for ask in asks:
            with suppress(OSError):
                if ask.folder:
                    seen.model_folder(ask.name, ask.revision, download=ask.download)
                elif ask.path:
                    seen.path(ask.name)
                else:
                    seen.read(ask.name)
        return seen

    @property
    def requests(self) -> tuple[FileRequest, ...]:
        """What was read, whatever came of it."""
        return tuple(ask for ask, _ in self.reads)

    def read(self, name: str) -> tuple[str, str]:
        ask = FileRequest(name)
        try:
            text, shown = self._files.read(name)
        except OSError:
            self.reads.append((ask, None))
            raise
        self._keep(ask, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
        return text, shown

    def path(self, name: str) -> Path:
        ask = FileRequest(name, path=True)
        try:
            path = self._files.path(name)
            with path.open("rb") as data:
                digest = hashlib.file_digest(data, "sha256").hexdigest()
        except OSError:
            self.reads.append((ask, None))
            raise
        self._keep(ask, digest)
        return path

    def model_folder(self, name: str, revision: str | None = None, *, download: bool = False) -> Path:
        ask = FileRequest(name, True, revision, download)
        try:
            path = self._files.model_folder(name, revision, download=download)
        except OSError:
            self.reads.append((ask, None))
            raise
        self._keep(ask, *hub_cache.file_digests(path))
        return path

    def endpoint(self, name: str) -> Endpoint:
        found = self._files.endpoint(name)
        self.private = True
        self.digests.append(found.identity)
        return found

    def _keep(self, ask: FileRequest, *digests: str) -> None:
        self.reads.append((ask, digests))
        self.digests += digests


class SharedDetectors:
    """The detectors that are alive, by what they are made of."""

    def __init__(self) -> None:
        self._made: WeakValueDictionary[tuple[str, tuple[RecordedRead, ...]], Detector] = (
            WeakValueDictionary()
        )
        self._locks = KeyedLocks()
        self._lock = fork_safe_lock()  # of the table, which is looked through

    def get(
        self,
        kind: str,
        name: str,
        config: Config,
        files: PolicyFiles,
        build: Callable[[PolicyFiles], Detector],
    ) -> tuple[Detector, RecordingFiles]:
        """Return the detector of that kind and name, with what was read for it; raises what `build` raises."""
        key = _key(kind, name, config)
        with self._locks.lock_for(key):
            for asks in self._asks(key):
                seen = RecordingFiles.replay(files, asks)
                with self._lock:
                    made = self._made.get((key, tuple(seen.reads)))
                if made is not None:
                    return made, seen
            seen = RecordingFiles(files)
            made = build(seen)
            # A model is not read where its digest is taken: what changed in between is known by neither.
            if not seen.private and RecordingFiles.replay(files, seen.requests).reads == seen.reads:
                with self._lock:
                    self._made[key, tuple(seen.reads)] = made
            return made, seen

    def _asks(self, key: str) -> list[tuple[FileRequest, ...]]:
        """Return what was read for the detectors of a key: mostly the same, here or in another folder."""
        with self._lock:
            known = [asked for own, asked in self._made if own == key]
        return [*dict.fromkeys(tuple(ask for ask, _ in asked) for asked in known)]


def _key(kind: str, name: str, config: Config) -> str:
    """Return all that a detector is made of but for what it reads. Some kinds refuse fields that say what holds without them."""
    written = [config.model_dump(mode="json", exclude_unset=unset) for unset in (False, True)]
    return hashlib.sha256(json.dumps([kind, name, *written], sort_keys=True).encode()).hexdigest()
