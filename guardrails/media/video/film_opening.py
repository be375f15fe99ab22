"""Opens FFmpeg's container of a film under limits, and describes what the file says of itself.

Runs in the process that decodes. One reader is allowed, the one that the file's first bytes named; no protocol is, so that
nothing in a file can make FFmpeg open another; and decoders are those of a list, the ones that films on the web and from
phones need.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from guardrails.media.errors import MediaError
from guardrails.media.video.film_parts import FilmDescription, MediaTrack, VideoLimits

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

    Fits = Callable[[InputContainer, VideoLimits], None]

PICTURES: Final = (
    *("h264", "hevc", "vp8", "vp9", "libvpx-vp9", "av1", "libdav1d", "mpeg4", "mpeg2video"),
    *("mpeg1video", "h263", "msmpeg4", "msmpeg4v2", "msmpeg4v3", "mjpeg", "png", "theora"),
    *("prores", "dvvideo", "rawvideo", "qtrle", "ffv1", "bmp", "webp", "gif", "huffyuv", "cinepak"),
    *("flv", "wmv1", "wmv2", "wmv3", "vc1", "svq3", "h263p"),
)
"""Decoders for frames."""

SOUNDS: Final = (
    *("aac", "aac_latm", "mp3", "mp3float", "mp2", "mp2float", "mp1", "mp1float", "opus"),
    *("libopus", "vorbis", "flac", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_u8"),
    *("pcm_s8", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be"),
    *("pcm_f64le", "pcm_alaw", "pcm_mulaw", "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "amrnb"),
    *("amrwb", "libopencore_amrnb", "libopencore_amrwb", "wmav1", "wmav2", "dca", "truehd"),
)
"""Decoders for sound."""

TEXTS: Final = ("mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text")
"""Decoders for subtitles that are texts; all others draw."""

WORDS: Final = 500
"""Texts of metadata that there may be."""

LETTERS: Final = 200_000
"""Letters that they may have."""

SHOWN: Final = 200
"""Letters of a name that are taken."""

TRIES: Final = 300
"""Packets in which the first frame is looked for."""

BROKEN: Final = 100
"""Errors of the reader, one after the other without a packet between, until it is given up."""

CURE: Final = "it is cut off, damaged or encrypted; send all of it, or write it anew with ffmpeg"
"""What to do about a file that begins like a film and is none that can be opened."""

KINDS: Final = frozenset(("video", "audio", "subtitle", "attachment"))

READ: Final = {"video": PICTURES, "audio": SOUNDS, "subtitle": TEXTS}


class DescriptorFile:
    """A file by its descriptor, with a place of its own: the descriptor is shared with other processes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self.name = ""
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        found = os.pread(self._descriptor, size, self._at)
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence])
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at


@contextmanager
def open_container(
    file: DescriptorFile, reader: str, limits: VideoLimits, *, hidden: bool = False, fits: Fits | None = None
) -> Iterator[InputContainer]:
    """Give a container; with `hidden`, as if it had no edit list. `fits` says what may be in it, by default a film.

    Raises:
        MediaError: it cannot be opened, or is over a limit.
    """
    import av

    av.logging.set_level(None)
    file.seek(0)
    options = {
        "format_whitelist": reader,
        "protocol_whitelist": "none",
        "codec_whitelist": ",".join((*PICTURES, *SOUNDS, *TEXTS)),
        "max_streams": "64",
        "probesize": "10000000",
    }
    if reader == "mov":
        options |= {"ignore_editlist": "1"} if hidden else {}
        options |= {"enable_drefs": "0", "use_absolute_path": "0"}
    try:
        container = av.open(
            cast(Any, file),
            "r",
            format=reader,
            options=options,
            metadata_errors="replace",
            buffer_size=1 << 18,
        )
    except MemoryError as error:
        raise MediaError("too_much_memory", "it takes more memory than there may be") from error
    except (av.FFmpegError, ValueError, OSError, EOFError) as error:
        raise MediaError(
            "undecodable", f"it cannot be opened as {reader} ({type(error).__name__}): {CURE}"
        ) from error
    with container:
        (fits or _fits)(container, limits)
        yield container


