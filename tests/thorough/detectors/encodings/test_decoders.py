"""What long texts cost to be searched for encodings."""

from __future__ import annotations

from tests.cases import widen
from tests.detectors.encodings import test_decoders as short

test_the_cost_of_each_character_is_bounded = widen(
    short.test_the_cost_of_each_character_is_bounded, "size", [40_000]
)
