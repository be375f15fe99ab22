"""Redaction of films: what is covered, cut and muted is gone, and all else is as it was."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from guardrails.media.audio.recording import AudioLimits
from guardrails.media.audio.recording import open_recording as sound_of
from guardrails.media.errors import MediaError
from guardrails.media.rewrite.edit_plan import MARGINS_MS
from guardrails.media.rewrite.recode import MEDIA, FilmEdit, family_of, mute_sound, recode_film
from guardrails.media.video.film_source import Film, VideoLimits, open_film
from guardrails.media.video.processes import film_process
from tests.cases import each_case
from tests.films import FPS, RATE, film, plain, program_of, scene, taped, tone

Pixels = NDArray[np.uint8]
Sound = NDArray[np.float32]
Reel = Callable[..., bytes]

COUNT = 90
BOX = (48, 32, 40, 24)
PATIENT = VideoLimits(grace=100.0)
"""However busy the machine is."""

EXACT = dict.fromkeys(MARGINS_MS, 0)
"""Margins of nothing."""

FAMILIES = ("mp4", "webm")
"""A container of each kind that is written."""

WRITTEN = {"mp4": "mov", "mkv": "matroska", "webm": "matroska", "avi": "mov", "ts": "mov"}
"""What each is written as, by the first name of FFmpeg's reader."""


def sweep(seconds: float = COUNT / FPS) -> Sound:
    """Return a tone that rises all the while: each part of it is unlike all others."""
    at = np.arange(int(seconds * RATE)) / RATE
    return (0.4 * np.sin(2 * np.pi * (400 + 300 * at) * at)).astype(np.float32)


class Films(dict[str, bytes]):
    """A film of three seconds with sound by its container, made when it is wanted first."""

    def __missing__(self, ending: str) -> bytes:
        self[ending] = film(scene(COUNT), ending, sound=sweep())
        return self[ending]


@pytest.fixture(scope="module")
def films() -> dict[str, bytes]:
    """Return the films."""
    return Films()


def shown(data: bytes, track: int = 0) -> list[tuple[Fraction, Pixels]]:
    """Return when each frame is shown after the beginning of the film, and what it looks like as it is stored."""
    with av.open(io.BytesIO(data), "r") as container:
        found: list[Any] = [*container.decode(container.streams.video[track])]
        assert all(frame.rotation == 0 for frame in found)
        start = Fraction(container.start_time, 1_000_000)
        return [(frame.pts * frame.time_base - start, frame.to_ndarray(format="rgb24")) for frame in found]


def times(data: bytes) -> Any:
    """Return when each frame is shown, for comparison; containers begin at a microsecond."""
    return pytest.approx([float(at) for at, _ in shown(data)], abs=2e-6)


def near(one: Any, other: Any) -> bool:
    """Tell whether frames look alike, as far as encoders leave them."""
    return bool(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).mean() < 8)


def heard(data: bytes) -> tuple[float, Sound]:
    """Return when the sound of a film begins after its beginning, and its samples, one channel at 48 kHz."""
    with av.open(io.BytesIO(data), "r") as container:
        first = container.start_time / 1_000_000
        frames: list[Any] = [*container.decode(audio=0)]
    resampler = av.AudioResampler("fltp", "mono", RATE)
    start = float(frames[0].pts * frames[0].time_base)
    pieces = [piece.to_ndarray()[0] for frame in [*frames, None] for piece in resampler.resample(frame)]
    return start - first, np.concatenate(pieces).astype(np.float32)


def part(sound: tuple[float, Sound], start: float, end: float) -> Sound:
    """Return a sound from one second to another."""
    first, samples = sound
    return samples[round((start - first) * RATE) : round((end - first) * RATE)]


def alike(one: Sound, other: Sound) -> float:
    """Return how much two sounds are the same at the same time: 1 if they are."""
    return float(np.dot(one, other) / np.sqrt(np.dot(one, one) * np.dot(other, other)))


def done(data: bytes, *edits: FilmEdit, limits: VideoLimits | None = None, **more: Any) -> bytes:
    """Return a film with edits."""
    with open_film(data, PATIENT) as source:
        return recode_film(source, edits, limits or PATIENT, **more)


