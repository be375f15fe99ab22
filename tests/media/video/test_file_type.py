"""Sniffing: what a file is by its first bytes, and what nobody takes for a film."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.media.errors import MediaError
from guardrails.media.video.file_type import HEAD, detect_file_type, detect_film_type, is_framed
from tests.cases import each_case
from tests.films import taped

Reel = Callable[..., bytes]


def boxes(brand: bytes, *more: bytes) -> bytes:
    """Return the first box of a file of boxes."""
    body = b"ftyp" + brand + bytes(4) + b"".join(more)
    return (len(body) + 4).to_bytes(4, "big") + body


def silence() -> bytes:
    """Return a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(bytes(1_600))
    return out.getvalue()


@each_case(
    ("head", "name", "what"),
    [
        (boxes(b"isom", b"mp41"), "mp4", "film"),
        (boxes(b"3gp5"), "mp4", "film"),
        (boxes(b"qt  "), "mov", "film"),
        (bytes(4) + b"moov" + bytes(8), "mov", "film"),
        (boxes(b"M4A "), "m4a", "sound"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "webm", "film"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", "matroska", "film"),
        (b"RIFF\0\0\0\0AVI LIST", "avi", "film"),
        ((b"G" + bytes(187)) * 3, "mpegts", "film"),
        ((bytes(4) + b"G" + bytes(187)) * 3, "mpegts", "film"),
        (silence(), "wav", "sound"),
        (b"fLaC" + bytes(40), "flac", "sound"),
        (b"OggS" + bytes(40), "ogg", "sound"),
        (b"ID3\4" + bytes(40), "mp3", "sound"),
        (b"\xff\xfb\x90\x64" + bytes(40), "mp3", "sound"),
        (b"\xff\xf1\x50\x80" + bytes(40), "aac", "sound"),
    ],
)
def test_files_are_known_by_their_first_bytes(head: bytes, name: str, what: str) -> None:
    """Films and sound, whatever they are called."""
    found = detect_file_type(head)
    assert found is not None
    assert (found.format, found.what) == (name, what)


@each_case(
    "head",
    [
        b"",
        b"G",
        b"GIF89a" + bytes(400),
        b"G" + bytes(150),
        boxes(b"avif"),
        boxes(b"heic"),
        boxes(b"mif1", b"avif"),
        b"RIFF\0\0\0\0WEBPVP8X",
        b"\x89PNG\r\n\x1a\n" + bytes(40),
        b"\xff\xd8\xff\xe0" + bytes(40),
        b"ffconcat version 1.0\n",
        b"#EXTM3U\n",
        b"<?xml version='1.0'?><MPD/>",
        b"WEBVTT\n\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        b"PK\3\4" + bytes(40),
    ],
)
def test_what_is_neither_is_nothing(head: bytes) -> None:
    """Pictures that move are pictures; lists of addresses are texts."""
    assert detect_file_type(head) is None


def test_a_film_that_is_also_said_to_be_a_picture_is_a_film() -> None:
    """Only the first brand, or one behind that of all pictures, makes it one."""
    found = detect_file_type(boxes(b"isom", b"avif"))
    assert found is not None
    assert found.what == "film"


@each_case(
    ("declared", "fits"),
    [
        (None, True),
        ("", True),
        ("application/octet-stream", True),
        ("video/mp4", True),
        ("VIDEO/MP4; codecs=avc1", True),
        (".m4v", True),
        ("mov", True),
        ("audio/mp4", True),
        ("video/webm", False),
        ("image/gif", False),
        ("text/plain", False),
    ],
)
def test_what_is_declared_has_to_agree(declared: str | None, fits: bool) -> None:
    """Names of one kind of container are one."""
    head = boxes(b"isom")
    if fits:
        assert detect_film_type(head, declared).format == "mp4"
        return
    with pytest.raises(MediaError) as caught:
        detect_film_type(head, declared)
    assert caught.value.code == "mistyped"


def test_sound_is_no_film_unless_boxes_may_hold_one() -> None:
    """What is called M4A may have a video track: opening tells."""
    with pytest.raises(MediaError) as caught:
        detect_film_type(silence(), None)
    assert caught.value.code == "mistyped"
    assert detect_film_type(boxes(b"M4A "), None).reader == "mov"


@given(st.binary(max_size=HEAD))
def test_any_bytes_are_something_or_nothing(head: bytes) -> None:
    """And nothing breaks over them."""
    found: Any = detect_file_type(head)
    assert found is None or found.reader in (
        "mov",
        "matroska",
        "avi",
        "mpegts",
        "wav",
        "flac",
        "ogg",
        "mp3",
        "aiff",
        "aac",
    )


@each_case(
    ("container", "codec", "start"), [("mp3", "libmp3lame", b"\xff\xf3"), ("adts", "aac", b"\xff\xf1")]
)
def test_frames_that_follow_each_other_are_no_samples(container: str, codec: str, start: bytes) -> None:
    """One alone may be; so may two that are not as long as they say."""
    file = taped(np.sin(np.arange(16_000) / 9), container, codec)
    frames = file[file.index(start) :][:HEAD]
    assert is_framed(frames)
    assert not is_framed(frames[:6])
    assert not is_framed(frames[:4] + b"\0" + frames[4:])
    assert not is_framed(frames[1:])


@given(st.integers(0, 2**32 - 1), st.integers(1, 200))
def test_samples_are_taken_for_no_frames(seed: int, loud: int) -> None:
    """However softly they begin: -1 and 0 are what a frame may begin with."""
    samples = np.random.default_rng(seed).integers(-loud, loud + 1, HEAD // 2).astype("<i2")
    samples[0] = -1
    assert not is_framed(samples.tobytes())
    assert not is_framed(samples.tobytes()[:5])
