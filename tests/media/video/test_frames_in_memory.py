"""Frames in memory, as a film."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from guardrails.media.errors import MediaError
from guardrails.media.limits import PictureLimits
from guardrails.media.rewrite.recode import FilmEdit
from guardrails.media.video.film_source import Film, Sampling, VideoLimits, open_film
from guardrails.media.video.frames_in_memory import FramesFilm
from tests.cases import each_case
from tests.films import film, green, plain, scene

MIXED = [*chain(scene(30), green(1), scene(29, 2))]


def looked(footage: Film, sampling: Sampling | None = None) -> list[tuple[int, int, str, int]]:
    """Return when each sample is shown, why it was handed out, and its shot."""
    with footage.watch(sampling) as watch:
        return [(each.start_ms, each.end_ms, each.why, each.shot) for each in watch]


def test_frames_are_watched_as_a_film_s_are() -> None:
    """The same samples as of a file with these frames: the first, the last, cuts, the single odd one; dense in a clip."""
    frames = [*chain(plain(30, 60), green(1), plain(29, 180))]  # no codec makes more of these
    footage = FramesFilm(frames, 30)
    assert isinstance(footage, Film)
    assert (footage.width, footage.height, footage.seconds) == (160, 120, 2.0)
    with open_film(film(frames)) as file:
        for sampling in (None, Sampling(fps=5), Sampling(clip=(500, 700))):
            assert [each[:3] for each in looked(footage, sampling)] == [
                each[:3] for each in looked(file, sampling)
            ]
        assert looked(footage) == looked(file)
        with footage.watch() as ours, file.watch() as theirs:
            assert len([*ours]) == len([*theirs]) == 4
            for name in ("decoded", "sampled", "cuts", "seconds", "stopped", "done", "lost", "corrupt"):
                assert getattr(ours.seen, name) == getattr(theirs.seen, name), name
    footage.close()
    assert looked(footage)  # it holds no file


@each_case(
    ("limits", "sampling", "stopped", "count"),
    [
        (VideoLimits(frames=10), Sampling(), "frames", 10),
        (VideoLimits(seconds=1.0), Sampling(), "seconds", 31),
        (VideoLimits(), Sampling(budget=2), "budget", None),
    ],
)
def test_a_limit_ends_a_watch(
    limits: VideoLimits, sampling: Sampling, stopped: str, count: int | None
) -> None:
    """And is named; what was looked at before counts."""
    with FramesFilm(MIXED, 30, limits).watch(sampling) as watch:
        samples = [*watch]
        assert watch.seen.stopped == stopped
        assert count is None or watch.seen.decoded == count
        assert len(samples) <= sampling.budget


def test_what_is_seen_is_as_large_as_is_asked_for() -> None:
    """Never larger than the frame, which boxes refer to."""
    for side, shape in ((80, (60, 80, 3)), (1_000, (120, 160, 3))):
        with FramesFilm(MIXED[:2], 8).watch(Sampling(side=side)) as watch:
            assert next(watch).pixels.shape == shape


def test_what_is_transparent_is_looked_at_whenever_it_is() -> None:
    """In all ways in which it may be seen, as one of them does not tell of the others."""
    frames = [Image.new("RGBA", (64, 48), (255, 255, 255, 255)) for _ in range(6)]
    frames[3].paste((255, 255, 255, 0), (0, 0, 32, 48))
    with FramesFilm(frames, 8).watch() as watch:
        seen = {each.index: len(each.views) for each in watch}
    assert seen[3] == 2


@each_case(
    "frames",
    [
        lambda: [],
        lambda: [np.full((4, 4, 3), np.nan)],
        lambda: [np.zeros((8, 8, 3), np.uint8), np.zeros((9, 8, 3), np.uint8)],
        lambda: [np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), np.nan)],
    ],
    ids=["none", "no numbers", "sizes", "later"],
)
def test_what_is_no_frame_is_named(frames: Callable[[], list[Any]]) -> None:
    """At once or when it is its turn; nothing is passed over."""
    with pytest.raises(MediaError):
        looked(FramesFilm(frames(), 8))


def test_what_moves_is_no_frame(tmp_path: Any) -> None:
    """What it shows later would be seen by nobody."""
    path = tmp_path / "a.gif"
    first, *rest = (Image.fromarray(pixels) for pixels in (*plain(1, 9), *plain(1, 200)))
    first.save(path, save_all=True, append_images=rest)
    with Image.open(path) as moving, pytest.raises(MediaError, match="moves"):
        looked(FramesFilm([moving], 8))


@each_case("fps", [0, -1, 1_001, float("nan")])
def test_a_rate_is_a_number_of_frames(fps: float) -> None:
    """Above nothing."""
    with pytest.raises(ValueError, match="fps"):
        FramesFilm(MIXED, fps)


@each_case(
    "shape",
    [lambda pixels: pixels, lambda pixels: (pixels / 255).astype(np.float32), Image.fromarray],
    ids=["array", "floats", "pillow"],
)
@each_case("how", ["solid", "cut", "pixelate"])
def test_a_stretch_is_covered_in_each_of_its_frames(shape: Callable[[Any], Any], how: Any) -> None:
    """In the same kind, with the margins of films; all others are the same objects."""
    frames = [shape(pixels) for pixels in chain(scene(24), green(8), scene(24, 2))]
    boxes = () if how == "cut" else ((50, 30, 60, 60),)
    made = (
        FramesFilm(frames, 8)
        .apply_edits([FilmEdit((3_000, 4_000), how, boxes), FilmEdit((0, 500), "mute")])
        .frames
    )
    changed = [at for at, (new, old) in enumerate(zip(made, frames, strict=True)) if new is not old]
    assert changed == [*range(20, 36)]
    assert {type(each) for each in made} == {type(each) for each in frames}
    assert np.asarray(made[25]).dtype == np.asarray(frames[25]).dtype
    inside = np.asarray(made[25])[35:85, 55:105]
    assert inside.any() == (how == "pixelate")
    assert (np.asarray(made[25])[:5] == 0).all() == (how == "cut")


@given(
    count=st.integers(1, 40),
    fps=st.floats(0.5, 60),
    start=st.integers(0, 5_000),
    length=st.integers(0, 3_000),
)
def test_no_frame_of_a_stretch_is_left(count: int, fps: float, start: int, length: int) -> None:
    """Whatever the rate: each frame that is shown at any time of it is covered."""
    frames = [np.full((16, 16, 3), 200, np.uint8)] * count
    footage = FramesFilm(frames, fps, None, PictureLimits())
    made = footage.apply_edits([FilmEdit((start, start + length), "solid")]).frames
    for number, new in enumerate(made):
        if footage.when(number) < start + max(1, length) and footage.when(number + 1) > start:
            assert not new.any()


def test_stills_are_the_frames_at_some_times() -> None:
    """As of a film from a file."""
    with FramesFilm(MIXED[:8], 8) as film:
        assert [each.start_ms for each in film.stills([0, 130, 990, 5_000], 64)] == [0, 125, 875]
