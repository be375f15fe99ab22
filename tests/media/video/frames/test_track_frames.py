"""One track: when its frames are shown, what is missing between them, and at its end."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from guardrails.media.video.film_parts import Sampling
from guardrails.media.video.frames.track_frames import TrackWatch
from tests.cases import each_case


def track(**more: Any) -> Any:
    """Return what an eye reads of a track: 25 frames a second, in milliseconds."""
    said: dict[str, Any] = {
        "index": 3,
        "time_base": Fraction(1, 1_000),
        "average_rate": Fraction(25),
        "sample_aspect_ratio": None,
        "duration": None,
        "frames": 0,
        "metadata": {},
        "container": SimpleNamespace(streams=[1], duration=None),
    }
    return SimpleNamespace(**{**said, **more})


def looked(
    times: list[int | None], sampling: Sampling | None = None, **more: Any
) -> tuple[TrackWatch, list[dict[str, Any]]]:
    """Let an eye look at frames at some milliseconds, each of another brightness."""
    sent: list[dict[str, Any]] = []
    eye = TrackWatch(track(**more), sampling or Sampling(), 1.0, lambda head, _: sent.append(head))
    for number, time in enumerate(times):
        frame = av.VideoFrame.from_ndarray(np.full((36, 64, 3), 40 * (number % 5), np.uint8), "rgb24")
        frame.pts, frame.time_base = time, Fraction(1, 1_000)
        eye.feed(frame)
    eye.close(last=True)
    return eye, sent


def test_times_are_those_since_the_film_begins() -> None:
    """Each frame is shown until the next one; the last for as long as frames are."""
    eye, sent = looked([1_000, 1_040, 1_100])
    assert [(head["start"], head["end"]) for head in sent] == [(0, 40), (40, 100), (100, 140)]
    assert {head["track"] for head in sent} == {3}
    assert (eye.decoded, eye.seconds) == (3, pytest.approx(0.14))


def test_a_frame_without_a_time_comes_after_the_one_before() -> None:
    """As players show it."""
    _, sent = looked([1_000, None, None])
    assert [head["start"] for head in sent] == [0, 40, 80]


def test_a_time_before_the_beginning_is_the_beginning() -> None:
    """Nobody sees what is before it, and it is looked at."""
    _, sent = looked([500, 1_000])
    assert [head["start"] for head in sent] == [0, 0]


@each_case(
    ("times", "gap"),
    [([1_000, 1_040, 1_080], 0.0), ([1_000, 1_055], 0.0), ([1_000, 3_040], 2.0), ([1_000, 900, 1_040], 0.0)],
)
def test_a_gap_is_time_without_a_frame(times: list[int | None], gap: float) -> None:
    """More than the clocks of containers are rounded by."""
    eye, _ = looked(times)
    assert eye.gap == pytest.approx(gap)


@each_case(
    ("more", "short"),
    [
        ({}, 0.0),
        ({"duration": 5_000}, 4.92),
        ({"duration": 80}, 0.0),
        ({"duration": 80, "frames": 50}, 1.92),
        ({"metadata": {"DURATION": "00:01:01.080000000"}}, 60.0),
        ({"metadata": {"DURATION": "soon"}}, 0.0),
        ({"container": SimpleNamespace(streams=[1], duration=4_080_000)}, 3.0),
        ({"container": SimpleNamespace(streams=[1, 2], duration=4_080_000)}, 0.0),
    ],
)
def test_what_is_missing_at_the_end_is_known_where_the_file_says_how_long_it_is(
    more: dict[str, Any], short: float
) -> None:
    """By the track, by its frames, by a text, or by the container if there is nothing else in it."""
    eye, _ = looked([1_000, 1_040], **more)
    assert eye.short() == pytest.approx(short)


def test_an_eye_that_saw_nothing_misses_nothing() -> None:
    """That no frame was decoded is told otherwise."""
    eye, sent = looked([], duration=5_000)
    assert (eye.short(), eye.seconds, sent) == (0.0, 0.0, [])


def test_a_clip_has_each_frame_that_is_shown_in_it() -> None:
    """From the one that is shown when it begins; numbers are reckoned by the rate."""
    eye, sent = looked([*range(1_000, 2_000, 40)], Sampling(clip=(100, 200)))
    assert [(head["index"], head["start"], head["why"]) for head in sent] == [
        (2, 80, "dense"),
        (3, 120, "dense"),
        (4, 160, "dense"),
    ]
    assert eye.decoded == 3


@each_case(("start", "missed"), [(1_000, False), (1_040, False), (1_400, True)])
def test_a_seek_that_went_too_far_is_noticed(start: int, missed: bool) -> None:
    """By the first frame behind it."""
    eye, _ = looked([], Sampling(clip=(20, 200)))
    frame = av.VideoFrame(64, 36, "yuv420p")
    frame.pts, frame.time_base = start, Fraction(1, 1_000)
    assert eye.has_missed(frame) is missed
