"""Every kind of film of fragments."""

from __future__ import annotations

from tests.cases import widen
from tests.media.fragments import test_fragment as short

test_some_fragments_are_a_film_of_their_own = widen(
    short.test_some_fragments_are_a_film_of_their_own, "name", short.FILMS
)
