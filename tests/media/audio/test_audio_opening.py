"""What a container must hold to be a sound, and what it says of itself, in the process that decodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails.media.audio.audio_opening import COVERS, check_sound, describe_sound, send_covers
from guardrails.media.errors import MediaError
from guardrails.media.video.film_opening import DescriptorFile, open_container
from guardrails.media.video.film_parts import VideoLimits

Tape = Callable[..., bytes]
TONE = (0.3 * np.sin(np.arange(16_000) * 0.2)).astype(np.float32)


@contextmanager
def filed(folder: Path, data: bytes) -> Iterator[DescriptorFile]:
    """Give a file by its descriptor."""
    path = folder / "a"
    path.write_bytes(data)
    with path.open("rb") as file:
        yield DescriptorFile(file.fileno())


def test_a_sound_says_what_it_is(tape: Tape, tmp_path: Path) -> None:
    """How long, its tracks, and its texts; it has no size."""
    data = tape(TONE, "flac", "flac", metadata={"title": "zqx"})
    with (
        filed(tmp_path, data) as file,
        open_container(file, "flac", VideoLimits(), fits=check_sound) as container,
    ):
        found = describe_sound(container)
    assert (found.width, found.height, found.rotation, found.frame_rate) == (0, 0, 0, None)
    assert found.seconds == pytest.approx(1.0, abs=0.1)
    assert [(track.kind, track.codec, track.read) for track in found.tracks] == [("audio", "flac", True)]
    assert ("title", "zqx") in found.metadata


def code_of(folder: Path, data: bytes, reader: str, limits: VideoLimits | None = None) -> str:
    """Return the code of the error with which a container is not opened."""
    with (
        filed(folder, data) as file,
        pytest.raises(MediaError) as caught,
        open_container(file, reader, limits or VideoLimits(), fits=check_sound),
    ):
        pass
    return caught.value.code


def test_what_holds_something_else_is_refused(
    tape: Tape,
    reel: Callable[..., bytes],
    scene_of: Callable[..., Any],
    draw: Callable[..., Any],
    file_of: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    """Pictures that move, too many tracks, too many covers, and what has no sound at all."""
    frame = scene_of()
    assert code_of(tmp_path, reel([frame(0), frame(1)], "matroska"), "matroska") == "mistyped"
    two = tape(TONE, "matroska", "flac", tracks=2)
    assert code_of(tmp_path, two, "matroska", VideoLimits(tracks=1)) == "too_many_tracks"
    many = tape(TONE, "flac", "flac", covers=[file_of(draw(), "jpeg")] * (COVERS + 1))
    assert code_of(tmp_path, many, "flac") == "too_many_tracks"
    assert code_of(tmp_path, tape(TONE)[:20], "wav") == "undecodable"


def test_a_codec_that_is_not_read_is_refused(tape: Tape, tmp_path: Path) -> None:
    """Decoders are those of a list; this codec is one of game consoles, which nothing needs."""
    assert code_of(tmp_path, tape(TONE, "wav", "adpcm_yamaha"), "wav") == "unsupported_type"


def test_covers_are_sent_as_they_are(
    tape: Tape, draw: Callable[..., Any], file_of: Callable[..., bytes], tmp_path: Path
) -> None:
    """One after the other, with the number of their track."""
    covers = [file_of(draw(seed=number), "jpeg") for number in range(3)]
    sent: list[tuple[dict[str, Any], bytes]] = []
    with filed(tmp_path, tape(TONE, "flac", "flac", covers=covers)) as file:
        send_covers(file, "flac", VideoLimits(), lambda head, parts: sent.append((head, parts[0].tobytes())))
    assert [body for _, body in sent] == covers
    assert [head["track"] for head, _ in sent] == [1, 2, 3]
