"""What the streams of detectors share."""

from __future__ import annotations

import pytest

from guardrails.detectors.detection_stream import DetectionStream
from guardrails.types import Detection


class Lines(DetectionStream):
    """Settles whole lines."""

    def _take(self, delta: str) -> Detection:
        self.scanned += len(delta)
        self.settled += delta.rfind("\n") + 1
        return Detection((), self.settled)

    def _finish(self) -> Detection:
        self.settled = self.scanned
        return Detection((), self.settled)


def test_parts_come_in_their_order_up_to_the_end() -> None:
    """Nothing comes behind that, and there is one."""
    stream = Lines()
    assert stream.feed("a\nb").settled == 2
    assert (stream.flush().settled, stream.scanned) == (3, 3)
    for more in (lambda: stream.feed("c"), stream.flush):
        with pytest.raises(ValueError, match="has ended"):
            more()
