"""Texts made to take long."""

from __future__ import annotations

from tests.cases import widen
from tests.detectors import test_urls as short

test_time_grows_with_the_text_alone = widen(short.test_time_grows_with_the_text_alone, "piece", short.PIECES)