@pytest.mark.parametrize("ending", FAMILIES)
def test_a_box_is_covered(ending: str, films: dict[str, bytes]) -> None:
    """Half a second longer than it was found, and a bit larger; nothing else changes, neither time nor sound."""
    made = done(films[ending], FilmEdit((1_000, 1_500), "solid", (BOX,)))
    old, new = shown(films[ending]), shown(made)
    assert [float(at) for at, _ in new] == times(films[ending])
    x, y, width, height = BOX
    for (at, before), (_, after) in zip(old, new, strict=True):
        inside = after[y : y + height, x : x + width]
        assert bool(inside.max() < 30) is (0.5 - 1 / FPS + 0.002 < at < 1.998)
        around = after.copy()
        around[y - 6 : y + height + 6, x - 8 : x + width + 8] = before[
            y - 6 : y + height + 6, x - 8 : x + width + 8
        ]
        assert near(around, before)
    assert alike(part(heard(films[ending]), 0.2, 2.8), part(heard(made), 0.2, 2.8)) > 0.999


@pytest.mark.parametrize("ending", FAMILIES)
def test_what_comes_out_can_be_judged_again(ending: str, films: dict[str, bytes]) -> None:
    """It is a whole film of the family that is told, and its sound is copied to the bit."""
    made = done(films[ending], FilmEdit((1_000, 1_500), "blur"))
    with (
        open_film(films[ending], PATIENT) as source,
        open_film(made, PATIENT) as again,
        again.watch() as watch,
    ):
        assert again.format == family_of(source.format)
        assert (again.width, again.height) == (source.width, source.height)
        assert [*watch]
        assert watch.seen.whole
        assert watch.seen.decoded == COUNT
    with av.open(io.BytesIO(films[ending]), "r") as old, av.open(io.BytesIO(made), "r") as new:
        assert new.format.name.partition(",")[0] == WRITTEN[ending]
        copied = [bytes(packet) for packet in new.demux(audio=0) if packet.size]
        if ending != "ts":  # whose packets have heads of their own
            assert copied == [bytes(packet) for packet in old.demux(audio=0) if packet.size]
    if WRITTEN[ending] == "mov":
        assert made.find(b"moov") < made.find(b"mdat")


@each_case("how", ["solid", "pixelate", "blur", "placeholder"])
def test_a_whole_frame_is_covered(how: Any, reel: Reel) -> None:
    """Of what was fine in it nothing is left, in each frame that is shown in any part of the clip."""
    fine = np.indices((120, 160)).sum(axis=0)[..., None] // 4 % 2 * np.full(3, 255)
    data = reel([fine.astype(np.uint8)] * 60)
    found = shown(done(data, FilmEdit((700, 1_000), how), margins=EXACT))
    flat = [bool(np.abs(np.diff(pixels.astype(int), axis=1)).mean() < 8) for _, pixels in found]
    assert flat == [21 <= number < 30 for number in range(60)]


@pytest.mark.parametrize("ending", FAMILIES)
def test_sound_is_muted(ending: str, films: dict[str, bytes]) -> None:
    """Nothing of it is left in the clip, all of it away from the clip, at the same time; frames keep theirs."""
    made = done(films[ending], FilmEdit((1_000, 1_500), "mute"))
    old, new = heard(films[ending]), heard(made)
    assert np.abs(part(new, 0.9, 1.6)).max() < 1e-4
    for start, end in ((0.2, 0.75), (1.75, 2.8)):
        assert alike(part(old, start, end), part(new, start, end)) > 0.99
    frames, found = shown(films[ending]), shown(made)
    assert [float(at) for at, _ in found] == times(films[ending])
    assert all(near(before, after) for (_, before), (_, after) in zip(frames, found, strict=True))


