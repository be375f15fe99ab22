"""Films of the wrapped client: each way to have one."""

from __future__ import annotations

from tests.cases import widen
from tests.wrapping.apis import test_openai_videos as short
from tests.wrapping.apis.test_openai_videos import plain

__all__ = ["plain"]

pytestmark = short.pytestmark

test_a_film_is_given_out_once_it_was_judged = widen(
    short.test_a_film_is_given_out_once_it_was_judged, "way", short.WAYS
)
test_what_was_redacted_is_said_to_be_what_it_is = widen(
    short.test_what_was_redacted_is_said_to_be_what_it_is, "way", short.WAYS
)
