"""Opens sounds from a path, bytes or an open file as a `Recording`, or raises a named error.

    with open_recording(Path("a.mp3")) as recording, recording.sound() as sound:
        for start_ms, samples in sound:
            samples               # float32 [samples], 16 kHz, one channel
        sound.stopped, sound.corrupt

For files of sound alone (wav, mp3, m4a, aac, ogg, flac, aiff, and webm and matroska without a film). As of films, nothing is
decoded in this process, what a file is its bytes say, and what it is declared to be has to agree (`video`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import IO, BinaryIO, Final

from guardrails.media.errors import MediaError
from guardrails.media.images.outline import WALKS, sniff_format
from guardrails.media.unread_types import CURES
from guardrails.media.video.file_type import FileType, agree_type, detect_file_type
from guardrails.media.video.film_parts import MediaTrack, VideoLimits
from guardrails.media.video.film_source import OpenedFile, open_source, probe_film, require_package
from guardrails.media.video.processes.film_process import LOUD, SMALL, OutOfTime, ProcessEnded
from guardrails.media.video.processes.film_run import SoundRun

__all__ = ["AudioLimits", "MediaTrack", "Recording", "SoundRun", "open_recording"]

SOUNDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "wav": ("wav", "x-wav", "wave", "vnd.wave", "x-pn-wav"),
        "mp3": ("mp3", "mpeg", "mpga", "mpeg3", "x-mp3", "x-mpeg-3"),
        "mov": ("m4a", "mp4", "x-m4a", "m4b", "mpeg4-generic", "3gpp", "quicktime"),
        "aac": ("aac", "x-aac", "aacp", "x-hx-aac-adts"),
        "ogg": ("ogg", "oga", "opus", "vorbis", "x-ogg"),
        "flac": ("flac", "x-flac"),
        "aiff": ("aiff", "aif", "x-aiff"),
        "matroska": ("webm", "mka", "weba", "matroska", "x-matroska"),
    }
)
"""What a sound of each reader is called by media types and suffixes."""

NAMED: Final[Mapping[str, str]] = MappingProxyType(
    {name: of for of, names in SOUNDS.items() for name in names}
)


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """What may be spent on a sound. Over `bytes` or `tracks` it is not opened; `seconds` end what is listened to.

    `grace` and `wall_factor` are the clock: seconds that the process may be waited for, and seconds more for each second of
    sound that it went through. `memory` is the process's, in bytes of addresses. With `by_bytes` a file is
    what its bytes are, whatever somebody says that it is.
    """

    bytes: int = 200_000_000
    seconds: float = 3_600.0
    tracks: int = 4
    grace: float = 10.0
    wall_factor: float = 0.25
    memory: int = 1 << 30
    by_bytes: bool = False

    def of_film(self) -> VideoLimits:
        """Return these as what the process that decodes takes."""
        return VideoLimits(
            bytes=self.bytes,
            seconds=self.seconds,
            tracks=self.tracks,
            grace=self.grace,
            wall_factor=self.wall_factor,
            memory=self.memory,
            threads=1,
            by_bytes=self.by_bytes,
        )


class Recording(OpenedFile):
    """A sound that was opened.

    `seconds` is what the file says, None where it does not. `tracks` are those of sound, and of kind `video` the cover pictures.
    `metadata` holds all texts of container, tracks and chapters as pairs of name and text. `sha256` is that of the file. `behind`
    counts bytes that belong to nothing that is read of it.
    """

    def __init__(self, file: IO[bytes], size: int, sha256: str, kind: FileType, limits: AudioLimits) -> None:
        """Take an open file; `kind` is what its bytes say that it is. Use `open_recording`."""
        super().__init__(file, size, sha256, kind, limits.of_film(), alone=True)
        told = probe_film(self.process("probe", SMALL))
        self.seconds, self.tracks = told.seconds, told.tracks
        self.metadata, self.behind = told.metadata, told.behind

    def sound(self, rate: int = 16_000, track: int | None = None, channel: int | None = None) -> SoundRun:
        """Return the sound of a track (None: the first), piece by piece, at so many samples a second: all channels mixed, or one
        of `SoundRun.apart`, silent where the mix has what it has.
        """
        if track is None:
            track = next(each.index for each in self.tracks if each.kind == "audio")
        return SoundRun(self.process("sound", LOUD, rate=rate, track=track, channel=channel))

    def covers(self) -> tuple[bytes, ...]:
        """Return the files of the pictures that players show beside it.

        Raises:
            MediaError: they cannot be read.
        """
        if not any(each.kind == "video" for each in self.tracks):
            return ()
        try:
            return tuple(body for _, body in self.process("covers", LOUD).answers())
        except OutOfTime as error:
            raise MediaError("timeout", "its cover could not be read in time") from error
        except ProcessEnded as error:
            raise MediaError("undecodable", "the decoder broke down over its cover") from error


def open_recording(
    source: bytes | str | Path | BinaryIO, limits: AudioLimits | None = None, declared: str | None = None
) -> Recording:
    """Return a sound; `declared` is the type that it is said to be (for a path: its suffix, where that names a sound).

    What comes as bytes or as a file that was opened is kept in a temporary file, up to `AudioLimits.bytes`.

    Raises:
        MediaError: why it cannot be listened to; `mistyped` also where pictures move in it.
        MissingExtra: `guardrails-middleware[video]` is not installed.
        GuardUnavailable: all processes that decode are busy.
        OSError: a path cannot be read.
    """
    require_package("listening to sounds")
    limits = limits or AudioLimits()
    made = partial(Recording, limits=limits)
    return open_source(source, limits.of_film(), (declared, NAMED, detect_sound_type), made)


def detect_sound_type(head: bytes, declared: str | None) -> FileType:
    """Return what a sound is by its first bytes; `declared` is the media type or the suffix that somebody says.

    Raises:
        MediaError: `empty`, `unsupported_type`, or `mistyped` where it is said to be something else.
    """
    if not head:
        raise MediaError("empty", "the file is empty")
    found = detect_file_type(head)
    if found is None or found.reader not in SOUNDS:
        names = ", ".join(names[0] for names in SOUNDS.values())
        of = sniff_format(head) if found is None else found.format
        if of in (*WALKS, "avi", "mpegts"):
            raise MediaError("mistyped", f"it is said to be a sound, and its bytes are {of}")
        of = "no known type" if of == "unknown" else f"type {of}"
        message = f"files of {of} are not read as sounds; {names} are: {CURES['sound']}"
        raise MediaError("unsupported_type", message)
    return agree_type(found, declared, NAMED)
