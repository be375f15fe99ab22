"""Writes a film or sound again in a child process, from one open file to another.

Runs in the process that can be killed, in one go through the film: a frame is decoded, made, encoded and forgotten. Frames of the
tracks that are watched and sound go on, and nothing else: no subtitles, data, attachments, covers, chapters, titles, nor
what an edit list hides. Sound of which nothing changes is copied, where the new container takes it and its codec has no texts.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

from guardrails.media.audio import audio_opening
from guardrails.media.errors import MediaError
from guardrails.media.rewrite.container_families import COPIED, ENCODERS, FAMILIES, find_encoder
from guardrails.media.rewrite.edit_plan import EditPlan, FilmEdit, plan_edits
from guardrails.media.rewrite.recode_tracks import (
    CopiedTrack,
    FrameTrack,
    OutputTrack,
    SoundTrack,
    TrackOutput,
    decode_packet,
)
from guardrails.media.rewrite.time_spans import MICRO
from guardrails.media.video.film_opening import SOUNDS, DescriptorFile, is_cover, open_container, read_packets

if TYPE_CHECKING:
    from av import AudioStream, VideoFrame, VideoStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

    from guardrails.media.video.film_parts import VideoLimits

    Send = Callable[[dict[str, Any], list[Any]], None]

BEAT_S: Final = 0.5
"""Seconds after which it is told how far it is."""


class TargetFile(DescriptorFile):
    """The file that is written, by its descriptor."""

    def write(self, data: bytes) -> int:
        """Write at the place."""
        done = os.pwrite(self._descriptor, data, self._at)
        self._at += done
        self.size = max(self.size, self._at)
        return done


class Recoding:
    """One film on its way; `run` does it."""

    def __init__(
        self,
        file: DescriptorFile,
        target: int,
        kinds: tuple[str, str],
        plan: EditPlan,
        limits: VideoLimits,
        send: Send,
    ) -> None:
        """`target` is the descriptor of the file that is written, `kinds` are FFmpeg's reader and the family written."""
        self._file, self._target = file, target
        self._reader, self._family = kinds[0], FAMILIES[kinds[1]]
        self._plan, self._limits, self._send = plan, limits, send
        self._threads = min(limits.threads, os.cpu_count() or 1)
        self._copies = True
        self._bytes = 0
        self._beat = 0.0

    def run(self) -> None:
        """Write the film.

        Raises:
            MediaError: it cannot be read or written, is over a limit, or nothing of it is left.
        """
        import av

        try:
            firsts: Mapping[int, VideoFrame] = {}
            if self._family.frames:
                with open_container(self._file, self._reader, self._limits) as container:
                    firsts = self._firsts(container)
            self._write(firsts)
        except (MediaError, MemoryError, BrokenPipeError):
            raise
        except (av.FFmpegError, ValueError, OSError) as error:
            raise MediaError("undecodable", f"it cannot be written again ({type(error).__name__})") from error

    def _write(self, firsts: Mapping[int, VideoFrame]) -> None:
        """Write it; once more without copies where it fails: sound may be so damaged that only what is decoded can be written."""
        import av

        for copies in (True, False):
            try:
                with self._source() as container, self._open_target() as out:
                    self._copies = copies and not self._plan.sounds
                    self._go(container, out, firsts)
                return
            except MemoryError:
                raise
            except av.FFmpegError:
                if not self._copies:
                    raise
                os.ftruncate(self._target, 0)
                self._bytes = 0

    def _source(self) -> AbstractContextManager[InputContainer]:
        """Open the source, which has to be what it was."""
        return open_container(
            self._file,
            self._reader,
            self._limits,
            fits=None if self._family.frames else audio_opening.check_sound,
        )

    def _open_target(self) -> OutputContainer:
        """Open the target; it is also read, when an index is put before what was written."""
        import av

        return av.open(
            cast(Any, TargetFile(self._target)),
            "w",
            format=self._family.muxer,
            container_options=dict(self._family.options),
            io_open=lambda *_: TargetFile(self._target),
        )

    def _firsts(self, container: InputContainer) -> dict[int, VideoFrame]:
        """Return the first frame of each track of frames that goes on.

        Raises:
            MediaError: there is none.
        """
        left = {stream.index: stream for stream in container.streams.video if not is_cover(stream)}
        found: dict[int, VideoFrame] = {}
        for stream in left.values():
            self._ready(stream)
        for index, packet in self._packets(container, [*left.values()]) if left else ():
            if index in left and (frames := decode_packet(left[index], packet)):
                found[index] = frames[0]
                del left[index]
            if not left:
                break
        if not found:
            raise MediaError("undecodable", "not one frame of it can be decoded")
        return found

    def _go(self, container: InputContainer, out: OutputContainer, firsts: Mapping[int, VideoFrame]) -> None:
        import av

        to = TrackOutput(out, self._plan, Fraction(container.start_time or 0, MICRO), self._threads)
        codec = find_encoder(self._family.frames, av.codecs_available) if firsts else ""
        frames: list[FrameTrack] = []
        tracks: dict[int, OutputTrack] = {}
        for stream in container.streams.video:
            if stream.index in firsts:
                self._ready(stream)
                frames.append(FrameTrack(stream, firsts[stream.index], codec, to))
                tracks[stream.index] = frames[-1]
        tracks |= {each.index: self._sound(each, to) for each in container.streams.audio if is_readable(each)}
        heard_alone = [track for track in tracks.values() if isinstance(track, SoundTrack)]
        counted: Sequence[FrameTrack | SoundTrack] = frames or heard_alone
        self._account(counted)
        for index, packet in self._packets(container, [container.streams[index] for index in tracks]):
            for made in tracks[index].feed(packet):
                self._bytes += made.size
                out.mux(made)
            self._account(counted)
        if firsts and not any(track.count for track in frames):
            raise MediaError("empty", "nothing of the film is left when all of that is cut")

    def _sound(self, stream: AudioStream, to: TrackOutput) -> OutputTrack:
        codec = stream.codec_context.codec.canonical_name
        same = self._copies and codec in COPIED and codec in to.out.supported_codecs
        if same and self._family.frames:
            return CopiedTrack(stream, to)
        own = codec if codec in self._family.same else self._family.sound
        return SoundTrack(stream, ENCODERS.get(own, own), to)

    def _packets(
        self, container: InputContainer, streams: Sequence[Stream]
    ) -> Iterator[tuple[int, Packet[Any] | None]]:
        """Yield what is read of tracks, with their numbers, and of each that there is no more; goes past errors of the reader."""
        for packet in read_packets(container, streams, lambda: None):
            if packet.size:
                yield packet.stream_index, packet
        for stream in streams:
            yield stream.index, None

    def _ready(self, stream: VideoStream) -> None:
        """Set the decoder of a track."""
        context = stream.codec_context
        context.thread_type, context.thread_count = "AUTO", self._threads
        context.options = {"max_pixels": str(self._limits.pixels)}

    def _account(self, tracks: Sequence[FrameTrack | SoundTrack]) -> None:
        """Tell how far it is, now and then.

        Raises:
            MediaError: it is over a limit.
        """
        limits, seconds = self._limits, max((track.end for track in tracks), default=0.0)
        if self._bytes > limits.bytes:
            raise MediaError("too_many_bytes", f"what is written is more than {limits.bytes} bytes")
        if seconds > limits.seconds:
            raise MediaError("too_many_frames", f"it is longer than {limits.seconds:g} seconds")
        if sum(track.seen for track in tracks) > limits.frames:
            raise MediaError("too_many_frames", f"it has more than {limits.frames} frames")
        if time.monotonic() - self._beat > BEAT_S:
            self._send({"kind": "went", "seconds": seconds}, [])
            self._beat = time.monotonic()


