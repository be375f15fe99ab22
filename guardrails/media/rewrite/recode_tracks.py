"""Writes the tracks of a film again: packets that were read become packets to be written.

Runs in the process that decodes. A frame is held until the next one is there, which tells how long it is shown: all of that
counts, in what is covered and in what is cut. A frame that is seen in a clip that is cut is left out, also where it was seen
before the clip: for that time the one before it stays. One that only meets what a cut has grown by begins where the cut ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from guardrails.media.rewrite.edit_plan import EditPlan
from guardrails.media.rewrite.recode_frames import BT709, FORMAT, LIMITED, FrameMaker, is_rgb
from guardrails.media.rewrite.recode_sound import BESIDES, SoundLine
from guardrails.media.rewrite.time_spans import MICRO, count_cut_time, remaining_spans, spans_meet
from guardrails.media.video.frames.frame_pixels import frame_rotation

if TYPE_CHECKING:
    import numpy as np
    from av import AudioFrame, AudioStream, VideoFrame, VideoStream
    from av.container import OutputContainer
    from av.packet import Packet
    from numpy.typing import NDArray

SETTINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "libx264": {"preset": "ultrafast", "crf": "23", "a53cc": "0", "udu_sei": "0"},
        "mpeg4": {"flags": "+qscale", "global_quality": str(4 * 118)},
        "libvpx-vp9": {
            "deadline": "realtime",
            "cpu-used": "8",
            "crf": "33",
            "lag-in-frames": "0",
            "row-mt": "1",
        },
    }
)
"""How encoders of frames are set: fast, nearly as it was, and without captions and notes that came with a frame."""

FINEST: Final[Mapping[str, int]] = MappingProxyType({"mpeg4": 65_535})
"""Encoders that count no finer parts of a second than this."""

BITS: Final = 96_000
"""Bits a second for each channel of sound that is encoded."""

PIECE: Final = 1_024
"""Samples of a piece, where an encoder takes any number."""

SAMPLES: Final[Mapping[str, tuple[str, float, float]]] = MappingProxyType(
    {
        **dict.fromkeys(("fltp", "flt"), ("float32", 1.0, 0.0)),
        **dict.fromkeys(("s32p", "s32"), ("int32", 2.0**31 - 128, 0.0)),
        **dict.fromkeys(("s16p", "s16"), ("int16", 2.0**15 - 1, 0.0)),
        "u8": ("uint8", 127.0, 128.0),
    }
)
"""How samples are written for encoders, the best way first: as which numbers, how large 1 is, and where 0 is."""

EXACT: Final = frozenset(("flac", "alac"))
"""Encoders that lose nothing, beside those of plain numbers: no piece of theirs sounds into others."""

RUN_UP_S: Final = Fraction(1, 10)
"""Seconds of hidden sound before the first that is heard, which decoders need to get going."""

USUAL: Final[Mapping[int, str]] = MappingProxyType({1: "mono", 2: "stereo"})
"""What few channels are, where the file does not say, or says so in another way."""


@dataclass(frozen=True, slots=True)
class TrackOutput:
    """What all tracks share: the container, the plan, when the film begins, in seconds, and the threads of an encoder."""

    out: OutputContainer
    plan: EditPlan
    origin: Fraction
    threads: int = 1


class OutputTrack(Protocol):
    """A track."""

    def feed(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        """Take what was read of it, or that there is no more; yield what is to be written."""
        ...


class FrameTrack:
    """A track of frames."""

    def __init__(self, source: VideoStream, first: VideoFrame, codec: str, to: TrackOutput) -> None:
        """`first` is a frame of it, which tells what all are like."""
        self.seen = self.count = 0  # frames that were read, and those that go on
        self.end = 0.0  # seconds
        self._source, self._plan = source, to.plan
        degrees, mirrored = frame_rotation(first)
        size = (first.width, first.height)
        self._frames = FrameMaker(size[::-1] if degrees % 180 else size, degrees, mirrored)
        self._unit = source.time_base or Fraction(1, 90_000)
        self._origin = round(to.origin / self._unit)
        self._held: tuple[VideoFrame, int] | None = None
        self._last = -1
        self._shown: dict[
            int | None, int
        ] = {}  # how long those are that the encoder still has, by its own times
        rate = (source.average_rate or Fraction(25)).limit_denominator(1_001)
        self._stream: Any = to.out.add_stream(codec, rate=rate, options=dict(SETTINGS[codec]))
        context: Any = self._stream.codec_context
        context.width, context.height = self._frames.even
        context.pix_fmt, context.color_range = FORMAT, LIMITED
        context.time_base = max(self._unit, Fraction(1, FINEST.get(codec, 1 << 30)))
        context.thread_count = to.threads
        if is_rgb(first.format):
            context.colorspace = BT709
        else:
            context.colorspace, context.color_trc = first.colorspace, first.color_trc
            context.color_primaries = first.color_primaries
        if aspect := source.sample_aspect_ratio:
            context.sample_aspect_ratio = 1 / aspect if degrees % 180 else aspect

    def feed(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        """Take what was read of it, or that there is no more; yield what is to be written."""
        for frame in decode_packet(self._source, packet):
            at = self._when(frame)
            yield from self._release_held(at)
            self._held = frame, at
        if packet is None:
            yield from self._release_held(None)
            yield from self._time_packets(self._stream.encode(None))

    def _when(self, frame: VideoFrame) -> int:
        """Return when a frame is shown, in units from the film's beginning."""
        if frame.pts is not None:
            return frame.pts - self._origin
        if self._held is None:
            return 0
        return self._held[1] + max(1, self._held[0].duration)

    def _release_held(self, following: int | None) -> Iterator[Packet[Any]]:
        """Yield what comes of the frame that was held, if it stays."""
        if self._held is None:
            return
        (frame, at), self._held = self._held, None
        until = max(at + 1, at + frame.duration if following is None else following)
        start, end = self._micro(at), -self._micro(-until)
        self.seen, self.end = self.seen + 1, end / MICRO
        parts = [*remaining_spans(self._plan.cuts, start, end)]
        if not parts or spans_meet(self._plan.found, start, end):
            return
        first = parts[0][0]
        covers = [
            cover
            for each in self._plan.covers
            if each.span[0] < end and each.span[1] > start
            for cover in each.boxes_in(self._frames.size)
        ]
        made = self._frames.make(frame, covers)
        at = at if first == start else self._units(first)
        self._last = made.pts = max(self._last + 1, at - self._units(count_cut_time(self._plan.cuts, first)))
        made.time_base = self._unit
        made.pict_type = 0  # what it was before says nothing of what it becomes
        self.count += 1
        packets = self._stream.encode(made)
        unit = self._stream.codec_context.time_base
        self._shown[made.pts] = round(Fraction(sum(last - first for first, last in parts), MICRO) / unit)
        yield from self._time_packets(packets)

    def _time_packets(self, packets: Sequence[Packet[Any]]) -> Iterator[Packet[Any]]:
        """Yield packets with how long they are shown, which else nobody knows of the last one."""
        for packet in packets:
            packet.duration = self._shown.pop(packet.pts, packet.duration)
            yield packet

    def _micro(self, at: int) -> int:
        return at * self._unit.numerator * MICRO // self._unit.denominator

    def _units(self, micro: int) -> int:
        return round(Fraction(micro, MICRO) / self._unit)


