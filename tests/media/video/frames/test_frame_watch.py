"""Watching: damage, tricks of containers, odd tracks and odd times; what is not looked at is always said."""

from __future__ import annotations

import gc
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from guardrails.media.errors import MediaError
from guardrails.media.video.film_opening import DescriptorFile
from guardrails.media.video.film_source import FrameSample, Sampling, VideoLimits, WatchAccount, open_film
from guardrails.media.video.frames.frame_watch import FrameWatch
from tests.cases import each_case

Reel = Callable[..., bytes]
Scene = Callable[..., Any]


def watched(
    data: bytes, sampling: Sampling | None = None, limits: VideoLimits | None = None
) -> tuple[list[FrameSample], WatchAccount]:
    """Watch a film to its end."""
    with open_film(data, limits) as film, film.watch(sampling) as watch:
        return [*watch], watch.seen


def shown(samples: Sequence[FrameSample]) -> list[tuple[int, str]]:
    """Return which frames were handed out, and why."""
    return [(sample.index, sample.why) for sample in samples]


def damaged(data: bytes, at: float = 0.5, size: int = 2_000) -> bytes:
    """Return a file with so many bytes turned over."""
    start = int(len(data) * at)
    return data[:start] + bytes(byte ^ 0xA5 for byte in data[start : start + size]) + data[start + size :]


def noisy(count: int) -> Iterator[Any]:
    """Yield frames that take some bytes each."""
    numbers = np.random.default_rng(0)
    still = numbers.integers(60, 190, (144, 256, 3), dtype=np.uint8)
    for _ in range(count):
        yield still + numbers.integers(0, 12, still.shape, dtype=np.uint8)


