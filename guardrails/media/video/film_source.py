"""Opens films from a path, bytes or an open file as a `Film` that can be watched, read and heard, or raises a named error.

    with open_film(Path("a.mp4")) as film, film.watch() as watch:
        for sample in watch:
            sample.pixels             # uint8 [height, width, 3], upright
        watch.seen                    # what was looked at, and what was not

Nothing of a film is decoded in this process: each watch has one of its own (`film_process`, `film_child`), which looks at
every frame and sends those that are worth a closer look. It can be killed at any moment, and waits while nobody asks for the
next sample.

A film is what its bytes say; what it is declared to be has to agree. What its header says is checked before anything is
decoded.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, TypeVar, cast

from guardrails.errors import MissingExtra
from guardrails.media.errors import MediaError
from guardrails.media.files import Closable, rewind_file
from guardrails.media.video.file_type import HEAD, NAMED, FileType, detect_film_type
from guardrails.media.video.film_parts import (
    Caption,
    FilmDescription,
    FrameSample,
    MediaTrack,
    Sampling,
    VideoLimits,
    WatchAccount,
)
from guardrails.media.video.processes.film_process import LOUD, SMALL, FilmProcess, OutOfTime, ProcessEnded
from guardrails.media.video.processes.film_run import SoundRun, WatchRun

__all__ = [
    "Caption",
    "Film",
    "FrameSample",
    "MediaTrack",
    "Sampling",
    "SoundRun",
    "VideoLimits",
    "WatchAccount",
    "WatchRun",
    "open_film",
]

CHUNK: Final = 1 << 20

VIEWS: Final = 4
"""Ways in which a frame may be seen at most."""

T = TypeVar("T")


class OpenedFile(Closable):
    """A file that was opened, and that processes go through. `close` it, or use it in `with`: it holds a file."""

    def __init__(
        self, file: IO[bytes], size: int, sha256: str, kind: FileType, limits: VideoLimits, **how: Any
    ) -> None:
        """Take an open file; `kind` is what its bytes say that it is, `how` what each process is told."""
        self._file, self._limits = file, limits
        self._state = stat_file(file)
        self._how = {"reader": kind.reader, **how}
        self.format, self.size, self.sha256 = kind.format, size, sha256

    @property
    def wall_s(self) -> float:
        """Seconds that one go through it may be waited for at most."""
        return self._limits.grace + self._limits.wall_factor * self._limits.seconds

    def process(
        self,
        call: str,
        most: int,
        *,
        target: IO[bytes] | None = None,
        limits: VideoLimits | None = None,
        **more: Any,
    ) -> FilmProcess:
        """Start a process that does something with the file: for the other modules of films and sounds.

        Raises:
            MediaError: the file is not the one that was opened.
            GuardUnavailable: too many processes are at work.
        """
        if stat_file(self._file) != self._state:
            raise MediaError("undecodable", "the file was changed since it was opened")
        task = {"call": call, **self._how, **more}
        limits = limits or self._limits
        seconds = limits.grace + limits.wall_factor * limits.seconds
        return FilmProcess(self._file, task, limits, seconds, most, target)

    def close(self) -> None:
        """Close the file; whoever goes through it goes on to the end."""
        self._file.close()


class Film(OpenedFile):
    """A film that was opened.

    `width` and `height` are upright and as shown, and boxes refer to them; `seconds` and `frame_rate` are what the file says,
    None where it does not. `metadata` holds all texts of container, tracks and chapters as pairs of name and text. `sha256`
    is that of the file in hexadecimal digits. `behind` counts bytes of the file that belong to nothing that is read of it.
    """

    def __init__(self, file: IO[bytes], size: int, sha256: str, kind: FileType, limits: VideoLimits) -> None:
        """Take an open file; `kind` is what its bytes say that it is. Use `open_film`."""
        super().__init__(file, size, sha256, kind, limits)
        told = probe_film(self.process("probe", SMALL))
        self.width, self.height, self.rotation = told.width, told.height, told.rotation
        self.seconds, self.frame_rate = told.seconds, told.frame_rate
        self.tracks, self.metadata, self.behind = told.tracks, told.metadata, told.behind

    def watch(self, sampling: Sampling | None = None) -> WatchRun:
        """Look at every frame, and get those that are worth a closer look; raises `GuardUnavailable` where too many watch."""
        how = sampling or Sampling()
        most = VIEWS * 3 * how.side * how.side
        return WatchRun(self.process("watch", most, sampling=asdict(how)), how)

    def stills(self, times: Sequence[int], side: int) -> Iterator[FrameSample]:
        """Yield the frames that are shown at some times, in milliseconds and sorted, by one process; where there is none, none.

        Raises:
            MediaError: it cannot be opened.
            GuardUnavailable: all processes that decode are busy.
        """
        process = self.process("stills", VIEWS * 3 * side * side, times=[*times], side=side)
        with WatchRun(process, Sampling(side=side, budget=len(times))) as watch:
            yield from watch

    def subtitles(self) -> tuple[Caption, ...]:
        """Return the texts of all subtitle tracks that are texts (`MediaTrack.read`), by track and time.

        Raises:
            MediaError: they cannot be read, or there are more than anyone would.
        """
        process = self.process("captions", SMALL)
        found: list[Caption] = []
        try:
            for head, _ in process.answers():
                process.grant(float(head["seconds"]))
                found += (Caption(**each) for each in head["captions"])
        except OutOfTime as error:
            raise MediaError("timeout", "its subtitles could not be read in time") from error
        except (ProcessEnded, KeyError, TypeError, ValueError) as error:
            raise MediaError("undecodable", "the decoder broke down over its subtitles") from error
        return tuple(sorted(found, key=lambda each: (each.track, each.start_ms)))

    def sound(self, rate: int = 16_000, track: int | None = None, channel: int | None = None) -> SoundRun:
        """Return the sound of a track (None: of the first that has any), piece by piece, at so many samples a second: all
        channels mixed, or one of `SoundRun.apart`, silent where the mix has what it has.
        """
        if track is None:
            track = next((each.index for each in self.tracks if each.kind == "audio"), -1)
        return SoundRun(self.process("sound", LOUD, rate=rate, track=track, channel=channel))


def probe_film(process: FilmProcess) -> FilmDescription:
    """Return what a file says of itself, as the process that opens it says; raises `MediaError`."""
    try:
        answers = [*process.answers()]
        told = answers[0][0]["told"]
        tracks = tuple(MediaTrack(**each) for each in told.pop("tracks"))
        metadata = tuple((str(name), str(text)) for name, text in told.pop("metadata"))
        return FilmDescription(**told, tracks=tracks, metadata=metadata)
    except OutOfTime as error:
        raise MediaError("timeout", "it could not be opened in time") from error
    except (ProcessEnded, IndexError, KeyError, TypeError, ValueError) as error:
        raise MediaError("undecodable", "the decoder broke down over it") from error


def open_film(
    source: bytes | str | Path | BinaryIO, limits: VideoLimits | None = None, declared: str | None = None
) -> Film:
    """Return a film; `declared` is the type that it is said to be (for a path: its suffix, where that names a film).

    What comes as bytes or as a file that was opened is kept in a temporary file, up to `VideoLimits.bytes`.

    Raises:
        MediaError: why it cannot be watched.
        MissingExtra: `guardrails-middleware[video]` is not installed.
        GuardUnavailable: all processes that decode are busy.
        OSError: a path cannot be read.
    """
    require_package("watching films")
    limits = limits or VideoLimits()
    return open_source(source, limits, (declared, NAMED, detect_film_type), partial(Film, limits=limits))


def open_source(
    source: bytes | str | Path | BinaryIO,
    limits: VideoLimits,
    what: tuple[str | None, Mapping[str, str], Callable[[bytes, str | None], FileType]],
    make: Callable[[IO[bytes], int, str, FileType], T],
) -> T:
    """Return what is made of an open file, its size, its digest, and what it is; the file is closed where none can be made.

    `what` is the type that it is said to be, the suffixes that say one as well, and what tells it by the first bytes.
    """
    declared, named, kind_by = what
    if isinstance(source, str | Path):
        path = Path(source)
        declared = declared or (path.suffix if path.suffix.lower().removeprefix(".") in named else None)
        file: IO[bytes] = path.open("rb")
    else:
        file = spool_source(source, limits)
    try:
        size = os.fstat(file.fileno()).st_size
        if size > limits.bytes:
            raise MediaError("too_many_bytes", f"{size} bytes are more than {limits.bytes}")
        kind = kind_by(file.read(HEAD), None if limits.by_bytes else declared)
        file.seek(0)
        digest = hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
        return make(file, size, digest, kind)
    except BaseException:
        file.close()
        raise


def require_package(what: str) -> None:
    """Raise `MissingExtra` where the package that decodes is not installed; `what` is what needs it."""
    from importlib.util import find_spec

    if find_spec("av") is None:
        raise MissingExtra(what, "video")


def spool_source(source: bytes | BinaryIO, limits: VideoLimits) -> IO[bytes]:
    """Return a temporary file with what comes; it is gone when it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who gets it
    try:
        if isinstance(source, bytes | bytearray | memoryview):
            if len(source) <= limits.bytes:
                file.write(source)
            else:
                raise MediaError("too_many_bytes", f"{len(source)} bytes are more than {limits.bytes}")
        else:
            with rewind_file(source):
                while chunk := source.read(CHUNK):
                    file.write(chunk)
                    if file.tell() > limits.bytes:
                        raise MediaError("too_many_bytes", f"there are more than {limits.bytes} bytes")
        file.flush()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return cast(IO[bytes], file)


def stat_file(file: IO[bytes]) -> tuple[int, int]:
    """Return what changes when a file is written to."""
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns
