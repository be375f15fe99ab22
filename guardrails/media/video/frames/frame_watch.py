"""Watches all frames of all video tracks of a film once, in order.

Runs in the process that decodes. What an edit list hides from players is looked at, too, in a second go through the file,
frame by frame as the first: whoever has the file has the frames. Damage is counted and gone past; what ends a watch is named.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from guardrails.media.errors import MediaError
from guardrails.media.video.captions import has_captions
from guardrails.media.video.film_opening import DescriptorFile, is_cover, open_container, read_packets
from guardrails.media.video.film_parts import Sampling, Stop, VideoLimits
from guardrails.media.video.frames.track_frames import TrackWatch

if TYPE_CHECKING:
    import numpy as np
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    Send = Callable[[dict[str, Any], list[NDArray[np.uint8]]], None]

BEAT_S: Final = 0.5
"""Seconds after which an account is sent, if no sample went out."""

SPACE: Final = 4
"""So many times the pixels that a frame may have are left to the decoder to refuse; between, it is named."""

SHORT_S: Final = 0.5
"""Seconds missing at the end of a track that make a file one that breaks off."""


class WatchStopped(Exception):
    """A watch ends before its film; says why."""

    def __init__(self, why: Stop) -> None:
        super().__init__(why)
        self.why: Stop = why


class SeekMissed(Exception):
    """A seek came out behind where it was to."""


class FrameWatch:
    """One watch: `run` goes through the film, `send` is called with each sample and with accounts between."""

    def __init__(
        self, file: DescriptorFile, reader: str, limits: VideoLimits, sampling: Sampling, send: Send
    ) -> None:
        self._file, self._reader, self._limits, self._sampling, self._send = (
            file,
            reader,
            limits,
            sampling,
            send,
        )
        self._eyes: list[TrackWatch] = []
        self._again: list[TrackWatch] = []
        self._sampled = self._errors = self._packed = self._total = self._captioned = 0
        self._known = self._sought = False
        self._shown: set[int] = set()
        self._beat = time.monotonic()
        self._stopped: Stop | None = None

    def run(self) -> None:
        """Watch the film.

        Raises:
            MediaError: it cannot be opened, or no frame of it can be decoded.
        """
        try:
            hides = self._first()
            if hides:
                self._second()
        except WatchStopped as stop:
            self._stopped = stop.why
        except MemoryError:
            self._stopped = "memory"
        if (
            not self._stopped
            and not self._sampling.clip
            and any(self._short(eye) > SHORT_S for eye in self._eyes)
        ):
            self._stopped = "truncated"
        if not self._stopped and not self._sampling.clip and not any(eye.decoded for eye in self._eyes):
            raise MediaError("undecodable", "not one frame of it can be decoded")
        self._send({"kind": "seen", "seen": self._make_account(done=True)}, [])

    def _short(self, eye: TrackWatch) -> float:
        return 0.0 if is_cover(eye.stream) or self._again else eye.short()

    def _first(self, *, again: bool = False) -> bool:
        """Watch what players show, `again` from the very beginning; return whether there is more."""
        with open_container(self._file, self._reader, self._limits) as container:
            self._eyes = [self._eye(container, each) for each in self._watch_tracks(container)]
            self._count()
            self._sought = self._sampling.clip is not None and not again
            if self._sampling.clip is not None and not again:
                self._seek(container, self._sampling.clip[0] / 1000)
            try:
                self._go(container, self._eyes, None)
            except SeekMissed:
                return self._first(again=True)
            if self._reader == "mpegts" and count_tracks(container) > len(container.streams):
                raise WatchStopped("tracks")
            return self._sampling.clip is None and any(map(hides_frames, (eye.stream for eye in self._eyes)))

    def _second(self) -> None:
        """Watch what an edit list hides."""
        with open_container(self._file, self._reader, self._limits, hidden=True) as container:
            self._again = [self._eye(container, each, hidden=True) for each in self._watch_tracks(container)]
            self._go(container, self._again, self._shown)

    def _watch_tracks(self, container: InputContainer) -> list[VideoStream]:
        only = self._sampling.track
        return [stream for stream in container.streams.video if only is None or stream.index == only]

    def _eye(self, container: InputContainer, stream: VideoStream, *, hidden: bool = False) -> TrackWatch:
        origin = container.start_time / 1_000_000 if container.start_time else 0.0
        return TrackWatch(stream, self._sampling, origin, self._emit, hidden=hidden)

    def _count(self) -> None:
        """Take note of how many frames the container says that there are, if it says so for every track."""
        counts = [frames_of(eye.stream) for eye in self._eyes if not is_cover(eye.stream)]
        self._known = bool(counts) and all(counts)
        self._total = sum(counts) + sum(is_cover(eye.stream) for eye in self._eyes)

    def _seek(self, container: InputContainer, seconds: float) -> None:
        import av

        try:
            container.seek(max(0, int(seconds * 1_000_000) + (container.start_time or 0)))
        except av.FFmpegError:
            return  # from the beginning, then

    def _go(self, container: InputContainer, eyes: list[TrackWatch], shown: set[int] | None) -> None:
        """Go through a container; frames of packets that were `shown` are decoded again, and not looked at."""
        contexts = {eye.stream.index: self._decoder(eye.stream) for eye in eyes}
        by_stream = {eye.stream.index: eye for eye in eyes}
        wanted: dict[int, set[int | None]] = {eye.stream.index: set() for eye in eyes}
        for packet in self._packets(container):
            self._packed += packet.size if shown is None else 0
            eye = by_stream.get(packet.stream.index)
            if eye is None:
                continue
            if self._past(eye):
                if all(map(self._past, eyes)):
                    break
                continue
            self._captioned += shown is None and has_captions(packet)
            if shown is None and packet.pos is not None and packet.size and not packet.is_discard:
                self._shown.add(packet.pos)
            if shown is not None and packet.pos not in shown:
                wanted[eye.stream.index].add(packet.pts)
            self._decode(
                eye, contexts[eye.stream.index], packet, None if shown is None else wanted[eye.stream.index]
            )
        for eye in eyes:
            eye.close(last=True)

    def _past(self, eye: TrackWatch) -> bool:
        """Whether a track is past the clip that is watched; a cover has no place in time."""
        clip = self._sampling.clip
        return clip is not None and (is_cover(eye.stream) or eye.end * 1000 > clip[1] + 1)

    def _decode(
        self,
        eye: TrackWatch,
        context: VideoCodecContext,
        packet: Packet[Stream],
        wanted: set[int | None] | None,
    ) -> None:
        import av

        try:
            frames = context.decode(packet)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):
            self._errors += 1
            return
        for frame in frames:
            if frame.width * frame.height > self._limits.pixels:
                raise WatchStopped("pixels")
            if wanted is None or frame.pts in wanted:
                if self._sought and eye.has_missed(frame):
                    raise SeekMissed
                eye.feed(frame)
                self._is_within(eye)

    def _is_within(self, eye: TrackWatch) -> None:
        if sum(each.decoded for each in (*self._eyes, *self._again)) >= self._limits.frames:
            raise WatchStopped("frames")
        if eye.seconds > self._limits.seconds:
            raise WatchStopped("seconds")
        if time.monotonic() - self._beat > BEAT_S:
            self._send({"kind": "seen", "seen": self._make_account()}, [])
            self._beat = time.monotonic()

    def _emit(self, head: dict[str, Any], views: list[NDArray[np.uint8]]) -> None:
        if self._sampled >= self._sampling.budget:
            raise WatchStopped("budget")
        self._sampled += 1
        self._send({"kind": "sample", "seen": self._make_account(), **head}, views)
        self._beat = time.monotonic()

    def _decoder(self, stream: VideoStream) -> VideoCodecContext:
        """Return the decoder of a track, which gives out whatever some player may show."""
        import av
        from av.codec.context import Flags, Flags2

        context = stream.codec_context
        if (
            stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1"
            and "vp9" in context.name
        ):
            context = av.CodecContext.create("libvpx-vp9", "r")  # the only decoder that reads its alpha
        context.thread_type = "AUTO"
        context.thread_count = min(self._limits.threads, os.cpu_count() or 1)
        context.flags |= Flags.output_corrupt
        context.flags2 |= Flags2.show_all
        context.options = {"max_pixels": str(SPACE * self._limits.pixels)}
        return context

    def _packets(self, container: InputContainer) -> Iterator[Packet[Stream]]:
        """Yield the packets of all tracks; goes past errors of the reader as long as there is more behind them."""
        try:
            yield from read_packets(container, None, self._count_damage)
        except IndexError:  # how PyAV ends where a track began that it does not know
            return
        except MediaError as error:
            raise WatchStopped("corrupt") from error

    def _count_damage(self) -> None:
        self._errors += 1

    def _make_account(self, *, done: bool = False) -> dict[str, Any]:
        decoded, hidden = (sum(eye.decoded for eye in eyes) for eyes in (self._eyes, self._again))
        lost = (
            self._total - decoded - hidden
            if self._known and done and self._stopped in (None, "truncated")
            else 0
        )
        gaps = [
            max(eye.gap, self._short(eye) if done else 0.0) for eye in self._eyes if not is_cover(eye.stream)
        ]
        whole = done and self._sampling.clip is None and self._stopped in (None, "truncated", "tracks")
        return {
            "frames_total": self._total if self._known else None,
            "decoded": decoded,
            "sampled": self._sampled,
            "corrupt": self._errors + sum(eye.corrupt for eye in (*self._eyes, *self._again)),
            "lost": max(0, lost) if self._sampling.clip is None else 0,
            "hidden": hidden,
            "cuts": sum(eye.shots.cuts for eye in (*self._eyes, *self._again)),
            "seconds": round(max((eye.seconds for eye in self._eyes), default=0.0), 3),
            "largest_gap_ms": round(1000 * max(gaps, default=0.0)),
            "unread": max(0, self._file.size - self._packed) if whole else 0,
            "captioned": self._captioned,
            "stopped": self._stopped,
            "done": done,
        }


def frames_of(stream: VideoStream) -> int:
    """Return how many frames a container says that a track has, 0 where it does not. AVI counts those, too, that were left out
    and take no bytes: the one before is shown for longer.
    """
    indexed = len(stream.index_entries) if stream.container.format.name == "avi" else 0
    return min(stream.frames, indexed or stream.frames)


def hides_frames(stream: VideoStream) -> bool:
    """Tell whether the file has frames of a track that its edit list keeps from being shown."""
    if stream.container.format.name.partition(",")[0] != "mov" or not stream.frames:
        return False
    return sum(not entry.is_discard for entry in stream.index_entries) < stream.frames


def count_tracks(container: InputContainer) -> int:
    """Return how many tracks were met: PyAV knows those of the beginning, FFmpeg's account of itself has all."""
    import av

    av.logging.set_level(av.logging.INFO)
    try:
        account: str = cast(Any, container).dumps_format()
        return account.count("Stream #")
    finally:
        av.logging.set_level(None)