class SoundTrack:
    """A track of sound that changes: it is decoded and encoded."""

    def __init__(self, source: AudioStream, codec: str, to: TrackOutput) -> None:
        import av

        self.seen, self.end = 0, 0.0
        self._source, self._origin = source, to.origin
        rates = av.Codec(codec, "w").audio_rates or [source.rate]
        self._rate = min(rates, key=lambda rate: (rate < source.rate, abs(rate - source.rate)))
        self._stream: Any = to.out.add_stream(codec, rate=self._rate)
        context: Any = self._stream.codec_context
        count = source.layout.nb_channels
        layout = USUAL.get(count, source.layout.name)
        context.layout, context.bit_rate = layout, BITS * count
        context.format = encoder_input(context.codec.audio_formats, source.format.name)
        context.open()
        besides = 0 if codec in EXACT or codec.startswith("pcm_") else BESIDES
        self._line = SoundLine(self._rate, context.frame_size or PIECE, to.plan.mutes, to.plan.cuts, besides)
        self._resampler = av.AudioResampler("fltp", layout, self._rate)

    def feed(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        """Take what was read of it, or that there is no more; yield what is to be written."""
        for frame in decode_packet(self._source, packet):
            frame.time_base = self._source.time_base  # those that a decoder gives at its end have none
            yield from self._put(frame)
        if packet is None:
            yield from self._put(None)
            for at, samples in self._line.rest():
                yield from self._encode(at, samples)
            yield from self._stream.encode(None)

    def _put(self, frame: AudioFrame | None) -> Iterator[Packet[Any]]:
        for each in self._resampler.resample(frame):
            if each.pts is None or each.time_base is None:
                continue
            at = round((each.pts * each.time_base - self._origin) * self._rate)
            samples: Any = each.to_ndarray()
            self.end = (at + each.samples) / self._rate
            for place, piece in self._line.feed(samples, at):
                yield from self._encode(place, piece)

    def _encode(self, at: int, samples: NDArray[np.float32]) -> list[Packet[Any]]:
        import av
        import numpy as np

        context: Any = self._stream.codec_context
        number, one, zero = SAMPLES[context.format.name]
        if number != "float32":
            samples = np.rint(np.clip(samples, -1, 1).astype(np.float64) * one + zero).astype(number)
        if not context.format.is_planar:
            samples = samples.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), context.format.name, context.layout.name
        )
        frame.sample_rate, frame.pts, frame.time_base = self._rate, at, Fraction(1, self._rate)
        made: list[Packet[Any]] = self._stream.encode(frame)
        return made


def encoder_input(known: Iterable[Any], same: str) -> str:
    """Return as what an encoder is given samples: as the source has them (`same`) where it takes that, else in the best way."""
    names = [each.name for each in known]
    return same if same in names and same in SAMPLES else next(name for name in SAMPLES if name in names)


class CopiedTrack:
    """A track of sound that goes on as it is, but for what an edit list hides."""

    def __init__(self, source: AudioStream, to: TrackOutput) -> None:
        self._stream = to.out.add_stream_from_template(source, opaque=True)
        unit = source.time_base or Fraction(1)
        self._origin = round(to.origin / unit)
        self._runs_up = range(-round(RUN_UP_S / unit), 0)

    def feed(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        """Take what was read of it, or that there is no more; yield what is to be written."""
        if packet is None:
            return
        packet.pts = None if packet.pts is None else packet.pts - self._origin
        if packet.is_discard and packet.pts not in self._runs_up:
            return
        packet.dts = None if packet.dts is None else packet.dts - self._origin
        packet.stream = self._stream
        yield packet


def decode_packet(source: VideoStream | AudioStream, packet: Packet[Any] | None) -> Sequence[Any]:
    """Return the frames that a packet brings, or the last ones; none of one that is damaged."""
    import av

    try:
        return source.codec_context.decode(packet)
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError):
        return ()
