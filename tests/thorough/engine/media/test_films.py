"""Films in every container, and what comes and goes in them, however large, long and lively."""

from __future__ import annotations

from itertools import product

from tests.cases import widen
from tests.engine.media import test_films as short
from tests.engine.media.test_films import guard
from tests.films import CONTAINERS

__all__ = ["guard"]

test_what_is_in_a_film_is_found_with_its_time = widen(
    short.test_what_is_in_a_film_is_found_with_its_time, "ending", CONTAINERS
)
test_a_sound_alone_is_listened_to = widen(
    short.test_a_sound_alone_is_listened_to, ("container", "codec"), short.SOUNDS
)
test_what_stands_behind_a_film_is_named = widen(
    short.test_what_stands_behind_a_film_is_named, "ending", ["mp4", "mkv", "webm", "avi"]
)
test_what_comes_and_goes_in_a_part_of_a_shot_is_found = widen(
    short.test_what_comes_and_goes_in_a_part_of_a_shot_is_found,
    ("side", "stretch", "seed"),
    [*product(short.SIDES, short.STRETCHES, short.SEEDS)],
)