def is_readable(stream: AudioStream) -> bool:
    """Tell whether a track of sound can be read: one that cannot be does not go on."""
    context: Any = stream.codec_context
    return context is not None and context.name in SOUNDS and bool(stream.rate)


def recode(
    file: DescriptorFile, target: int, kinds: tuple[str, str], limits: VideoLimits, send: Send
) -> None:
    """Write a film to a file, of which this takes the place of what stands there: what is to be done, in JSON (`encode_task`).

    Raises:
        MediaError: it cannot be done.
    """
    task = json.loads(TargetFile(target).read(os.fstat(target).st_size))
    os.ftruncate(target, 0)
    edits = [
        FilmEdit((each["clip"][0], each["clip"][1]), each["how"], tuple(map(tuple, each["boxes"])))
        for each in task["edits"]
    ]
    plan = plan_edits(edits, tuple(task["size"]), task["margins"], task["margin"])
    Recoding(file, target, kinds, plan, limits, send).run()


def encode_task(
    edits: Sequence[FilmEdit], size: tuple[int, int], margins: Mapping[str, int], margin: float
) -> bytes:
    """Return what is to be done, as the process reads it."""
    told = {
        "edits": [asdict(edit) for edit in edits],
        "size": size,
        "margins": dict(margins),
        "margin": margin,
    }
    return json.dumps(told).encode()
