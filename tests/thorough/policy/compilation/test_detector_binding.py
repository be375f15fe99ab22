"""Lists as long as they are said to load fast."""

from __future__ import annotations

from tests.cases import widen
from tests.policy.compilation import test_detector_binding as short

test_long_lists_load_fast = widen(
    short.test_long_lists_load_fast, ("terms", "patterns", "most_s"), [(20_000, 1_000, 30)]
)
