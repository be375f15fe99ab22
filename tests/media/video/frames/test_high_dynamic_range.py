"""Films of high range: what is stored by their curves is seen as an ordinary screen shows it, and as it is stored."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import av
import numpy as np

from guardrails import Guard
from guardrails.media.video.film_source import open_film
from guardrails.media.video.frames.high_dynamic_range import (
    HLG,
    PQ,
    WIDE,
    curve_lights,
    display_curve,
    tone_map,
)
from tests.cases import each_case
from tests.films import SQUARE, green

GREEN = """
detectors:
  green: {use: green_square}
rules:
  - {id: green, on: output, when: custom.green_square > 0.5, then: block}
"""


def stored(pixels: Any, curve: int) -> Any:
    """Return pixels of an ordinary screen as a film of high range stores them, with white as paper has it."""
    part = np.asarray(pixels, float) / 255
    light = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4) * 203
    if curve == PQ:
        power = (light / 10_000) ** 0.1593017578125
        made = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    else:
        scene = (light / 1_000) ** (1 / 1.2)
        bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        made = np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)
    return np.rint(255 * made).astype(np.uint8)


def frame_of(pixels: Any, curve: int, primaries: int = 1) -> Any:
    """Return a frame of a curve."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
    frame.color_trc, frame.color_primaries = curve, primaries
    return frame


@each_case("curve", [PQ, HLG])
def test_what_is_no_brighter_than_paper_looks_as_on_an_ordinary_screen(curve: int) -> None:
    """To the steps that eight bits leave; what is brighter is still told apart a little, and none is lost."""
    grey = np.arange(0, 210, 3, dtype=np.uint8)[:, None, None].repeat(3, 2)
    pixels = stored(grey, curve)
    made = tone_map(pixels, frame_of(pixels, curve))
    assert made is not None
    assert np.abs(made.astype(int) - grey).max() <= 8
    rising = np.diff(curve_lights(curve))
    assert (rising >= 0).all()
    assert display_curve()[-1] == 255


@each_case("curve", [1, 2, 6, 13])
def test_frames_of_ordinary_screens_stay_as_they_are(curve: int) -> None:
    """Whatever colours they say that they have."""
    pixels = np.zeros((4, 4, 3), np.uint8)
    assert tone_map(pixels, frame_of(pixels, curve, WIDE)) is None


def test_wide_colours_are_as_far_as_they_can_be_shown() -> None:
    """Grey stays grey, and what is greener than a screen can show is its green."""
    grey, pure = np.full((1, 1, 3), 100, np.uint8), np.array([[[0, 140, 0]]], np.uint8)
    made = tone_map(stored(grey, PQ), frame_of(grey, PQ, WIDE))
    assert made is not None
    assert np.ptp(made.astype(int)) <= 2
    found = tone_map(pure, frame_of(pure, PQ, WIDE))
    assert found is not None
    assert (found[0, 0] > (0, 150, 0)).tolist() == [False, True, False]


def tagged(curve: int, frames: Any, reel: Callable[..., bytes]) -> bytes:
    """Return a film that says that it has a curve."""

    def tag(stream: Any) -> None:
        stream.codec_context.color_trc = curve

    return reel(frames, stream=tag)


@each_case("curve", [PQ, HLG])
def test_a_film_of_high_range_is_seen_in_both_ways(
    curve: int, reel: Callable[..., bytes], guard_of: Callable[..., Guard]
) -> None:
    """What is in it is found, also where it is stored for an ordinary screen, and the film only says that it is not."""
    guard = guard_of(GREEN)
    for data in (
        tagged(curve, [stored(pixels, curve) for pixels in green(10)], reel),
        tagged(curve, green(10), reel),
    ):
        with av.open(io.BytesIO(data)) as container:
            assert next(container.decode(video=0)).color_trc == curve
        with open_film(data) as film, film.watch() as watch:
            assert {len(sample.views) for sample in watch} == {2}
        verdict = guard.check(data, "output")
        assert verdict.blocked
        assert verdict.findings[0].box is not None
        assert np.abs(np.array(verdict.findings[0].box) - np.array(SQUARE)).max() <= 6
