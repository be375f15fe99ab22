"""Damaged films in every format."""

from __future__ import annotations

from tests.cases import widen
from tests.media.video.frames import test_frame_watch as short

test_a_damaged_middle_shows = widen(short.test_a_damaged_middle_shows, ("container", "codec"), short.DAMAGED)
