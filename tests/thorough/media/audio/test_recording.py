"""Sounds in every format."""

from __future__ import annotations

from tests.cases import widen
from tests.media.audio import test_recording as short

COLUMNS = ("container", "codec", "format_")

test_every_format_is_heard_to_its_end = widen(
    short.test_every_format_is_heard_to_its_end, COLUMNS, short.FORMATS
)
test_what_is_cut_off_is_told_or_shorter = widen(
    short.test_what_is_cut_off_is_told_or_shorter, COLUMNS, short.FORMATS
)
