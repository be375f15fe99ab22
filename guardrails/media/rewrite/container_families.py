"""The containers, options and encoders that films and sounds are written with.

Runs in the process that can be killed. A family without frames, `sound/…` by the format of a file, is for sound alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from guardrails.media.errors import MediaError


@dataclass(frozen=True, slots=True)
class ContainerFamily:
    """A container that is written: FFmpeg's name and options of it, its encoders of frames, the best one first, and of sound.

    One without frames is for sound alone. That keeps its codec, where it is one of `same`.
    """

    muxer: str
    options: Mapping[str, str]
    frames: tuple[str, ...]
    sound: str
    same: frozenset[str] = frozenset()


COPIED: Final = frozenset(
    ("aac", "mp3", "mp2", "opus", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_mulaw", "pcm_alaw")
)
"""Codecs of sound that is copied: Vorbis and FLAC have titles in their heads."""

BARE: Final = {"fflags": "+bitexact"}
"""Nothing says what wrote it, or when."""

BOXES: Final = {**BARE, "movflags": "+faststart", "movie_timescale": "90000"}

ENCODERS: Final[Mapping[str, str]] = MappingProxyType({"mp3": "libmp3lame", "opus": "libopus"})
"""Encoders of sound that are not called as their codec is."""

PLAIN: Final = frozenset(
    ("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_u8", "pcm_alaw", "pcm_mulaw")
)
PLAIN_BIG: Final = frozenset(("pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be"))
"""Sound as numbers, as WAV and as AIFF have it."""

FAMILIES: Final[Mapping[str, ContainerFamily]] = MappingProxyType(
    {
        "mp4": ContainerFamily("mp4", BOXES, ("libx264", "mpeg4"), "aac"),
        "matroska": ContainerFamily("matroska", BARE, ("libx264", "mpeg4"), "aac"),
        "webm": ContainerFamily("webm", BARE, ("libvpx-vp9",), "libopus"),
        "sound/wav": ContainerFamily("wav", BARE, (), "pcm_s16le", PLAIN),
        "sound/aiff": ContainerFamily("aiff", BARE, (), "pcm_s16be", PLAIN_BIG),
        "sound/mp3": ContainerFamily("mp3", BARE, (), "libmp3lame"),
        "sound/m4a": ContainerFamily("ipod", BOXES, (), "aac", frozenset(("aac", "alac"))),
        "sound/mp4": ContainerFamily(
            "mp4", BOXES, (), "aac", frozenset(("aac", "alac", "mp3", "opus", "flac"))
        ),
        "sound/mov": ContainerFamily("mov", BOXES, (), "aac", frozenset(("aac", "alac", "mp3")) | PLAIN),
        "sound/aac": ContainerFamily("adts", BARE, (), "aac"),
        "sound/ogg": ContainerFamily("ogg", BARE, (), "libopus", frozenset(("opus", "flac"))),
        "sound/flac": ContainerFamily("flac", BARE, (), "flac"),
        "sound/webm": ContainerFamily("webm", BARE, (), "libopus"),
        "sound/matroska": ContainerFamily(
            "matroska", BARE, (), "aac", frozenset(("mp3", "opus", "flac")) | PLAIN
        ),
    }
)


def find_encoder(names: Iterable[str], have: Iterable[str]) -> str:
    """Return the first name that FFmpeg has.

    Raises:
        MediaError: it has none.
    """
    found = next((name for name in names if name in have), None)
    if found is None:
        raise MediaError("unsupported_type", "FFmpeg has no encoder for such a film")
    return found
