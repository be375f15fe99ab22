"""Opening: one reader, no address, and what a file says of itself."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.media.errors import MediaError
from guardrails.media.video.film_opening import (
    PICTURES,
    SOUNDS,
    TEXTS,
    DescriptorFile,
    describe_film,
    open_container,
)
from guardrails.media.video.film_parts import VideoLimits
from tests.cases import each_case

Reel = Callable[..., bytes]
Scene = Callable[..., Any]


@contextmanager
def filed(data: bytes) -> Iterator[DescriptorFile]:
    """Give bytes as a file."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        yield DescriptorFile(file.fileno())


@given(
    st.binary(max_size=300),
    st.lists(st.tuples(st.integers(0, 2), st.integers(-400, 400), st.integers(0, 200))),
)
def test_a_file_has_a_place_of_its_own(data: bytes, steps: list[tuple[int, int, int]]) -> None:
    """It reads what any file reads, wherever others that share its descriptor stand."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        ours, shared = DescriptorFile(file.fileno()), DescriptorFile(file.fileno())
        for whence, offset, size in steps:
            base = {os.SEEK_SET: 0, os.SEEK_CUR: ours.tell(), os.SEEK_END: len(data)}[whence]
            assert ours.seek(offset, whence) == ours.tell() == max(0, base + offset)
            assert ours.read(size) == data[max(0, base + offset) :][:size]
            shared.read(7)


@each_case("reader", ["mov", "matroska", "avi", "mpegts"])
@each_case("data", [b"", b"#EXTM3U\n" * 400, b"ffconcat version 1.0\nfile '/etc/passwd'\n" * 99])
def test_only_the_reader_that_was_named_reads(reader: str, data: bytes) -> None:
    """Whatever FFmpeg would take the file for."""
    with (
        filed(data) as file,
        pytest.raises(MediaError) as caught,
        open_container(file, reader, VideoLimits()),
    ):
        raise AssertionError("it was opened")
    assert caught.value.code in ("undecodable", "no_video")


def test_no_address_in_a_file_is_opened(reel: Reel, scene_of: Scene, tmp_path: Path) -> None:
    """A QuickTime file can name another one that holds its frames."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"zqx" * 10_000)
    data = reel(map(scene_of(), range(3)), "mov")
    at = data.index(b"url ")
    reference = b"alis" + bytes(4)  # its flag says that the frames stand elsewhere
    with (
        filed(data[:at] + reference + data[at + 8 :]) as file,
        open_container(file, "mov", VideoLimits()) as container,
    ):
        frames = sum(len(packet.decode()) for packet in container.demux(video=0))
    assert frames in (0, 3)


def test_what_a_file_says_of_itself(reel: Reel, scene_of: Scene) -> None:
    """Its size as shown, its tracks, its texts."""
    data = reel(map(scene_of(), range(30)), "matroska", metadata={"title": "zqxbomb"})
    with filed(data) as file, open_container(file, "matroska", VideoLimits()) as container:
        found = describe_film(container)
    assert (found.width, found.height, found.rotation) == (128, 72, 0)
    assert (found.seconds, found.frame_rate) == (pytest.approx(1.0, abs=0.05), pytest.approx(30, abs=0.1))
    assert [(track.index, track.kind, track.codec) for track in found.tracks] == [(0, "video", "h264")]
    assert ("title", "zqxbomb") in found.metadata


def test_a_codec_that_is_not_on_the_list_is_refused(reel: Reel, scene_of: Scene) -> None:
    """A decoder that nobody needs is one that nobody watches over."""
    data = reel(map(scene_of(), range(3)), "avi", "snow", options={"strict": "experimental"})
    with filed(data) as file, pytest.raises(MediaError) as caught, open_container(file, "avi", VideoLimits()):
        raise AssertionError("it was opened")
    assert caught.value.code in ("unsupported_type", "undecodable")


def test_decoders_have_one_list_each() -> None:
    """Nothing stands twice."""
    names = (*PICTURES, *SOUNDS, *TEXTS)
    assert len(names) == len({*names})
