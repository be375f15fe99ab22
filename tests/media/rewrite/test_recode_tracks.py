"""Tracks: encoders, rates and channels, times that are odd, and packets that are damaged."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from guardrails.media.rewrite.edit_plan import EditPlan, FilmEdit, plan_edits
from guardrails.media.rewrite.recode_tracks import (
    CopiedTrack,
    FrameTrack,
    OutputTrack,
    SoundTrack,
    TrackOutput,
    decode_packet,
)
from tests.cases import each_case
from tests.films import film, scene

Reel = Callable[..., bytes]
Make = Callable[[Any, TrackOutput], OutputTrack]


def through(
    data: bytes, kind: str, make: Make, plan: EditPlan | None = None, container: str = "matroska"
) -> bytes:
    """Return a film of one track of a film, the first of its kind, that went through what `make` gives."""
    out = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as source, av.open(out, "w", format=container) as target:
        stream: Any = source.streams.get({kind: 0})[0]
        track = make(
            stream, TrackOutput(target, plan or EditPlan(), Fraction(source.start_time or 0, 1_000_000))
        )
        packets: list[Any] = [packet for packet in source.demux(stream) if packet.size]
        for packet in [*packets, None]:
            for made in track.feed(packet):
                target.mux(made)
    return out.getvalue()


def first_of(data: bytes) -> av.VideoFrame:
    """Return the first frame of a film."""
    with av.open(io.BytesIO(data), "r") as container:
        return next(container.decode(video=0))


def frames_of(data: bytes) -> list[av.VideoFrame]:
    """Return the frames of a film."""
    with av.open(io.BytesIO(data), "r") as container:
        return [*container.decode(video=0)]


def tone(seconds: float, rate: int, layout: str, codec: str = "flac", container: str = "matroska") -> bytes:
    """Return a file with a tone of 440 Hz on all channels."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        stream: Any = target.add_stream(codec, rate=rate)
        stream.layout = layout
        count = stream.codec_context.layout.nb_channels
        samples = 8_000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
        for start in range(0, len(samples), 1_024):
            piece = samples[start : start + 1_024].astype(np.int16).repeat(count)[None]
            frame = av.AudioFrame.from_ndarray(piece, "s16", layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return out.getvalue()


def heard(data: bytes) -> tuple[int, str, float, Any]:
    """Return rate, channels, beginning and samples of a sound."""
    with av.open(io.BytesIO(data), "r") as container:
        frames = [*container.decode(audio=0)]
        assert frames[0].pts is not None
        assert frames[0].time_base is not None
        samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
        begins = float(frames[0].pts * frames[0].time_base)
        return frames[0].sample_rate, frames[0].layout.name, begins, samples


@each_case("codec", ["libx264", "mpeg4", "libvpx-vp9"])
def test_each_encoder_keeps_times(codec: str, reel: Reel) -> None:
    """Also the one that counts no fine parts of a second, and none adds a frame of its own."""
    stamps = [0, 33, 67, 250, 251, 900]
    data = reel(scene(len(stamps)), "matroska", times=stamps, fps=30)
    made = through(data, "video", lambda stream, to: FrameTrack(stream, first_of(data), codec, to))
    assert [frame.pts for frame in frames_of(made)] == stamps


def test_a_finer_unit_than_an_encoder_has() -> None:
    """Times are rounded to what it has."""
    data = film(scene(30), "ts")
    made = through(
        data, "video", lambda stream, to: FrameTrack(stream, first_of(data), "mpeg4", to), None, "mp4"
    )
    assert [float(frame.time or 0) for frame in frames_of(made)] == pytest.approx(
        [number / 30 for number in range(30)], abs=1e-3
    )


@each_case(
    ("stamps", "expected"),
    [([None, None, None], [0, 40, 80]), ([0, None, 100], [0, 40, 100]), ([0, 200, 100], [0, 200, 201])],
)
def test_times_that_are_missing_or_go_back(
    stamps: Sequence[int | None], expected: list[int], reel: Reel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame without one comes as long after the one before as that is shown; none comes before the one before."""
    data = reel(scene(3), "matroska", "mpeg4", times=[0, 40, 80], fps=25)
    left = iter(stamps)

    def given(source: Any, packet: Any) -> Any:
        found = decode_packet(source, packet)
        for frame in found:
            frame.pts, frame.duration = next(left), 40
        return found

    monkeypatch.setattr("guardrails.media.rewrite.recode_tracks.decode_packet", given)
    made = through(data, "video", lambda stream, to: FrameTrack(stream, first_of(data), "libx264", to))
    assert [frame.pts for frame in frames_of(made)] == expected


@each_case("codec", ["libx264", "mpeg4"])
@each_case(("cut", "expected"), [((0, 0), 7.0), ((4_000, 4_500), 2.0), ((500, 600), 6.0)])
def test_the_last_frame_stays_as_long_as_it_did(codec: str, cut: tuple[int, int], expected: float) -> None:
    """A talk may end with a page that is shown for long; where it is cut, the one before does."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        stream.width, stream.height = 160, 120
        frames = [av.VideoFrame.from_ndarray(pixels, "rgb24") for pixels in scene(3)]
        packets = [packet for frame in [*frames, None] for packet in stream.encode(frame)]
        packets[-1].duration = 5 * packets[-1].time_base.denominator
        container.mux(packets)
    plan = plan_edits([FilmEdit(cut, "cut")], (160, 120), {"cut": 0, "mute": 0}) if cut[1] else EditPlan()
    data = out.getvalue()
    made = through(
        data, "video", lambda stream, to: FrameTrack(stream, first_of(data), codec, to), plan, "mp4"
    )
    with av.open(io.BytesIO(made), "r") as found:
        assert (found.duration or 0) / 1e6 == pytest.approx(expected, abs=0.1)


def test_what_was_read_and_what_goes_on_is_counted(reel: Reel) -> None:
    """A frame that is cut was read."""
    data = reel(scene(30), "matroska")
    tracks: list[FrameTrack] = []

    def make(stream: Any, to: TrackOutput) -> FrameTrack:
        tracks.append(FrameTrack(stream, first_of(data), "libx264", to))
        return tracks[0]

    through(data, "video", make, plan_edits([FilmEdit((500, 600), "cut")], (160, 120), {"cut": 0, "mute": 0}))
    assert (tracks[0].seen, tracks[0].count, round(tracks[0].end, 2)) == (30, 27, 1.0)


@each_case(
    ("codec", "rate", "layout", "expected"),
    [
        ("aac", 44_100, "stereo", (44_100, "stereo")),
        ("aac", 48_000, "5.1", (48_000, "5.1")),
        ("aac", 11_025, "mono", (11_025, "mono")),
        ("libopus", 44_100, "stereo", (48_000, "stereo")),
        ("libopus", 8_000, "mono", (48_000, "mono")),  # as all of it is decoded
    ],
)
def test_sound_keeps_its_channels(codec: str, rate: int, layout: str, expected: tuple[int, str]) -> None:
    """And its rate, or the next one that the encoder has; it begins and ends when it did."""
    data = tone(1.0, rate, layout)
    plan = plan_edits([FilmEdit((400, 600), "mute")], (16, 16))
    made = through(data, "audio", lambda stream, to: SoundTrack(stream, codec, to), plan)
    found_rate, found_layout, begins, samples = heard(made)
    assert (found_rate, found_layout) == expected
    assert begins == pytest.approx(0, abs=0.02)
    assert samples.shape[1] / found_rate == pytest.approx(1.0, abs=0.2)
    assert np.abs(samples[:, int(0.42 * found_rate) : int(0.58 * found_rate)]).max() < 1e-4
    assert np.abs(samples[:, : int(0.1 * found_rate)]).max() == pytest.approx(8_000 / 32_768, abs=0.1)


def test_copied_sound_is_the_same() -> None:
    """Packet by packet; times begin where the film does."""
    data = film(scene(30), "ts", sound=np.ones(48_000, np.float32) * 0.1)
    made = through(data, "audio", CopiedTrack, container="mp4")
    with av.open(io.BytesIO(data), "r") as old, av.open(io.BytesIO(made), "r") as new:
        before = [packet.pts for packet in old.demux(audio=0) if packet.size]
        after = [packet.pts for packet in new.demux(audio=0) if packet.size]
        base, new_base = old.streams.audio[0].time_base, new.streams.audio[0].time_base
    assert base is not None
    assert new_base is not None
    assert [float(pts * new_base) for pts in after if pts is not None] == pytest.approx(
        [float(pts * base) - float((before[0] or 0) * base) for pts in before if pts is not None], abs=1e-3
    )


def test_a_damaged_packet_gives_no_frame(reel: Reel) -> None:
    """And is no error: what follows can be read."""
    with av.open(io.BytesIO(reel(scene(5), "matroska")), "r") as container:
        stream = container.streams.video[0]
        assert [*decode_packet(stream, av.Packet(b"\x00\x00\x00\x02\x65\xff\xff" * 20))] == []
        frames = [
            frame
            for packet in container.demux(stream)
            if packet.size
            for frame in decode_packet(stream, packet)
        ]
        assert len([*frames, *decode_packet(stream, None)]) == 5
