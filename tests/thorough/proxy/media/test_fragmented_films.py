"""Films of fragments in each container."""

from __future__ import annotations

from tests.cases import widen
from tests.proxy.media import test_fragmented_films as short
from tests.proxy.media.test_fragmented_films import clean, offending, start

__all__ = ["clean", "offending", "start"]

test_a_film_is_broken_off_before_what_is_blocked = widen(
    short.test_a_film_is_broken_off_before_what_is_blocked, "ending", short.MEDIA
)
test_what_is_blocked_at_once_is_an_error = widen(
    short.test_what_is_blocked_at_once_is_an_error, "ending", short.MEDIA
)
test_a_film_that_the_upstream_breaks_off_is_broken_off = widen(
    short.test_a_film_that_the_upstream_breaks_off_is_broken_off, "ending", short.MEDIA
)
