"""Redaction of films and sounds in every container and codec."""

from __future__ import annotations

from tests.cases import widen
from tests.films import CONTAINERS
from tests.media.rewrite import test_recode as short
from tests.media.rewrite.test_recode import films

__all__ = ["films"]

test_a_box_is_covered = widen(short.test_a_box_is_covered, "ending", CONTAINERS)
test_what_comes_out_can_be_judged_again = widen(
    short.test_what_comes_out_can_be_judged_again, "ending", CONTAINERS
)
test_sound_is_muted = widen(short.test_sound_is_muted, "ending", CONTAINERS)
test_clips_are_cut = widen(short.test_clips_are_cut, "ending", CONTAINERS)
test_a_sound_alone_is_silent_in_a_clip_and_as_before_elsewhere = widen(
    short.test_a_sound_alone_is_silent_in_a_clip_and_as_before_elsewhere, ("container", "codec"), short.ALONE
)
