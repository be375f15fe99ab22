"""The parts of a film: what is whole, and what is not."""

from __future__ import annotations

from dataclasses import replace

from guardrails.media.video.film_parts import Sampling, VideoLimits, WatchAccount
from tests.cases import each_case


def test_limits_are_those_that_were_measured() -> None:
    """Ten minutes of 1080p at 60 frames a second, in 200 megabytes."""
    limits = VideoLimits()
    assert (limits.bytes, limits.seconds, limits.pixels) == (200_000_000, 600.0, 4096 * 2304)
    assert limits.frames == limits.seconds * limits.frame_rate
    assert Sampling().budget >= limits.seconds * Sampling().fps


def test_a_film_is_whole_if_all_of_it_was_looked_at() -> None:
    """What is missing, damaged or past a limit makes it less; what players hide and was looked at does not."""
    seen = WatchAccount(frames_total=10, decoded=10, done=True)
    assert seen.whole
    assert replace(seen, hidden=3, unread=9_000).whole


@each_case("less", [{"done": False}, {"stopped": "budget"}, {"corrupt": 1}, {"lost": 1}])
def test_a_film_of_which_less_was_seen_is_not_whole(less: dict[str, object]) -> None:
    """Each of them alone."""
    assert not replace(WatchAccount(decoded=10, done=True), **less).whole  # type: ignore[arg-type]
