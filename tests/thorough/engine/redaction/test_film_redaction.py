"""Each way to cover what is found, in each shape of a film."""

from __future__ import annotations

from itertools import product

from tests.cases import widen
from tests.engine.redaction import test_film_redaction as short
from tests.engine.redaction.test_film_redaction import redacting

__all__ = ["redacting"]

test_a_stretch_is_covered_and_the_rest_stays = widen(
    short.test_a_stretch_is_covered_and_the_rest_stays,
    ("how", "shape"),
    [*product(short.HOWS, short.SHAPES)],
)
test_a_film_in_which_something_is_still_found_is_blocked = widen(
    short.test_a_film_in_which_something_is_still_found_is_blocked, "how", ["pixelate", "blur"]
)
test_faces_are_covered_in_every_frame = widen(
    short.test_faces_are_covered_in_every_frame, "how", ["solid", "pixelate", "blur"]
)
