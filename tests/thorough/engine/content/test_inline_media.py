"""Films in every place of a body."""

from __future__ import annotations

from tests.cases import widen
from tests.engine.content import test_inline_media as short
from tests.engine.content.test_inline_media import films, guard_that

__all__ = ["films", "guard_that"]

test_a_film_is_judged_wherever_it_stands = widen(
    short.test_a_film_is_judged_wherever_it_stands, "name", short.FILMS
)
