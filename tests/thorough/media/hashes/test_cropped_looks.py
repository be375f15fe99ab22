"""Ten pictures, changed in every way."""

from __future__ import annotations

from tests.cases import widen
from tests.media.hashes import test_cropped_looks as short

test_a_changed_picture_is_near_again = widen(short.test_a_changed_picture_is_near_again, "count", [10])
