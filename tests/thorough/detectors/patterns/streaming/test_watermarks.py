"""The work on texts that come in pieces of any size."""

from __future__ import annotations

from tests.cases import widen
from tests.detectors.patterns.streaming import test_watermarks as short

test_the_work_is_linear_even_where_all_is_held = widen(
    short.test_the_work_is_linear_even_where_all_is_held, "chunk", [1, 4, 64]
)
