"""Sounds of the wrapped client: each way to have one, whatever is said in it."""

from __future__ import annotations

from tests.cases import widen
from tests.wrapping.apis import test_openai_audio as short
from tests.wrapping.apis.test_openai_audio import hears, silence, voice

__all__ = ["hears", "silence", "voice"]

pytestmark = short.pytestmark
FORMS = ("wav", "pcm")
TO = ("transcriptions", "translations")

test_what_is_said_in_a_sound_is_judged_before_it_is_had = widen(
    widen(short.test_what_is_said_in_a_sound_is_judged_before_it_is_had, "form", FORMS),
    ("said", "action", "way"),
    short.SAID,
)
test_a_streamed_sound_is_held_until_it_was_judged = widen(
    widen(short.test_a_streamed_sound_is_held_until_it_was_judged, "form", FORMS),
    ("said", "passes", "way"),
    short.HELD,
)
test_what_was_heard_is_judged_in_every_form = widen(
    short.test_what_was_heard_is_judged_in_every_form, "to", TO
)
test_what_is_said_in_a_sound_is_judged_before_it_is_sent = widen(
    short.test_what_is_said_in_a_sound_is_judged_before_it_is_sent, "to", TO
)