def mixed(tracks: Sequence[tuple[str, str, Sequence[Any]]], container: str = "matroska") -> bytes:
    """Return a film of several tracks: codec, format of pixels, frames."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=container) as film:
        made = []
        for codec, pixels, frames in tracks:
            track: Any = film.add_stream(codec, rate=30)
            track.height, track.width = frames[0].shape[:2]
            track.pix_fmt = pixels
            made.append(track)
        for track, (_, _, frames) in zip(made, tracks, strict=True):
            for picture in frames:
                film.mux(track.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            film.mux(track.encode(None))
    return out.getvalue()


DAMAGED = [
    ("mp4", "libx264"),
    ("mp4", "libx265"),
    ("mpegts", "libx264"),
    ("matroska", "libx264"),
    ("webm", "libvpx-vp9"),
    ("avi", "mpeg4"),
]


@pytest.mark.parametrize(("container", "codec"), DAMAGED[:1])
def test_a_damaged_middle_shows(container: str, codec: str, reel: Reel) -> None:
    """Whether the decoder says so, conceals it, or the reader leaves a part out."""
    key = {"x265-params": "log-level=none:pools=1:keyint=10:crf=30"}
    data = reel(noisy(90), container, codec, options=key if codec == "libx265" else {})
    data = damaged(
        data, size=20_000 if codec == "libx265" else 2_000
    )  # within a packet, HEVC decodes it as it stands
    samples, seen = watched(data)
    assert samples[0].why == "first"
    assert not seen.whole
    assert seen.corrupt or seen.lost or seen.largest_gap_ms > 60


@each_case(("container", "codec"), [("mpegts", "libx264"), ("matroska", "libx264"), ("avi", "mpeg4")])
def test_what_breaks_off_is_watched_up_to_there(
    container: str, codec: str, reel: Reel, scene_of: Scene
) -> None:
    """What the file says that it has is compared with what is there, where it says so."""
    data = reel(map(scene_of(), range(150)), container, codec)
    samples, seen = watched(data[: len(data) * 2 // 3])
    assert 30 < seen.decoded < 140
    assert samples[-1].why in ("last", "rate")
    if container != "mpegts":  # which says nothing
        assert (seen.stopped, seen.largest_gap_ms > 1_000) == ("truncated", True)


def test_frames_that_change_size_are_all_looked_at(reel: Reel, scene_of: Scene) -> None:
    """Each at its own."""
    data = reel(map(scene_of(), range(30)), "mpegts") + reel(map(scene_of(64, 96), range(30)), "mpegts")
    samples, seen = watched(data)
    assert seen.decoded == 60
    assert {sample.pixels.shape for sample in samples} == {(72, 128, 3), (96, 64, 3)}
    assert [sample.why for sample in samples][:2] == ["first", "cut"]


def test_a_frame_that_grows_over_the_limit_ends_the_watch(reel: Reel, scene_of: Scene) -> None:
    """A header can only say how the first one is."""
    data = reel(map(scene_of(), range(30)), "mpegts") + reel(map(scene_of(192, 160), range(30)), "mpegts")
    _, seen = watched(data, limits=VideoLimits(pixels=128 * 80))
    assert seen.stopped == "pixels"


def test_times_that_vary_are_kept(reel: Reel, scene_of: Scene) -> None:
    """A frame is shown until the next one, however long."""
    times = [0, 40, 80, 1_500, 1_540, 4_000]
    frames = [scene_of(seed=number)(0) for number in range(6)]
    samples, _ = watched(reel(frames, "matroska", times=times, options={"bf": "0"}))
    assert [sample.start_ms for sample in samples] == times
    assert [sample.end_ms for sample in samples[:-1]] == times[1:]


def test_a_hole_in_time_is_the_largest_gap(reel: Reel, scene_of: Scene) -> None:
    """Where no frame is, nothing was looked at, even if the container thinks nothing of it."""
    times = [number * 33 + (2_000 if number > 20 else 0) for number in range(40)]
    _, seen = watched(reel(map(scene_of(), range(40)), "mpegts", times=times))
    assert seen.largest_gap_ms == pytest.approx(2_000, abs=80)


@each_case(("turn", "place"), [(0, (8, 8)), (90, (8, 63)), (180, (63, 119)), (270, (119, 8))])
def test_a_turned_film_is_looked_at_upright(turn: int, place: tuple[int, int], reel: Reel) -> None:
    """A mark in the corner at the top left goes where a player shows it."""
    frame = np.full((72, 128, 3), 60, np.uint8)
    frame[:16, :16] = 240
    data = reel([frame] * 3, stream=lambda track: track.set_display_rotation(-turn))
    with open_film(data) as film, film.watch() as watch:
        sample = next(watch)
        assert film.rotation == turn
        assert (film.width, film.height) == ((72, 128) if turn % 180 else (128, 72))
    assert sample.pixels.shape[:2] == (film.height, film.width)
    assert sample.pixels[place].mean() > 200
    assert (sample.pixels.mean(axis=2) > 200).mean() == pytest.approx(16 * 16 / (72 * 128), abs=0.01)


@each_case(("flips", "place"), [({"hflip": True}, (8, 119)), ({"vflip": True}, (63, 8))])
def test_a_mirrored_film_is_looked_at_as_it_is_shown(
    flips: dict[str, bool], place: tuple[int, int], reel: Reel
) -> None:
    """What is written in it would not be read otherwise."""
    frame = np.full((72, 128, 3), 60, np.uint8)
    frame[:16, :16] = 240
    samples, _ = watched(reel([frame] * 3, stream=lambda track: track.set_display_rotation(0, **flips)))
    assert samples[0].pixels.shape == (72, 128, 3)
    assert samples[0].pixels[place].mean() > 200


def test_pixels_that_are_not_square_are_made_so(reel: Reel, scene_of: Scene) -> None:
    """What is looked at is as wide as it is shown, and no larger than asked for."""

    def wide(track: Any) -> None:
        track.codec_context.sample_aspect_ratio = Fraction(2, 1)

    data = reel(map(scene_of(), range(3)), stream=wide)
    with open_film(data) as film:
        assert (film.width, film.height) == (256, 72)
        for side, shape in ((512, (72, 256, 3)), (64, (18, 64, 3))):
            with film.watch(Sampling(side=side)) as watch:
                assert next(watch).pixels.shape == shape


def test_frames_that_avi_leaves_out_are_not_lost(reel: Reel, scene_of: Scene) -> None:
    """A camera that was too slow writes empty ones, for which the one before stays."""

    def timed(track: Any) -> None:
        track.codec_context.time_base = Fraction(1, 30)

    times = [round(1_000 * (number + 3 * (number >= 10)) / 30) for number in range(30)]
    data = reel(map(scene_of(), range(30)), "avi", "mpeg4", times=times, stream=timed)
    _, seen = watched(data)
    assert (seen.decoded, seen.lost, seen.corrupt, seen.stopped) == (30, 0, 0, None)


def test_all_video_tracks_are_watched(scene_of: Scene) -> None:
    """A player shows the first; another can be chosen."""
    calm = [*map(scene_of(), range(40))]
    second = [np.full((48, 64, 3), 220 if number == 20 else 90, np.uint8) for number in range(40)]
    data = mixed([("libx264", "yuv420p", calm), ("libvpx-vp9", "yuv420p", second)])
    samples, seen = watched(data)
    assert shown([each for each in samples if each.track == 0]) == [(0, "first"), (30, "rate"), (39, "last")]
    assert (20, "cut") in shown([each for each in samples if each.track == 1])
    assert seen.decoded == 80
    only, seen = watched(data, Sampling(track=1, clip=(600, 700)))
    assert {sample.track for sample in only} == {1}
    assert max(sample.pixels.mean() for sample in only) > 200
    with pytest.raises(MediaError) as caught:
        open_film(data, VideoLimits(tracks=1))
    assert caught.value.code == "too_many_tracks"


def test_a_cover_is_looked_at(scene_of: Scene) -> None:
    """It is a track of one picture."""
    import av
    from av.stream import Disposition

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as film:
        track: Any = film.add_stream("libx264", rate=30)
        track.height, track.width, track.pix_fmt = 72, 128, "yuv420p"
        cover: Any = film.add_stream("mjpeg", rate=1)
        cover.height, cover.width, cover.pix_fmt = 48, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        film.mux(cover.encode(av.VideoFrame.from_ndarray(np.full((48, 48, 3), 210, np.uint8), "rgb24")))
        film.mux(cover.encode(None))
        for number in range(40):
            film.mux(track.encode(av.VideoFrame.from_ndarray(scene_of()(number), "rgb24")))
        film.mux(track.encode(None))
    data = out.getvalue()
    with open_film(data) as film:
        assert [each.picture for each in film.tracks] == [False, True]
        assert (film.width, film.height) == (128, 72)
    samples, seen = watched(data)
    found = [each for each in samples if each.track == 1]
    assert [(each.pixels.shape, each.pixels.mean() > 200) for each in found] == [((48, 48, 3), True)]
    assert (seen.decoded, seen.lost, seen.stopped) == (41, 0, None)


@each_case("pixels", ["yuv420p10le", "yuv444p", "yuv422p", "yuvj420p", "gray"])
def test_formats_of_pixels_are_all_read(pixels: str, reel: Reel) -> None:
    """More bits, more colour, or none."""
    frames = [
        np.full((72, 128, 3), (200, 60, 60) if number != 12 else (20, 20, 160), np.uint8)
        for number in range(20)
    ]
    samples, seen = watched(reel(frames, "matroska", "libx264", pixels=pixels))
    assert (12, "cut") in shown(samples)
    assert seen.whole
    if pixels != "gray":
        assert samples[0].pixels.mean(axis=(0, 1)) == pytest.approx((200, 60, 60), abs=8)


def test_what_is_transparent_is_seen_over_white_and_black(reel: Reel) -> None:
    """As pictures are: a player lays it over whatever is behind."""
    frame = np.zeros((72, 128, 4), np.uint8)
    frame[:, :64] = (200, 30, 30, 255)
    data = reel([frame] * 3, "webm", "libvpx-vp9", pixels="yuva420p")
    samples, _ = watched(data)
    white, black = samples[0].views[:2]
    assert samples[0].pixels is white
    assert (white[36, 100].min() > 240, black[36, 100].max() < 15) == (True, True)
    assert white[36, 30] == pytest.approx((200, 30, 30), abs=12)


@each_case(("container", "codec", "pixels"), [("mov", "png", "rgba"), ("webm", "libvpx-vp9", "yuva420p")])
def test_what_becomes_opaque_for_a_frame_is_a_cut(
    container: str, codec: str, pixels: str, reel: Reel
) -> None:
    """Its colours are there all the while; only alpha lets them be seen."""
    frame = np.full((72, 128, 4), (200, 30, 30, 0), np.uint8)
    shown_once = np.full((72, 128, 4), (200, 30, 30, 255), np.uint8)
    frames = [shown_once if number == 9 else frame for number in range(20)]
    samples, _ = watched(reel(frames, container, codec, pixels=pixels))
    assert shown(samples) == [(0, "first"), (9, "cut"), (10, "cut"), (19, "last")]
    assert samples[1].pixels.mean(axis=(0, 1)) == pytest.approx((200, 30, 30), abs=12)


def test_frames_are_looked_at_as_they_are_shown_and_not_as_they_are_stored(
    reel: Reel, scene_of: Scene
) -> None:
    """Frames that lean on later ones come before these."""
    samples, seen = watched(
        reel(map(scene_of(), range(60)), options={"preset": "medium", "bf": "3", "b-adapt": "0"}),
        Sampling(fps=10),
    )
    starts = [sample.start_ms for sample in samples]
    assert starts == sorted(starts)
    assert (seen.decoded, seen.largest_gap_ms < 10, seen.hidden) == (60, True, 0)


def test_times_that_go_back_end_nothing(reel: Reel, scene_of: Scene) -> None:
    """The second of two films in one stream begins at nought again."""
    frame, other = scene_of(), scene_of(seed=5)
    data = reel(map(frame, range(60)), "mpegts") + reel(map(other, range(60)), "mpegts")
    samples, seen = watched(data)
    assert seen.decoded == 120
    assert (60, "cut") in shown(samples)
    assert shown(samples)[-1] == (119, "last")


def test_interlaced_frames_are_looked_at(reel: Reel, scene_of: Scene) -> None:
    """Both fields at once."""
    data = reel(
        map(scene_of(), range(40)), "mpegts", options={"x264-params": "tff=1", "flags": "+ildct+ilme"}
    )
    samples, seen = watched(data)
    assert shown(samples) == [(0, "first"), (30, "rate"), (39, "last")]
    assert seen.decoded == 40


def edited(data: bytes, shown_ms: int) -> bytes:
    """Return an MP4 whose edit list ends after so many milliseconds."""
    at = data.index(b"elst") + 12  # version and flags, count, and then the duration of the first
    return data[:at] + shown_ms.to_bytes(4, "big") + data[at + 4 :]


def test_what_an_edit_list_hides_is_looked_at_too(reel: Reel, scene_of: Scene) -> None:
    """A player shows one second of three; the odd frame is in what it does not show."""
    frame = scene_of()
    data = reel(
        (np.full((72, 128, 3), 230, np.uint8) if number == 70 else frame(number) for number in range(90)),
        options={"bf": "2", "preset": "medium", "g": "10"},
    )
    _, whole = watched(data)
    assert (whole.decoded, whole.hidden) == (90, 0)
    samples, seen = watched(edited(data, 1_000))
    assert 25 < seen.decoded < 40
    assert (seen.decoded + seen.hidden, seen.lost, seen.stopped) == (90, 0, None)
    assert [each.hidden for each in samples if each.pixels.mean() > 200] == [True]
    assert not any(each.hidden for each in samples if each.start_ms < 900)


def test_a_film_that_does_not_say_how_long_it_is_is_watched(reel: Reel, scene_of: Scene) -> None:
    """As what is sent while it is made."""
    data = reel(map(scene_of(), range(70)), "matroska", mux={"live": "1"})
    with open_film(data) as film:
        assert film.seconds is None
    samples, seen = watched(data)
    assert shown(samples) == [(0, "first"), (30, "rate"), (60, "rate"), (69, "last")]
    assert (seen.decoded, seen.frames_total, seen.stopped) == (70, None, None)


def test_a_track_that_begins_later_is_whole(reel: Reel, scene_of: Scene) -> None:
    """How long it is, is said from the beginning of the film."""
    times = [2_000 + 33 * number for number in range(40)]
    _, seen = watched(reel(map(scene_of(), range(40)), "matroska", times=times))
    assert (seen.decoded, seen.stopped, seen.whole) == (40, None, True)


def test_a_track_that_begins_in_the_middle_is_named(reel: Reel, scene_of: Scene) -> None:
    """A stream that goes on under other numbers is past what was opened."""
    other = {"mpegts_start_pid": "0x300", "mpegts_pmt_start_pid": "0x1f0"}
    first = reel(noisy(150), "mpegts")
    _, seen = watched(first + reel(map(scene_of(), range(40)), "mpegts", mux=other))
    assert (seen.decoded, seen.stopped, seen.whole) == (150, "tracks", False)
    assert seen.unread > 0


def test_bytes_that_belong_to_no_track_are_counted(calm: bytes) -> None:
    """A container needs some; whatever stands behind its end is more."""
    _, plain = watched(calm)
    _, more = watched(calm + b"PK\3\4" + bytes(500_000))
    assert 0 < plain.unread < 8_000
    assert more.unread - plain.unread == 500_004


def test_a_film_of_which_no_frame_can_be_decoded_is_an_error(reel: Reel, scene_of: Scene) -> None:
    """An empty watch would look like a clean one."""
    data = reel(map(scene_of(), range(10)), "avi", "mpeg4")
    start = data.index(b"movi") + 12
    with pytest.raises(MediaError) as caught:
        watched(data[:start] + bytes(len(data) - start))
    assert caught.value.code == "undecodable"


def test_frames_that_were_handed_out_are_let_go(reel: Reel, scene_of: Scene) -> None:
    """So that memory is flat in the length of a film, however much of it is sampled."""
    import av

    held: list[int] = []

    def send(head: dict[str, Any], _: Any) -> None:
        held.append(sum(isinstance(each, av.VideoFrame) for each in gc.get_objects()))

    with tempfile.TemporaryFile() as file:
        file.write(reel(map(scene_of(), range(90))))
        file.flush()
        gc.freeze()  # what is there before is none of it
        try:
            FrameWatch(
                DescriptorFile(file.fileno()), "mov", VideoLimits(), Sampling(fps=30, static=0.0), send
            ).run()
        finally:
            gc.unfreeze()
    assert len(held) == 90 + 1  # and the last account
    assert held[80] <= held[10] + 2


def test_accounts_come_between_samples(calm: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits sees how far it is; the last account has all."""
    monkeypatch.setattr("guardrails.media.video.frames.frame_watch.BEAT_S", 0.0)
    sent: list[dict[str, Any]] = []
    with tempfile.TemporaryFile() as file:
        file.write(calm)
        file.flush()
        watching = FrameWatch(
            DescriptorFile(file.fileno()), "mov", VideoLimits(), Sampling(), lambda head, _: sent.append(head)
        )
        watching.run()
    accounts = [head["seen"] for head in sent if head["kind"] == "seen"]
    assert len(accounts) > 80
    assert [each["decoded"] for each in accounts] == sorted(each["decoded"] for each in accounts)
    assert (accounts[-1]["done"], accounts[-1]["decoded"]) == (True, 90)
