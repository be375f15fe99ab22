"""Some fragments of a film make a film of their own."""

from __future__ import annotations

import io

import pytest

from guardrails.media.fragments.fragment import shorten_film
from guardrails.media.video import film_source
from guardrails.media.video.film_source import FrameSample, WatchAccount
from tests.media.fragments.test_cutter import FILMS, cut


def watched(data: bytes) -> tuple[list[FrameSample], WatchAccount]:
    """Watch a film."""
    with film_source.open_film(data) as opened, opened.watch() as watch:
        samples = [*watch]
        return samples, watch.seen


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("name", ["mp4, sound", "ts, sound"])
def test_some_fragments_are_a_film_of_their_own(name: str, closed: bool) -> None:
    """With the pictures that they have, undamaged and whole, as if it began with them."""
    data = FILMS[name]
    cutter, found = cut(data)
    anew = [at for at, each in enumerate(found) if each.random_ms is not None]
    some = found[anew[1] : anew[3]]

    made = b"".join(shorten_film(io.BytesIO(data), cutter.head, some, closed=closed))
    samples, seen = watched(made)

    assert seen.whole
    assert seen.decoded == sum(each.frames for each in some) == 20
    assert seen.seconds == pytest.approx(2.0, abs=0.05)
    assert samples[0].start_ms < 50  # sound may begin a little before
    with film_source.open_film(made) as opened:
        for track in (each for each in opened.tracks if each.kind == "audio"):
            with opened.sound(track=track.index) as sound:
                heard = sum(len(piece) for _, piece in sound)
                assert (sound.stopped, sound.corrupt) == (None, 0)
            assert 20_000 < heard < 40_000  # two seconds at 16 kHz, or as much as is whole of them


def test_a_file_that_is_shorter_than_its_fragments_is_an_error() -> None:
    """It is not taken for the film."""
    cutter, found = cut(FILMS["mp4"])
    with pytest.raises(EOFError):
        [*shorten_film(io.BytesIO(FILMS["mp4"][:2_000]), cutter.head, found, closed=True)]
