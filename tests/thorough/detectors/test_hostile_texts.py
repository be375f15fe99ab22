"""Every text that is made to take long."""

from __future__ import annotations

from tests.cases import widen
from tests.detectors import test_hostile_texts as short
from tests.detectors.test_hostile_texts import bounds  # noqa: F401 - a fixture
from tests.hostile_texts import TEXTS

test_a_detector_stops_when_its_time_is_up = widen(
    short.test_a_detector_stops_when_its_time_is_up, "name", TEXTS
)