@pytest.mark.parametrize("ending", FAMILIES)
def test_clips_are_cut(ending: str, films: dict[str, bytes]) -> None:
    """Frames and sound alike: what follows comes earlier by as much as was cut, and stays together."""
    made = done(films[ending], FilmEdit((500, 700), "cut"), FilmEdit((1_500, 2_000), "cut"), margins=EXACT)
    old, new = shown(films[ending]), shown(made)
    left = [(at, pixels) for at, pixels in old if not meets(at)]
    assert len(new) == len(left)
    for (before, one), (after, other) in zip(left, new, strict=True):
        earlier = 0.2 * (before >= 0.7) + 0.5 * (before >= 2)
        assert float(after) == pytest.approx(float(before) - earlier, abs=0.002)
        assert near(one, other)
    source, sound = heard(films[ending]), heard(made)
    for start, end, earlier in ((0.1, 0.45, 0), (0.8, 1.4, 0.2), (2.1, 2.8, 0.7)):
        assert alike(part(source, start, end), part(sound, start - earlier, end - earlier)) > 0.98
    with open_film(made, PATIENT) as again:
        assert again.seconds == pytest.approx(COUNT / FPS - 0.7, abs=0.1)


def meets(at: Fraction) -> bool:
    """Tell whether a frame is seen in one of two clips."""
    return any(start - 1 / FPS + 0.002 < at < end - 0.002 for start, end in ((0.5, 0.7), (1.5, 2)))


def test_a_cut_grows(films: dict[str, bytes]) -> None:
    """Half a second on either side: what was seen once is not seen the moment before."""
    assert len(shown(done(films["mp4"], FilmEdit((1_000, 1_500), "cut")))) == COUNT - 1.5 * FPS


def test_a_frame_that_stays_for_long_is_cut_as_a_whole(reel: Reel) -> None:
    """It is what was found; the one before stays in its place. One that was not found begins behind the cut."""
    frames = [np.full((72, 128, 3), grey, np.uint8) for grey in (20, 120, 220, 70, 180)]
    data = reel(frames, times=[0, 1_000, 3_000, 3_400, 5_000], fps=10)
    found = [
        [
            (float(at), int(pixels.mean().round(-1)))
            for at, pixels in shown(done(data, FilmEdit((2_000, end), "cut")))
        ]
        for end in (2_500, 3_100)
    ]
    assert found[0] == [(0.0, 20), (1.5, 220), (1.9, 70), (3.5, 180)]
    assert found[1] == [(0.0, 20), (1.5, 70), (2.9, 180)]


def test_a_film_that_would_be_empty_is_none(films: dict[str, bytes]) -> None:
    """A film without a frame is an error, and no file."""
    with pytest.raises(MediaError, match="nothing of the film is left") as caught:
        done(films["mp4"], FilmEdit((0, 10_000), "cut"))
    assert caught.value.code == "empty"


