"""Limits: what a picture may cost where nobody says."""

from __future__ import annotations

from guardrails.media.limits import FORMATS, PictureLimits


def test_what_holds_where_nothing_is_said() -> None:
    """A photo of any phone is within the limits, and a bomb is not."""
    limits = PictureLimits()
    assert 24_000_000 < limits.pixels < 12_000 * 12_000
    assert limits.frames * 2_000 * 2_000 > limits.total_pixels
    assert (limits.formats, limits.trailing) == (FORMATS, "refuse")
