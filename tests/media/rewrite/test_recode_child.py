"""The writing of a film, in this process: what is chosen for it, what is left out, and how it ends."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

import av
import numpy as np
import pytest

from guardrails.media.errors import MediaError
from guardrails.media.rewrite.edit_plan import MARGINS_MS, FilmEdit
from guardrails.media.rewrite.recode_child import TargetFile, encode_task, is_readable, recode
from guardrails.media.video.film_opening import DescriptorFile
from guardrails.media.video.film_parts import VideoLimits
from tests.films import film, scene

Reel = Callable[..., bytes]
EDITS = (FilmEdit((0, 100), "solid", ((1, 2, 30, 40),)),)


@pytest.fixture
def target() -> Iterator[IO[bytes]]:
    """A file to write to."""
    with tempfile.TemporaryFile() as file:
        yield file


def written(
    data: bytes, target: IO[bytes], kinds: tuple[str, str] = ("mov", "mp4"), **limits: Any
) -> tuple[bytes, list[dict[str, Any]]]:
    """Return what comes of a film, and what was told on the way."""
    told: list[dict[str, Any]] = []
    target.write(encode_task(EDITS, (160, 120), MARGINS_MS, 0.0))
    target.flush()
    with tempfile.TemporaryFile() as source:
        source.write(data)
        source.flush()
        recode(
            DescriptorFile(source.fileno()),
            target.fileno(),
            kinds,
            VideoLimits(**limits),
            lambda head, _: told.append(head),
        )
    target.seek(0)
    return target.read(), told


def test_what_is_asked_is_json() -> None:
    """Nothing else ever reaches the process."""
    assert json.loads(encode_task(EDITS, (160, 120), {"cut": 5}, 0.1)) == {
        "edits": [{"clip": [0, 100], "how": "solid", "boxes": [[1, 2, 30, 40]]}],
        "size": [160, 120],
        "margins": {"cut": 5},
        "margin": 0.1,
    }


def test_a_film_takes_the_place_of_what_was_asked(target: IO[bytes]) -> None:
    """Also where that was longer; and it is told how far it is from the beginning on."""
    target.write(b" " * 500_000)
    made, told = written(film(scene(10)), target)
    assert made[4:8] == b"ftyp"
    assert len(made) < 500_000
    assert told[0] == {"kind": "went", "seconds": 0.0}
    with av.open(io.BytesIO(made), "r") as container:
        assert len([*container.decode(video=0)]) == 10


def test_a_target_is_written_and_read_again(target: IO[bytes]) -> None:
    """From any place."""
    place = TargetFile(target.fileno())
    assert (place.write(b"abcdef"), place.seek(2), place.write(b"X"), place.tell()) == (6, 2, 1, 3)
    assert (place.seek(0), place.read(9)) == (0, b"abXdef")
    assert (place.seek(0, 2), place.size) == (6, 6)


def test_a_cover_does_not_go_on(target: IO[bytes]) -> None:
    """It is no part of the film that is watched."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        frames: Any = container.add_stream("libx264", rate=30)
        cover: Any = container.add_stream("png", rate=30)
        frames.width, frames.height, cover.width, cover.height = 160, 120, 32, 32
        cover.pix_fmt, cover.disposition = "rgb24", av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")))
        for pixels in scene(10):
            container.mux(frames.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(frames.encode(None))
    made, _ = written(out.getvalue(), target)
    with av.open(io.BytesIO(made), "r") as container:
        assert [(stream.type, stream.codec_context.name) for stream in container.streams] == [
            ("video", "h264")
        ]


@pytest.mark.parametrize(
    ("sound", "family", "expected"),
    [
        ("aac", "webm", "opus"),
        ("aac", "matroska", "aac"),
        ("flac", "matroska", "aac"),
        ("pcm_s16le", "mp4", "pcm_s16le"),
    ],
)
def test_which_sound_goes_on_as_it_is(sound: str, family: str, expected: str, target: IO[bytes]) -> None:
    """Not one that the new container does not take, nor one whose head may have titles."""
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as container:
        frames: Any = container.add_stream("libx264", rate=30)
        frames.width, frames.height = 160, 120
        voice: Any = container.add_stream(sound, rate=48_000)
        voice.layout = "mono"
        for number, pixels in enumerate(scene(30)):
            container.mux(frames.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
            piece = av.AudioFrame.from_ndarray(np.full((1, 1_600), 900, np.int16), "s16", "mono")
            piece.sample_rate, piece.pts = 48_000, 1_600 * number
            container.mux(voice.encode(piece))
        container.mux([*frames.encode(None), *voice.encode(None)])
    made, _ = written(out.getvalue(), target, ("matroska", family))
    with av.open(io.BytesIO(made), "r") as container:
        assert [stream.codec_context.name for stream in container.streams.audio] == [expected]
        samples = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert samples.shape[1] == pytest.approx(48_000, abs=3_000)


def test_damaged_sound_is_encoded_where_it_cannot_be_copied(target: IO[bytes]) -> None:
    """One packet that no container takes is no reason to have no film: what can be heard of the rest goes on."""
    data = film(scene(30), "ts", sound=np.sin(np.arange(48_000) / 20).astype(np.float32))
    with av.open(io.BytesIO(data), "r") as container:
        heads = [bytes(packet)[:7] for packet in container.demux(audio=0) if packet.size]
    data = data.replace(heads[20], bytes(7), 1)
    made, _ = written(data, target, ("mpegts", "mp4"))
    with av.open(io.BytesIO(made), "r") as container:
        samples = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert samples.shape[1] == pytest.approx(48_000, abs=4_000)
    assert np.abs(samples[:, -8_000:-4_000]).max() > 0.5


def test_which_sound_is_heard() -> None:
    """That of a codec which is on the list of those that are decoded."""
    with av.open(io.BytesIO(film(scene(3), sound=np.zeros(4_800, np.float32))), "r") as container:
        assert is_readable(container.streams.audio[0])


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"bytes": 10}, "too_many_bytes"),
        ({"frames": 9}, "too_many_frames"),
        ({"seconds": 0.2}, "too_many_frames"),
    ],
)
def test_limits_end_it(limits: dict[str, Any], code: str, target: IO[bytes]) -> None:
    """While it is written, not when it is done."""
    with pytest.raises(MediaError) as caught:
        written(film(scene(10)), target, **limits)
    assert caught.value.code == code


def test_what_is_no_film_is_an_error(target: IO[bytes]) -> None:
    """By the reader that was named, whatever it is."""
    with pytest.raises(MediaError) as caught:
        written(b"\x00\x00\x00\x18ftypisom" + bytes(2_000), target)
    assert caught.value.code == "undecodable"
