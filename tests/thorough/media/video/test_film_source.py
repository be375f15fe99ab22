"""Films in every format."""

from __future__ import annotations

from tests.cases import widen
from tests.media.video import test_film_source as short

test_every_format_is_watched_to_its_end = widen(
    short.test_every_format_is_watched_to_its_end, ("container", "codec"), short.FORMATS
)
