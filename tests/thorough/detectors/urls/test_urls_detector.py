"""Texts made to take long."""

from __future__ import annotations

from tests.cases import widen
from tests.detectors.urls import test_urls_detector as short

test_time_grows_with_the_text_alone = widen(short.test_time_grows_with_the_text_alone, "piece", short.PIECES)
