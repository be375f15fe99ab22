"""Subtitles and sound of films: texts without markup, and one channel in which nothing is lost."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import av
import numpy as np
import pytest

from guardrails.media.errors import MediaError
from guardrails.media.video.film_source import Caption, VideoLimits, open_film
from guardrails.media.video.soundtrack import mix_down, strip_ass_markup
from tests.cases import each_case

Reel = Callable[..., bytes]
Scene = Callable[..., Any]

RATE = 8_000

HEADER = b"""[Script Info]
ScriptType: v4.00+
PlayResX: 384
PlayResY: 288

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def tone(seconds: float, hertz: float = 440.0, channels: int = 1) -> Any:
    """Return a tone, float32 [channels, samples]."""
    times = np.arange(int(seconds * RATE)) / RATE
    return np.tile(np.sin(2 * np.pi * hertz * times).astype(np.float32) / 2, (channels, 1))


def played(
    sounds: Sequence[Any],
    texts: Sequence[tuple[int, int, str]] = (),
    container: str = "matroska",
    codec: str = "pcm_s16le",
    subtitles: str = "srt",
) -> bytes:
    """Return a film of two seconds with tracks of sound [channels, samples], and of texts: from, to, and what is written."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as film:
        track: Any = film.add_stream("libvpx-vp9" if container == "webm" else "mpeg4", rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        heard: list[Any] = [
            film.add_stream(codec, rate=RATE, layout="mono" if len(sound) == 1 else "stereo")
            for sound in sounds
        ]
        written: Any = film.add_stream(subtitles) if texts else None
        if written is not None:
            written.codec_context.subtitle_header = HEADER
        for _ in range(20):
            film.mux(track.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), "rgb24")))
        film.mux(track.encode(None))
        for stream, sound in zip(heard, sounds, strict=True):
            whole = np.ascontiguousarray((sound * 32_767).astype(np.int16).T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(whole, "s16", "mono" if len(sound) == 1 else "stereo")
            frame.sample_rate = RATE
            cut = av.AudioResampler(stream.codec_context.format, stream.layout, RATE, frame_size=1_024)
            for each in (*cut.resample(frame), *cut.resample(None)):
                film.mux(stream.encode(each))
            film.mux(stream.encode(None))
        for start, end, text in texts:
            packet = av.Packet(text.encode())
            packet.stream, packet.time_base = written, written.time_base
            unit = 1 / (1_000 * packet.time_base) if packet.time_base else 1
            packet.pts = packet.dts = int(start * unit)
            packet.duration = int((end - start) * unit)
            film.mux(packet)
    return out.getvalue()


def heard(
    data: bytes, rate: int = RATE, track: int | None = None, limits: VideoLimits | None = None
) -> tuple[list[int], Any, Any]:
    """Return when each piece begins, all of them as one, and what `SoundRun` says at the end."""
    with open_film(data, limits) as film, film.sound(rate, track) as sound:
        pieces = [*sound]
        return [start for start, _ in pieces], np.concatenate([samples for _, samples in pieces]), sound


@each_case(
    ("container", "codec"),
    [("matroska", "pcm_s16le"), ("mp4", "aac"), ("webm", "libopus"), ("avi", "libmp3lame")],
)
def test_sound_is_one_channel_at_the_rate_that_is_asked_for(container: str, codec: str) -> None:
    """Piece by piece, in order, and as loud as it is."""
    data = played([tone(2.0)], container=container, codec=codec)
    starts, samples, end = heard(data, 16_000)
    assert starts == sorted(starts)
    assert len(samples) == pytest.approx(32_000, abs=3_000)
    spectrum = np.abs(np.fft.rfft(samples[4_000:20_000]))
    assert int(spectrum.argmax()) == pytest.approx(440, abs=2)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)
    assert (end.stopped, end.corrupt) == (None, 0)


def test_a_voice_that_is_turned_over_on_one_side_is_heard() -> None:
    """The mean of both is silence; people with two ears hear it."""
    sound = tone(1.0, channels=2) * np.array([[1], [-1]], np.float32)
    _, samples, _ = heard(played([sound]))
    assert np.abs(samples).max() > 0.4


def test_each_track_can_be_heard() -> None:
    """Without a number it is the first; one that is not there is an error."""
    data = played([tone(1.0, 440), tone(1.0, 880)])
    with open_film(data) as film:
        tracks = [each.index for each in film.tracks if each.kind == "audio"]
    for track, hertz in ((None, 440), *zip(tracks, (440, 880), strict=True)):
        _, samples, _ = heard(data, track=track)
        assert int(np.abs(np.fft.rfft(samples[:RATE])).argmax()) == pytest.approx(hertz, abs=3)
    for track in (0, 9):
        with pytest.raises(MediaError) as caught:
            heard(data, track=track)
        assert caught.value.code == "unsupported_type"


def test_sound_past_the_limit_is_not_heard_and_that_is_said() -> None:
    """By the same name as for frames."""
    _, samples, end = heard(played([tone(2.0)]), limits=VideoLimits(seconds=1.0))
    assert end.stopped == "seconds"
    assert RATE <= len(samples) < 1.6 * RATE


@each_case(
    ("container", "subtitles"),
    [("matroska", "srt"), ("mp4", "mov_text"), ("matroska", "ass"), ("webm", "webvtt")],
)
def test_subtitles_are_texts_with_times(container: str, subtitles: str) -> None:
    """Whatever they are stored as."""
    texts = [(200, 900, "zqxbomb one"), (1_000, 1_700, "two")]
    before = {"ass": "0,0,Default,,0,0,0,,", "mov_text": "\0{}"}.get(subtitles, "")
    stored = [(start, end, before.format(chr(len(text))) + text) for start, end, text in texts]
    data = played([], stored, container, subtitles=subtitles)
    with open_film(data) as film:
        (track,) = (each.index for each in film.tracks if each.kind == "subtitle")
        found = film.subtitles()
    assert found == tuple(Caption(start, end, text, track) for start, end, text in texts)


@each_case(
    ("line", "text"),
    [
        ("0,0,Default,,0,0,0,,plain", "plain"),
        ("0,0,Default,,0,0,0,,one, two\\Nthree", "one, two\nthree"),
        ("0,0,Default,,0,0,0,,{\\b1}bold{\\b0} {\\an8}up", "bold up"),
        ('0,0,Default,,0,0,0,,<i>slant</i> <font color="red">red</font>', "slant red"),
        ("a text, as it stands", "a text, as it stands"),
        ("0,0,Default,,0,0,0,,zqx{\\c&H00&}bomb", "zqxbomb"),
        ("0,0,Default,,0,0,0,,1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
    ],
)
def test_markup_is_left_away(line: str, text: str) -> None:
    """A word that is cut by it is whole again."""
    assert strip_ass_markup(line) == text


def test_channels_are_the_mean_of_all_or_the_loudest() -> None:
    """Where they are alike, and where they cancel."""
    left = np.array([0.5, -0.5, 0.5, -0.5], np.float32)
    assert mix_down(np.stack([left, left])) == pytest.approx(left)
    assert mix_down(np.stack([left, left / 2])) == pytest.approx(left * 0.75)
    assert mix_down(np.stack([left, -left])) == pytest.approx(left)
    assert mix_down(np.zeros((2, 4), np.float32)) == pytest.approx(np.zeros(4))
