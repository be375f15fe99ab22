"""Shares one model among all who ask for the same files with the same options.

A model lives for as long as somebody holds it; files count as the same by their names, sizes and times.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from guardrails.fork_safety import fork_safe_lock

Made = TypeVar("Made")
Options = TypeVar("Options", bound=Hashable)


class SharedModels(Generic[Made, Options]):
    """The models that `make` made and that are still held; safe to share by threads."""

    def __init__(self, make: Callable[[Path, Options], Made]) -> None:
        self._make = make
        self._made: WeakValueDictionary[Hashable, Made] = WeakValueDictionary()
        self._making = fork_safe_lock()

    def get(self, folder: Path, options: Options) -> Made:
        """Return the model in a folder; raises what `make` raises."""
        files = tuple(
            (str(each), seen.st_ino, seen.st_size, seen.st_mtime_ns)
            for each in sorted(folder.rglob("*"))
            if each.is_file()
            for seen in [each.stat()]
        )
        key = (str(folder.resolve()), files, options)
        with self._making:
            model = self._made.get(key)
            if model is None:
                model = self._made[key] = self._make(folder, options)
            return model
