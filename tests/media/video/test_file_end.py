"""Where a film ends in its file: what stands behind it is counted, and nothing that belongs to it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

import numpy as np
import pytest

from guardrails.media.video import file_end
from guardrails.media.video.file_end import SPARE, count_trailing_bytes
from guardrails.media.video.file_type import HEAD, detect_file_type
from guardrails.media.video.film_opening import DescriptorFile
from tests.cases import each_case
from tests.films import CONTAINERS, film, scene, taped

SOUNDS = {"wav": "pcm_s16le", "aiff": "pcm_s16be", "mp3": "mp3", "flac": "flac", "adts": "aac", "ipod": "aac"}
JUNK = b"\x00\x00\x00\x07 more of something else"
ENDLESS = ("ts", "mp3", "flac", "adts")
"""Files that do not say where they end."""


def made(ending: str, **options: str) -> bytes:
    """Return a film or a sound."""
    if ending in SOUNDS:
        return taped(np.zeros(8_000, np.float32), ending, SOUNDS[ending])
    return film(scene(10), ending, **options)


def counted(data: bytes) -> int:
    """Return what stands behind the end of a file."""
    kind = detect_file_type(data[:HEAD])
    assert kind is not None
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return count_trailing_bytes(DescriptorFile(file.fileno()), kind.reader)


@each_case("ending", [*CONTAINERS, *SOUNDS])
def test_what_stands_behind_is_counted(ending: str) -> None:
    """Another film, whatever it is, and anything else; zeros say nothing, and a file that is cut off has nothing behind."""
    data = made(ending)
    assert counted(data) == 0
    assert counted(data[:-50]) == 0
    assert counted(data + bytes(5_000)) == 0
    for more in (JUNK, bytes(100) + JUNK, data, made("mkv"), made("mp4")):
        assert counted(data + more) == (0 if ending in ENDLESS else len(more))


def box(kind: bytes, size: int) -> bytes:
    """Return a box."""
    return size.to_bytes(4, "big") + kind + bytes(size - 8)


@each_case(
    ("more", "left"),
    [
        (box(b"free", 5_000), 0),
        (box(b"uuid", SPARE - 8), 0),
        (box(b"free", SPARE) + box(b"free", 8), SPARE + 16),
        (box(b"moof", 100) + box(b"mdat", 2 * SPARE), 0),
        (b"\x00\x00\x00\x01free" + (100).to_bytes(8, "big") + bytes(84), 0),
        (b"\x00\x00\x00\x00mdat" + b"x" * 100, 0),
        (b"\x00\x00\x00\xfffreenot so long", 19),
        (b"\x00\x00\x00\x01free", 8),
        (b"\x00", 0),
        (b"\x01", 1),
    ],
)
def test_boxes_that_readers_skip_are_part_of_a_film(more: bytes, left: int) -> None:
    """As long as they are small, this one's own of eight bytes with them: writers leave room for later."""
    assert counted(made("mp4") + more) == left


def test_a_film_in_fragments_has_nothing_behind(reel: Callable[..., bytes]) -> None:
    """Nor one that was written while it was sent, and so says no size."""
    assert counted(reel(scene(40), mux={"movflags": "frag_keyframe+empty_moov"})) == 0
    assert counted(reel(scene(40), "matroska", mux={"live": "1"})) == 0


def test_a_second_part_of_an_avi_belongs_to_it() -> None:
    """One of another kind does not."""
    data = made("avi")
    part = b"RIFF" + (104).to_bytes(4, "little") + b"AVIX" + bytes(100)
    assert counted(data + part) == 0
    assert counted(data + part + JUNK) == len(JUNK)
    assert counted(data + part.replace(b"AVIX", b"WAVE")) == len(part)


@each_case(
    ("ending", "piece"),
    [("mp4", box(b"free", 8)), ("mkv", b"\xec\x80"), ("avi", b"RIFF\x04\0\0\0AVIX")],
)
def test_who_makes_a_file_of_millions_of_boxes_wins_no_time(
    ending: str, piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not all gone through: the others are behind the film."""
    monkeypatch.setattr(file_end, "BOXES", 100)
    assert counted(made(ending) + 50 * piece) == 0
    left = counted(made(ending) + 1_000 * piece + b"x")
    assert 900 * len(piece) <= left <= 1_000 * len(piece)


@each_case("size", [1, 8, 11, 12, 40])
def test_the_beginning_of_a_file_alone_has_nothing_behind(size: int) -> None:
    """However early it is cut off."""
    for ending, reader in (
        ("mp4", "mov"),
        ("mkv", "matroska"),
        ("avi", "avi"),
        ("wav", "wav"),
        ("aiff", "aiff"),
    ):
        with tempfile.TemporaryFile() as file:
            os.write(file.fileno(), made(ending)[:size])
            assert count_trailing_bytes(DescriptorFile(file.fileno()), reader) in (0, size)
