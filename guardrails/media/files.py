"""Open files: read and left where they were, to be used as they came; and what holds one, closed at the end of a `with`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import BinaryIO, Self


@contextmanager
def rewind_file(file: BinaryIO) -> Iterator[BinaryIO]:
    """Yield a file to be read, and go back to where it stood; one that cannot go back is read as it is."""
    at = file.tell() if file.seekable() else None
    try:
        yield file
    finally:
        if at is not None:
            file.seek(at)


class Closable(ABC):
    """What is closed at the end of a `with`, which has the thing itself."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
