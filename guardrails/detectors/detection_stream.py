"""What the streams of detectors share: parts of one text in their order, up to its end."""

from __future__ import annotations

from abc import ABC, abstractmethod

from guardrails.types import Detection


class DetectionStream(ABC):
    """Finds in a text that grows. A detector's own stream says what a part settles, and what the end does.

    Attributes:
        settled: the offset before which nothing more will be found.
        scanned: characters looked at, all together.
    """

    def __init__(self) -> None:
        self.settled = 0
        self.scanned = 0
        self._ended = False

    def feed(self, delta: str) -> Detection:
        """Take the next part; return what it settles.

        Raises:
            ValueError: after `flush`.
        """
        self._require_open()
        return self._take(delta)

    def flush(self) -> Detection:
        """Return the rest: the text ends here.

        Raises:
            ValueError: it has ended already.
        """
        self._require_open()
        self._ended = True
        return self._finish()

    def _require_open(self) -> None:
        if self._ended:
            raise ValueError("the stream has ended")

    @abstractmethod
    def _take(self, delta: str) -> Detection:
        """Return what a part settles."""

    @abstractmethod
    def _finish(self) -> Detection:
        """Return what the end settles."""
