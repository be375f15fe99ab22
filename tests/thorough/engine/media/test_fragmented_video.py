"""Films of fragments: each limit, each border, in each container."""

from __future__ import annotations

from itertools import product

from tests.cases import widen
from tests.engine.media import test_fragmented_video as short
from tests.engine.media.test_fragmented_video import relayed

__all__ = ["relayed"]

ENDINGS = ("mp4", "ts")

test_a_clean_film_goes_out_whole = widen(
    short.test_a_clean_film_goes_out_whole, ("ending", "sound"), [*product(ENDINGS, (False, True))]
)
test_what_is_flagged_is_told_with_the_times_of_the_film = widen(
    short.test_what_is_flagged_is_told_with_the_times_of_the_film, "ending", ENDINGS
)
test_nothing_goes_out_from_what_is_blocked_on = widen(
    short.test_nothing_goes_out_from_what_is_blocked_on, ("ending", "before", "count"), short.BLOCKED
)
test_what_is_borne_out_beyond_a_border_does_not_go_out = widen(
    short.test_what_is_borne_out_beyond_a_border_does_not_go_out, ("at", "count"), short.BORDERS
)
test_limits_are_those_of_the_whole_film = widen(
    short.test_limits_are_those_of_the_whole_film, ("more", "seconds", "reason"), short.LIMITS
)