def _fits(container: InputContainer, limits: VideoLimits) -> None:
    """Raise `MediaError` where what a file says is over a limit, and set that of each decoder."""
    streams = container.streams.video
    if not streams:
        raise MediaError("no_video", "there is no video track in it")
    seconds = container_seconds(container, streams)
    if limits.refuse_long and seconds is not None and seconds > limits.seconds * 1.001:
        message = f"it says that it is {seconds:.0f} seconds long, which is more than {limits.seconds:g}"
        raise MediaError("too_many_frames", message)
    if len(streams) > limits.tracks:
        raise MediaError("too_many_tracks", f"{len(streams)} video tracks are more than {limits.tracks}")
    for stream in streams:
        context = stream.codec_context
        if context is None or context.codec.name not in PICTURES:
            raise MediaError("unsupported_type", "the codec of a video track is not read")
        if stream.width * stream.height > limits.pixels:
            raise MediaError(
                "too_many_pixels", f"{stream.width}x{stream.height} are more than {limits.pixels} pixels"
            )
        rate = float(stream.average_rate or 0)
        if rate > limits.frame_rate * 1.01 and not is_cover(stream):
            raise MediaError(
                "too_many_frames", f"{rate:g} frames a second are more than {limits.frame_rate:g}"
            )


def read_packets(
    container: InputContainer, streams: Sequence[Stream] | None, damaged: Callable[[], None]
) -> Iterator[Packet[Stream]]:
    """Yield the packets of some tracks (None: of all), past errors, each of which is told (`damaged`).

    Raises:
        MediaError: there is no way on.
    """
    import av

    broken = 0
    while streams is None or streams:
        try:
            for packet in container.demux(*(streams or ())):
                broken = 0
                yield packet
            return
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError) as error:
            damaged()
            broken += 1
            if broken > BROKEN:
                raise MediaError("undecodable", "its tracks cannot be read on") from error


def is_cover(stream: Stream) -> bool:
    """Tell whether a track is a cover: one picture."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def rate_of(stream: VideoStream) -> float | None:
    """Return the frames a second of a track on average, by what the file says."""
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate else None


def describe_film(container: InputContainer) -> FilmDescription:
    """Return what a file says of itself: sizes upright, as shown."""
    from guardrails.media.video.frames.frame_pixels import output_shape

    main = next((each for each in container.streams.video if not is_cover(each)), container.streams.video[0])
    turn = _turn(container, main)
    width, height = output_shape(main.width, main.height, main.sample_aspect_ratio, 1 << 30)
    if turn % 180:
        width, height = height, width
    return FilmDescription(
        width,
        height,
        container_seconds(container, container.streams.video),
        rate_of(main),
        turn,
        tuple(describe_track(stream) for stream in container.streams),
        tuple(container_texts(container)),
    )


def container_seconds(container: InputContainer, streams: Iterable[Stream]) -> float | None:
    """Return how long a film is by what its container and some of its tracks say."""
    found = [container.duration / 1_000_000] if container.duration else []
    found += (
        float(stream.duration * stream.time_base)
        for stream in streams
        if stream.duration and stream.time_base
    )
    return max(found, default=None)


def _turn(container: InputContainer, stream: VideoStream) -> int:
    """Return by how many degrees the first frame is turned; 0 where there is none."""
    import av

    from guardrails.media.video.frames.frame_pixels import frame_rotation

    try:
        for packet in islice(container.demux(stream), TRIES):
            for frame in packet.decode():
                return frame_rotation(frame)[0]
    except (av.FFmpegError, MemoryError):
        return 0
    return 0


def describe_track(stream: Stream) -> MediaTrack:
    """Return what is told of a track."""
    kind = stream.type if stream.type in KINDS else "data"
    codec = stream.codec_context.name if stream.codec_context is not None else stream.name or ""
    if kind == "attachment":
        codec = stream.metadata.get("mimetype", "").lower()
    return MediaTrack(
        stream.index,
        cast(Any, kind),
        _short(codec or ""),
        _short(stream.metadata.get("language", "")),
        _short(stream.metadata.get("title", "")),
        codec in READ.get(kind, ()),
        is_cover(stream),
    )


def container_texts(container: InputContainer) -> Iterator[tuple[str, str]]:
    """Yield the texts of a container, of its tracks, and of its chapters."""
    texts = [*container.metadata.items()]
    for stream in container.streams:
        texts += stream.metadata.items()
    for chapter in container.chapters():
        texts += chapter["metadata"].items()
    if len(texts) > WORDS or sum(len(name) + len(text) for name, text in texts) > LETTERS:
        raise MediaError(
            "too_many_bytes", f"there are more than {WORDS} texts or {LETTERS} letters of metadata in it"
        )
    yield from texts


def _short(text: str) -> str:
    return text[:SHOWN]
