"""Long texts under each policy that judges streams."""

from __future__ import annotations

from tests.cases import widen
from tests.engine import test_watch_limits as short


class TestWork:
    """A text of any length costs in proportion to it."""

    PROSE = short.TestWork.PROSE
    test_little_is_kept_of_a_long_text = widen(
        short.TestWork.test_little_is_kept_of_a_long_text, "policy", ["default", "strict", "pii-only"]
    )
