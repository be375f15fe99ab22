"""Sends the texts of a film's subtitles, or the sound of one of its tracks, piece by piece.

Runs in the process that decodes. Texts come without markup. Sound becomes one channel at the rate that is asked for: the mean
of all channels, or the loudest one where they cancel each other out, as a voice that is turned over on one side would be
gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from guardrails.media.audio.audio_channels import ChannelDifference, pick_channel
from guardrails.media.errors import MediaError
from guardrails.media.video.film_opening import SOUNDS, TEXTS, DescriptorFile, open_container, read_packets
from guardrails.media.video.film_parts import VideoLimits

if TYPE_CHECKING:
    import numpy as np
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream
    from numpy.typing import NDArray

    from guardrails.media.video.film_opening import Fits

    Send = Callable[[dict[str, Any], list[NDArray[Any]]], None]

LETTERS: Final = 4_000_000
"""Letters of all subtitles that there may be: a film of ten minutes has ten thousand."""

PIECE_S: Final = 1.0
"""Seconds of sound that come at once, about."""

CANCELLED: Final = 0.25
"""The mean of channels has less than this of the loudest one's power where they cancel each other out."""

USUAL_S: Final = 5.0
"""Seconds that a text is shown where nothing says how long."""

TAGS: Final = re.compile(r"\{[^{}]*\}|</?[a-zA-Z][^<>]{0,200}>")


def send_captions(file: DescriptorFile, reader: str, limits: VideoLimits, send: Send) -> None:
    """Send the texts of all subtitle tracks."""
    with open_container(file, reader, limits) as container:
        streams = [each for each in container.streams.subtitles if each.codec_context.name in TEXTS]
        left = LETTERS
        for packet in read_packets(container, streams, lambda: None):
            found = [*_texts(packet, container.start_time or 0)]
            left -= sum(len(each["text"]) for each in found)
            if left < 0:
                raise MediaError("too_many_bytes", f"its subtitles have more than {LETTERS} letters")
            if found:
                send({"kind": "captions", "captions": found, "seconds": found[-1]["end_ms"] / 1000}, [])


def _texts(packet: Packet[Stream], origin: int) -> Iterator[dict[str, Any]]:
    import av

    stream: SubtitleStream = packet.stream  # type: ignore[assignment]
    if not packet.size or packet.time_base is None:
        return
    start = float((packet.pts or 0) * packet.time_base) - origin / 1_000_000
    end = start + (float(packet.duration * packet.time_base) if packet.duration else USUAL_S)
    try:
        lines = [
            rect.ass.decode("utf-8", "replace") for rect in stream.decode(packet) if hasattr(rect, "ass")
        ]
    except (av.FFmpegError, ValueError):
        lines = [
            bytes(packet).decode("utf-8", "replace")
        ]  # what the decoder does not read is read as it stands
    for line in lines:
        if text := strip_ass_markup(line):
            yield {
                "start_ms": round(start * 1000),
                "end_ms": round(end * 1000),
                "text": text,
                "track": stream.index,
            }


def strip_ass_markup(line: str) -> str:
    """Return the text of a line of ASS: what stands behind its eight fields, without tags."""
    fields = line.split(",", 8)
    text = fields[8] if len(fields) == 9 else line
    return TAGS.sub("", text).replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ").strip()


def send_sound(
    file: DescriptorFile,
    reader: str,
    limits: VideoLimits,
    what: tuple[int, int, int | None],
    send: Send,
    fits: Fits | None = None,
) -> None:
    """Send the sound of a track: `what` is rate, track and channel; `fits` says what may be in the file, by default a film."""
    rate, track, channel = what
    with open_container(file, reader, limits, fits=fits) as container:
        stream = next((each for each in container.streams.audio if each.index == track), None)
        if stream is None:
            raise MediaError("unsupported_type", "there is no such audio track in it")
        if stream.codec_context is None or stream.codec_context.name not in SOUNDS:
            raise MediaError("unsupported_type", "the codec of its sound is not read")
        SoundReader(container, stream, limits, (rate, channel), send).run()


class SoundReader:
    """The sound of one track, from its beginning to its end: mixed, or what one channel has that the mix has not."""

    def __init__(
        self,
        container: InputContainer,
        stream: AudioStream,
        limits: VideoLimits,
        what: tuple[int, int | None],
        send: Send,
    ) -> None:
        """`what` is rate and channel."""
        import av

        self._container, self._stream, self._send = container, stream, send
        self._limits = limits
        self._rate, self._channel = what
        self._apart = ChannelDifference()
        self._resampler: av.AudioResampler | None = None
        self._layout: tuple[str, int] | None = None
        self._pieces: list[NDArray[np.float32]] = []
        self._start: float | None = None
        self._origin = (container.start_time or 0) / 1_000_000
        self._end = 0.0
        self._errors = 0
        self._stopped: str | None = None

    def run(self) -> None:
        """Hear it."""
        try:
            for packet in read_packets(self._container, [self._stream], self._count_damage):
                self._packet(packet)
                if self._end > self._limits.seconds:
                    self._stopped = "seconds"
                    break
        except MemoryError:
            self._stopped = "memory"
        except MediaError:
            self._stopped = "corrupt"
        if self._stopped is None and self._resampler is not None:
            self._take(self._resampler.resample(None))
        self._give()

    def _count_damage(self) -> None:
        self._errors += 1

    def _packet(self, packet: Packet[Stream]) -> None:
        import av

        try:
            frames = self._stream.decode(packet)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):
            self._count_damage()
            return
        for frame in frames:
            self._errors += frame.is_corrupt
            layout = (frame.layout.name, frame.sample_rate)
            if layout != self._layout:  # it changes in the middle of some films
                if self._resampler is not None:
                    self._take(self._resampler.resample(None))
                self._layout = layout
                self._resampler = av.AudioResampler("fltp", frame.layout, self._rate)
            assert self._resampler is not None
            start = (
                float(frame.pts * frame.time_base) - self._origin
                if frame.pts is not None and frame.time_base
                else self._end
            )
            if self._start is not None and abs(start - self._end) > 0.5:  # silence, or something missing
                self._give()
            if self._start is None:
                self._start = self._end = start
            frame.pts = None
            self._take(self._resampler.resample(frame))

    def _take(self, frames: list[Any]) -> None:
        for frame in frames:
            channels = frame.to_ndarray()
            piece = mix_down(channels)
            self._apart.add(channels, piece)
            self._pieces.append(piece if self._channel is None else pick_channel(channels, self._channel))
            self._end += len(piece) / self._rate
        if self._start is not None and self._end - self._start >= PIECE_S:
            self._give()

    def _give(self) -> None:
        import numpy as np

        samples = np.concatenate(self._pieces) if self._pieces else np.empty(0, np.float32)
        apart = self._apart.take()
        if self._channel is not None and self._channel not in apart:
            samples = np.zeros_like(samples)
        start = self._end if self._start is None else self._start
        head = {"kind": "sound", "start": max(0, round(1000 * start)), "seconds": self._end}
        told = {"corrupt": self._errors, "stopped": self._stopped, "apart": apart}
        self._send({**head, **told}, [samples])
        self._pieces, self._start = [], None


def mix_down(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one channel for several [channels, samples]."""
    import numpy as np

    mean: NDArray[np.float32] = channels.mean(axis=0, dtype=np.float32)
    powers = np.square(channels).mean(axis=1)
    if powers.max() * CANCELLED > np.square(mean).mean():
        mean = channels[int(powers.argmax())]
    return np.ascontiguousarray(mean, np.float32)