@each_case("degrees", [90, 180, 270])
def test_a_turned_film_stands_upright(degrees: int, reel: Reel) -> None:
    """Its pixels do, so that boxes are where they were found, and no player turns it again."""
    data = reel(scene(30), stream=lambda track: track.set_display_rotation(degrees))
    with av.open(io.BytesIO(data), "r") as container:
        frames = [*container.decode(video=0)]
    upright = [np.rot90(frame.to_ndarray(format="rgb24"), degrees // 90) for frame in frames]
    new = [
        pixels
        for _, pixels in shown(done(data, FilmEdit((0, 1_000), "solid", ((0, 0, 20, 20),)), margin=0.0))
    ]
    for before, after in zip(upright, new, strict=True):
        assert after[1:19, 1:19].max() < 30
        assert near(before[20:, 20:], after[20:, 20:])


@each_case("degrees", [0, 90])
def test_pixels_that_are_not_square_stay_so(degrees: int, reel: Reel) -> None:
    """A box is in pixels as they are shown; what is stored is half as wide, and is covered there."""

    def wide(track: Any) -> None:
        track.codec_context.sample_aspect_ratio = Fraction(2)
        track.set_display_rotation(degrees)

    data = reel(plain(10, 200), stream=wide)
    box = (200, 40, 60, 40) if not degrees else (40, 60, 40, 60)
    made = done(data, FilmEdit((0, 500), "solid", (box,)), margin=0.0)
    with open_film(data, PATIENT) as source, open_film(made, PATIENT) as again:
        assert (again.width, again.height) == (source.width, source.height)
        assert {source.width, source.height} == {320, 120}
    for _, pixels in shown(made):
        rows, columns = np.nonzero(pixels.max(axis=2) < 100)
        extent = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
        assert extent == ((40, 80, 100, 130) if not degrees else (30, 60, 40, 80))


def test_times_that_vary_stay(reel: Reel) -> None:
    """Each frame keeps its own."""
    stamps = [0, 40, 50, 140, 300, 310, 900, 2_000, 2_033]
    data = reel(scene(len(stamps)), times=stamps, fps=25)
    assert [round(at * 1_000) for at, _ in shown(done(data, FilmEdit((0, 100), "blur")))] == stamps


@each_case(
    ("codec", "pixels", "size"),
    [
        ("libx265", "yuv420p10le", (160, 120)),
        ("libx264", "yuv444p", (160, 120)),
        ("mpeg4", "yuv420p", (159, 119)),
    ],
)
def test_every_kind_of_frame_becomes_one(codec: str, pixels: str, size: tuple[int, int], reel: Reel) -> None:
    """Eight bits, half the colours, even sides; a box in the corner reaches to its end."""
    width, height = size
    frames = [np.ascontiguousarray(each[:height, :width]) for each in scene(20)]
    data = reel(frames, "matroska", codec, pixels=pixels)
    made = done(data, FilmEdit((0, 1_000), "solid", ((100, 80, width - 100, height - 80),)))
    with av.open(io.BytesIO(made), "r") as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.pix_fmt, stream.width, stream.height) == ("yuv420p", 160, 120)
    for (_, before), (_, after) in zip(shown(data), shown(made), strict=True):
        assert after[80:, 100:].max() < 30
        assert near(before[:70, :90], after[:70, :90])


def test_nothing_but_frames_and_sound_goes_on() -> None:
    """No captions, no texts of the container or of its tracks, no name of who wrote it."""
    data = film(
        scene(30), "mkv", sound=sweep(1.0), captions=[(0, 900, "zqxbomb")], metadata={"title": "zqxbomb"}
    )
    assert data.count(b"zqxbomb") == 2
    made = done(data, FilmEdit((0, 100), "solid", (BOX,)))
    assert b"zqxbomb" not in made
    with av.open(io.BytesIO(made), "r") as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert {**container.metadata}.keys() <= {"encoder", "ENCODER"}
        assert not container.chapters()


def test_captions_inside_of_frames_do_not_go_on() -> None:
    """Television has them there, and encoders like to keep them."""
    note = bytes.fromhex("060411b50031474139340342fffcd4f2fce5f3ff80")
    out = io.BytesIO()
    with av.open(io.BytesIO(film(scene(10))), "r") as source, av.open(out, "w", format="mp4") as target:
        copied = target.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                more = av.Packet(len(note).to_bytes(4, "big") + note + bytes(packet))
                more.pts, more.dts, more.time_base, more.stream = (
                    packet.pts,
                    packet.dts,
                    packet.time_base,
                    copied,
                )
                more.is_keyframe = packet.is_keyframe
                target.mux(more)
    made = done(out.getvalue(), FilmEdit((0, 100), "solid"))
    for data, expected in ((out.getvalue(), True), (made, False)):
        with av.open(io.BytesIO(data), "r") as container:
            found: list[Any] = [*container.decode(video=0)]
        assert len(found) == 10
        assert any(frame.side_data.get("A53_CC") is not None for frame in found) is expected


@each_case("how", ["solid", "mute"])
def test_what_an_edit_list_hides_does_not_go_on(how: Any, films: dict[str, bytes]) -> None:
    """Whoever has the file would have it: a second of sound before the first that is heard, and of frames behind the last."""
    data = films["mp4"]
    frames = data.index(b"elst") + 12  # how long, in milliseconds, and from when, in units of the track
    sound = data.index(b"elst", frames) + 12
    data = data[:frames] + (1_000).to_bytes(4, "big") + data[frames + 4 :]
    data = data[:sound] + (1_000).to_bytes(4, "big") + RATE.to_bytes(4, "big") + data[sound + 8 :]
    made = done(data, FilmEdit((900, 950), how))
    with open_film(made, PATIENT) as again, again.watch() as watch:
        assert [*watch]
        assert (watch.seen.hidden, watch.seen.decoded < 40) == (0, True)
    with av.open(io.BytesIO(made), "r") as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
    assert sum(packet.duration or 0 for packet in packets) < 1.2 * RATE
    assert alike(part(heard(data), 0.1, 0.6), part(heard(made), 0.1, 0.6)) > 0.99


def test_all_tracks_of_frames_are_covered() -> None:
    """A box covers as much of a smaller one."""
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as container:
        tracks: list[Any] = []
        for width, height in ((160, 120), (80, 60)):
            tracks.append(container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"}))
            tracks[-1].width, tracks[-1].height = width, height
        for pixels in plain(20, 200):
            for track in tracks:
                container.mux(
                    track.encode(
                        av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(track.width, track.height)
                    )
                )
        for track in tracks:
            container.mux(track.encode(None))
    made = done(out.getvalue(), FilmEdit((0, 500), "solid", ((40, 40, 40, 40),)), margin=0.0)
    for number, (start, end) in enumerate(((40, 80), (20, 40))):
        for _, pixels in shown(made, number):
            assert pixels[start + 1 : end - 1, start + 1 : end - 1].max() < 30
            assert pixels[: start - 4].min() > 150
            assert pixels[end + 4 :].min() > 150


def test_it_is_told_how_far_it_is(films: dict[str, bytes]) -> None:
    """In seconds of the film, from the beginning on."""
    told: list[float] = []
    done(films["mp4"], FilmEdit((0, 100), "mute"), went=told.append)
    assert told[0] == 0
    assert all(one <= other for one, other in pairwise(told))


@each_case(
    ("limits", "code"),
    [
        (VideoLimits(grace=100.0, bytes=20_000), "too_many_bytes"),
        (VideoLimits(grace=100.0, frames=COUNT - 1), "too_many_frames"),
        (VideoLimits(grace=100.0, seconds=2.0), "too_many_frames"),
        (VideoLimits(grace=100.0, pixels=160 * 119), "too_many_pixels"),
    ],
)
def test_limits_are_kept(limits: VideoLimits, code: str, films: dict[str, bytes]) -> None:
    """Over one there is no film, but a name for why."""
    with pytest.raises(MediaError) as caught:
        done(films["mp4"], FilmEdit((0, 100), "solid"), limits=limits)
    assert caught.value.code == code


def test_time_runs_out() -> None:
    """There is no film then; this one is so long that no process has written it before the clock is looked at."""
    with pytest.raises(MediaError) as caught:
        done(
            film(scene(40 * COUNT)),
            FilmEdit((0, 100), "solid"),
            limits=VideoLimits(grace=0.0, wall_factor=0.0),
        )
    assert caught.value.code == "timeout"


def test_a_process_without_memory_is_an_error(films: dict[str, bytes]) -> None:
    """Whether it says so or breaks down."""
    with pytest.raises(MediaError) as caught:
        done(films["mp4"], FilmEdit((0, 100), "solid"), limits=VideoLimits(grace=100.0, memory=100 << 20))
    assert caught.value.code in ("too_much_memory", "undecodable")


def test_a_process_that_is_killed_is_an_error(
    films: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of what it wrote by then is given out."""
    start = Film.process

    def killed(self: Film, *given: Any, **more: Any) -> Any:
        process = start(self, *given, **more)
        process._process.kill()
        return process

    with open_film(films["mp4"], PATIENT) as source:
        monkeypatch.setattr(Film, "process", killed)
        monkeypatch.setattr(film_process, "STARTED", program_of("time.sleep(100)"))
        with pytest.raises(MediaError, match="broke down") as caught:
            recode_film(source, [FilmEdit((0, 100), "solid")])
    assert caught.value.code == "undecodable"


def test_a_damaged_film_gives_what_can_be_read_or_an_error(films: dict[str, bytes]) -> None:
    """Never one that is longer, or that shows what was to be covered."""
    data = films["ts"]
    middle = len(data) // 2
    made = done(data[:middle] + bytes(3_000) + data[middle + 3_000 :], FilmEdit((0, 3_000), "solid"))
    assert all(pixels.max() < 30 for _, pixels in shown(made))
    assert shown(made)[-1][0] <= COUNT / FPS


def test_a_film_without_one_good_frame_is_an_error(films: dict[str, bytes]) -> None:
    """Its index may be whole."""
    data = films["mp4"]
    start, end = data.find(b"mdat") + 4, data.find(b"moov") - 4
    assert start < end
    with pytest.raises(MediaError):
        done(data[:start] + bytes(end - start) + data[end:], FilmEdit((0, 100), "solid"))


def test_without_edits_it_is_the_same_film(films: dict[str, bytes]) -> None:
    """Frame by frame, with its sound; only texts are gone."""
    frames, found = shown(films["mp4"]), shown(done(films["mp4"]))
    assert [float(at) for at, _ in found] == times(films["mp4"])
    assert all(near(before, after) for (_, before), (_, after) in zip(frames, found, strict=True))


@each_case("edit", [FilmEdit((5, 4), "cut"), FilmEdit((0, 5), "blur", ((160, 0, 4, 4),))])
def test_what_is_no_edit(edit: FilmEdit, films: dict[str, bytes]) -> None:
    """It is refused before anything is done."""
    with pytest.raises(ValueError, match=r"is none|outside"):
        done(films["mp4"], edit)


ALONE = (
    *(
        ("wav", "pcm_s16le"),
        ("wav", "pcm_s24le"),
        ("wav", "pcm_u8"),
        ("wav", "pcm_f32le"),
        ("wav", "pcm_alaw"),
    ),
    *(
        ("mp3", "mp3"),
        ("flac", "flac"),
        ("ogg", "libopus"),
        ("ogg", "flac"),
        ("adts", "aac"),
        ("ipod", "aac"),
    ),
    *(("ipod", "alac"), ("mp4", "aac"), ("mov", "pcm_s16le"), ("aiff", "pcm_s16be"), ("matroska", "flac")),
    *(("matroska", "mp3"), ("webm", "libopus")),
)
"""Containers and codecs of sounds alone."""

USUAL = (("wav", "pcm_s16le"), ("mp3", "mp3"), ("ogg", "libopus"), ("mp4", "aac"))
"""Those that most sounds come in."""


def heard_of(data: bytes) -> tuple[Sound, str]:
    """Return the samples of a sound at 16 kHz, [channels, samples], and its codec."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("fltp", stream.layout.name, 16_000)
        frames = [each for frame in container.decode(stream) for each in resampler.resample(frame)]
        return np.concatenate(
            [frame.to_ndarray() for frame in frames], 1
        ), stream.codec_context.codec.canonical_name


@pytest.mark.parametrize(("container", "codec"), USUAL)
def test_a_sound_alone_is_silent_in_a_clip_and_as_before_elsewhere(container: str, codec: str) -> None:
    """In its container and its codec, with its channels and as long, and without its texts."""
    told = np.stack([tone(4, rate=16_000, loud=0.4), tone(4, 700, rate=16_000, loud=0.2)])
    data = taped(told, container, codec, metadata={"title": "zqxbomb"})
    with sound_of(data) as sound:
        made, format_ = mute_sound(sound, [(1_200, 2_000)]), sound.format
    with sound_of(made) as again:
        assert (again.format, again.behind) == (format_, 0)
        assert format_ in MEDIA
    assert b"zqxbomb" not in made
    (before, codec_before), (after, codec_after) = heard_of(data), heard_of(made)
    assert codec_after == codec_before
    assert abs(before.shape[1] - after.shape[1]) <= 1_100
    assert np.abs(after[:, 19_200:31_000]).max() < 0.002
    for start, end in ((2_000, 9_000), (44_000, 60_000)):
        for own, was in zip(after, before, strict=True):
            assert abs(np.abs(own[start:end]).max() - np.abs(was[start:end]).max()) < 0.05


def test_a_sound_of_a_codec_that_its_container_is_not_written_with_gets_another() -> None:
    """The container stays."""
    with sound_of(taped(tone(2, rate=16_000), "wav", "mp3")) as sound:
        made = mute_sound(sound, [(0, 500)])
    assert heard_of(made)[1] == "pcm_s16le"
    with sound_of(made) as again:
        assert again.format == "wav"


def test_a_sound_that_breaks_a_limit_is_not_written() -> None:
    """It is over the time, or over the bytes."""
    with sound_of(taped(tone(4, rate=16_000))) as sound:
        for limits in (AudioLimits(seconds=1), AudioLimits(bytes=50_000)):
            with pytest.raises(MediaError, match=r"longer|more than"):
                mute_sound(sound, [(0, 500)], limits)
