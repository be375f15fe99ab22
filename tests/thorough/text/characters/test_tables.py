"""Every character."""

from __future__ import annotations

from guardrails.text import segments
from guardrails.text.characters import _generate
from tests.cases import widen
from tests.text.characters import test_tables as short

test_classes_match_the_running_unicode = widen(
    short.test_classes_match_the_running_unicode,
    ("pattern", "generate"),
    [(segments.COMBINING, _generate.combining)],
)
test_no_change_is_missed = widen(short.test_no_change_is_missed, "step", [1])
