"""Films: real files of every codec and container, and every way in which somebody may try to get past."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails.media.errors import MediaError
from guardrails.media.video.film_source import (
    Film,
    FrameSample,
    Sampling,
    VideoLimits,
    WatchAccount,
    open_film,
)
from tests.cases import each_case

Reel = Callable[..., bytes]
Scene = Callable[..., Any]

FORMATS = [
    ("mp4", "libx264"),
    ("mov", "libx264"),
    ("matroska", "libx264"),
    ("mpegts", "libx264"),
    ("webm", "libvpx-vp9"),
    ("mp4", "libvpx-vp9"),
    ("avi", "mpeg4"),
    ("mp4", "mpeg4"),
    ("mp4", "libx265"),
]


def watched(
    data: bytes, sampling: Sampling | None = None, limits: VideoLimits | None = None
) -> tuple[list[FrameSample], WatchAccount]:
    """Watch a film to its end."""
    with open_film(data, limits) as film, film.watch(sampling) as watch:
        samples = [*watch]
        return samples, watch.seen


def odd(frame: Any, at: int, number: int) -> Any:
    """Return a frame, or a bright one in its place."""
    return np.full_like(frame, 230) if number == at else frame


def code_of(source: Any, limits: VideoLimits | None = None, declared: str | None = None) -> str:
    """Return the code of the error with which a film is not opened."""
    with pytest.raises(MediaError) as caught:
        open_film(source, limits, declared)
    return caught.value.code


@pytest.mark.parametrize(("container", "codec"), FORMATS[:3])
def test_every_format_is_watched_to_its_end(container: str, codec: str, reel: Reel, scene_of: Scene) -> None:
    """First and last frame, one a second between, and the odd one; nothing is missing."""
    frame = scene_of()
    data = reel((odd(frame(number), 47, number) for number in range(75)), container, codec)
    with open_film(data) as film:
        assert film.format == container
        assert (film.width, film.height) == (128, 72)
        assert film.seconds == pytest.approx(2.5, abs=0.1)
        assert film.frame_rate == pytest.approx(30, abs=0.5)
        assert [(track.kind, track.read) for track in film.tracks] == [("video", True)]
        with film.watch() as watch:
            samples = [*watch]
            seen = watch.seen
    assert [(sample.index, sample.why) for sample in samples] == [
        *((0, "first"), (30, "rate"), (47, "cut"), (48, "cut"), (74, "last"))
    ]
    assert [sample.start_ms for sample in samples] == pytest.approx([0, 1000, 1567, 1600, 2467], abs=2)
    assert [sample.pixels.mean() > 200 for sample in samples] == [False, False, True, False, False]
    assert (seen.decoded, seen.corrupt, seen.lost, seen.cuts, seen.stopped) == (75, 0, 0, 2, None)
    assert seen.whole
    assert seen.largest_gap_ms < 40


def test_one_odd_frame_in_a_minute_is_found(reel: Reel, scene_of: Scene) -> None:
    """A film of 1,800 frames with one that does not belong there; base rate alone has one chance in thirty."""
    frame = scene_of()
    samples, seen = watched(reel(odd(frame(number), 1_003, number) for number in range(1_800)))
    assert [sample.index for sample in samples if sample.pixels.mean() > 200] == [1_003]
    assert [sample.why for sample in samples if sample.index == 1_003] == ["cut"]
    assert seen.decoded == seen.frames_total == 1_800
    assert seen.sampled == len(samples) < 75


def test_a_still_film_is_looked_at_a_few_times(reel: Reel, scene_of: Scene) -> None:
    """It is compared all the while, and looked at again after half a minute."""
    still = scene_of()(0)
    samples, seen = watched(reel((still for _ in range(400)), fps=10))
    assert [(sample.index, sample.why) for sample in samples] == [(0, "first"), (300, "rate"), (399, "last")]
    assert (seen.decoded, seen.largest_gap_ms) == (400, 0)


def test_a_strobe_ends_by_its_budget(reel: Reel, scene_of: Scene) -> None:
    """Each frame is a cut: what was not looked at any more is said."""
    frames = [
        scene_of(seed=number)(0) if number % 2 else np.full((72, 128, 3), 250, np.uint8)
        for number in range(60)
    ]
    samples, seen = watched(reel(frames), Sampling(budget=20))
    assert (len(samples), seen.sampled, seen.stopped, seen.done, seen.whole) == (
        20,
        20,
        "budget",
        True,
        False,
    )
    assert seen.decoded < 60


def test_a_clip_is_handed_out_frame_by_frame(calm: bytes) -> None:
    """From the key frame before, and nothing of what lies around it."""
    samples, seen = watched(calm, Sampling(clip=(1_000, 1_200)))
    assert [sample.start_ms for sample in samples] == pytest.approx(
        [1_000, 1_033, 1_067, 1_100, 1_133, 1_167], abs=1
    )
    assert [sample.index for sample in samples] == [30, 31, 32, 33, 34, 35]
    assert {sample.why for sample in samples} == {"dense"}
    assert (seen.decoded, seen.stopped) == (6, None)


@each_case("container", ["mpegts", "matroska", "avi"])
def test_a_clip_is_found_in_what_has_no_index(container: str, reel: Reel, scene_of: Scene) -> None:
    """Where a seek goes too far, the film is gone through from its beginning."""
    data = reel(map(scene_of(), range(150)), container, "mpeg4" if container == "avi" else "libx264", mux={})
    samples, _ = watched(data, Sampling(clip=(3_000, 3_100)))
    assert [sample.start_ms for sample in samples] == pytest.approx([3_000, 3_033, 3_067], abs=2)


def test_a_source_may_be_a_path_or_an_open_file(calm: bytes, tmp_path: Path) -> None:
    """Each gives the same digest; what is open is kept up to the limit."""
    path = tmp_path / "a.mp4"
    path.write_bytes(calm)
    for source in (calm, path, str(path), io.BytesIO(calm)):
        with open_film(source) as film:
            assert film.size == len(calm)
            assert len(film.sha256) == 64
    few = VideoLimits(bytes=len(calm) - 1)
    assert {code_of(source, few) for source in (calm, path, io.BytesIO(calm))} == {"too_many_bytes"}


def test_what_a_film_is_declared_to_be_has_to_agree(calm: bytes, tmp_path: Path) -> None:
    """Media types and suffixes of one kind of container are as good as each other."""
    for declared in ("video/mp4", ".mov", "video/quicktime; codecs=avc1", "application/octet-stream"):
        open_film(calm, declared=declared).close()
    assert code_of(calm, declared="video/webm") == "mistyped"
    assert code_of(calm, declared="image/png") == "mistyped"
    path = tmp_path / "a.mkv"
    path.write_bytes(calm)
    assert code_of(path) == "mistyped"


@each_case(
    ("data", "code"),
    [
        (b"", "empty"),
        (bytes(range(256)) * 40, "unsupported_type"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "unsupported_type"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nfile:///etc/passwd\n", "unsupported_type"),
        (b"GIF89a" + bytes(100), "mistyped"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp41" + b"\x5a" * 4_000, "undecodable"),
        (b"\x1aE\xdf\xa3" + b"\x5a" * 4_000, "undecodable"),
        (b"G" + b"\xff" * 187 + b"G" + b"\xff" * 187, "undecodable"),
        (b"RIFF\xff\xff\0\0AVI " + b"\x5a" * 4_000, "undecodable"),
    ],
)
def test_what_is_no_film_is_refused_by_name(data: bytes, code: str) -> None:
    """Lists of addresses, pictures, noise, and noise behind the first bytes of a film."""
    found = code_of(data)
    assert found == code or (code == "undecodable" and found == "no_video")


def test_what_breaks_off_before_its_index_is_refused(calm: bytes) -> None:
    """The index of a plain MP4 stands at its end."""
    assert code_of(calm[: len(calm) // 2]) == "undecodable"


def test_a_film_over_a_limit_is_not_opened(reel: Reel, scene_of: Scene) -> None:
    """By what its header says, before a frame is decoded."""
    data = reel(map(scene_of(), range(3)))
    assert code_of(data, VideoLimits(pixels=128 * 72 - 1)) == "too_many_pixels"
    assert code_of(data, VideoLimits(frame_rate=24)) == "too_many_frames"
    assert code_of(data, VideoLimits(tracks=0)) == "too_many_tracks"


def test_twelve_thousand_pixels_square_are_refused(reel: Reel) -> None:
    """A file of some kilobytes that would take a gigabyte to decode."""
    data = reel([np.zeros((96, 96, 3), np.uint8)], "avi", "rawvideo")
    small, large = (size.to_bytes(4, "little") * 2 for size in (96, 12_000))
    assert data.count(small) >= 1
    assert code_of(data.replace(small, large)) == "too_many_pixels"


@each_case(("limits", "stopped"), [(VideoLimits(seconds=1), "seconds"), (VideoLimits(frames=40), "frames")])
def test_a_limit_ends_a_watch_and_is_named(calm: bytes, limits: VideoLimits, stopped: str) -> None:
    """What was seen up to there is handed out."""
    samples, seen = watched(calm, limits=limits)
    assert samples[0].why == "first"
    assert (seen.stopped, seen.done, seen.whole) == (stopped, True, False)
    assert 25 < seen.decoded <= 40


def test_a_film_is_closed_with_what_watches_it(calm: bytes) -> None:
    """Who leaves early gets what was seen so far, and its end by name."""
    with open_film(calm) as film, film.watch() as watch:
        next(watch)
    assert (watch.seen.stopped, watch.seen.sampled) == ("closed", 1)
    assert [*watch] == []
    assert isinstance(film, Film)


def test_a_file_that_changes_is_not_watched(calm: bytes, tmp_path: Path) -> None:
    """What was opened, hashed and judged is one file."""
    path = tmp_path / "a.mp4"
    path.write_bytes(calm)
    with open_film(path) as film:
        path.write_bytes(calm + b"more")
        with pytest.raises(MediaError, match="changed"):
            film.watch()


def test_texts_of_a_container_are_told(reel: Reel, scene_of: Scene) -> None:
    """Titles and comments go through the rules for texts."""
    data = reel(map(scene_of(), range(3)), metadata={"title": "zqxbomb", "comment": "a b"})
    with open_film(data) as film:
        assert {("title", "zqxbomb"), ("comment", "a b")} <= {*film.metadata}
    many = reel(map(scene_of(), range(3)), "matroska", metadata={f"n{number}": "a" for number in range(600)})
    assert code_of(many) == "too_many_bytes"


def test_stills_are_the_frames_that_are_shown_at_some_times(reel: Reel, scene_of: Scene) -> None:
    """In order, of any film; where there is none, none."""
    data = reel(map(scene_of(), range(90)))
    with open_film(data) as film:
        stills = [*film.stills([0, 40, 1_010, 2_990, 9_000], 64)]
        assert [each.start_ms for each in stills] == pytest.approx([0, 33, 1_000, 2_967], abs=1)
        assert {max(each.pixels.shape) for each in stills} == {64}
        assert [*film.stills([], 64)] == []
