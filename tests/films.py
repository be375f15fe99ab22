"""Films for tests: pictures and samples in, real files out."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.uint8]

SIZE = (160, 120)
FPS = 30
SQUARE = (50, 30, 60, 60)
"""Where the green square stands."""

CONTAINERS: Mapping[str, tuple[str, str]] = {
    "mp4": ("mp4", "libx264"),
    "mkv": ("matroska", "libx264"),
    "webm": ("webm", "libvpx-vp9"),
    "avi": ("avi", "mpeg4"),
    "ts": ("mpegts", "libx264"),
}
"""Ending → the container and what its pictures are coded by."""

OPTIONS = {"libx264": {"preset": "ultrafast"}, "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"}}
RATE = 48_000
PIECE = 960
"""Samples of a sound that are written at once."""
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
"""How an MP4 film of fragments is written: one for each picture that needs no other (option `g`: after so many)."""


def scene(count: int, seed: int = 1, size: tuple[int, int] = SIZE) -> Iterator[Pixels]:
    """Yield a pattern of blocks that moves slowly, without any green square."""
    tiles = np.random.default_rng(seed).integers(60, 200, (size[1] // 20, size[0] // 20, 3), dtype=np.uint8)
    blocks = tiles.repeat(20, 0).repeat(20, 1)
    for at in range(count):
        yield np.roll(blocks, at, 1)


def shots(count: int, seed: int = 1, size: tuple[int, int] = SIZE) -> Iterator[Pixels]:
    """Yield shots of two seconds, each of a picture of its own, with edges large and small, over which the camera goes."""
    random = np.random.default_rng(seed)
    wide, high = size[0] * 3 // 2, size[1] * 3 // 2
    for at in range(count):
        if at % (2 * FPS) == 0:
            scenery = Image.new("RGB", (wide, high), tuple(map(int, random.integers(0, 255, 3))))
            drawing = ImageDraw.Draw(scenery)
            for _ in range(60):
                x, y = random.uniform(-0.2, 1, 2) * (wide, high)
                right, bottom = random.uniform(0.05, 0.5, 2) * (wide, high) + (x, y)
                drawing.ellipse((x, y, right, bottom), fill=tuple(map(int, random.integers(0, 255, 3))))
        x, y = at % (2 * FPS) * size[0] // (8 * FPS), at % (2 * FPS) * size[1] // (8 * FPS)
        yield np.asarray(scenery.crop((int(x), int(y), int(x) + size[0], int(y) + size[1])))


def resized(frames: Iterable[Pixels], size: tuple[int, int]) -> Iterator[Pixels]:
    """Yield frames in another size."""
    for pixels in frames:
        yield np.asarray(Image.fromarray(pixels).resize(size))


def plain(count: int, grey: int = 128, size: tuple[int, int] = SIZE) -> Iterator[Pixels]:
    """Yield frames of one grey."""
    for _ in range(count):
        yield np.full((size[1], size[0], 3), grey, np.uint8)


def green(count: int, size: tuple[int, int] = SIZE) -> Iterator[Pixels]:
    """Yield grey frames with a green square."""
    x, y, wide, high = SQUARE
    for pixels in plain(count, 100, size):
        pixels[y : y + high, x : x + wide] = (0, 255, 0)
        yield pixels


def tone(
    seconds: float = 2.0, hertz: float = 440.0, *, loud: float = 0.3, rate: int = RATE
) -> NDArray[np.float32]:
    """Return a tone, which nobody takes for a voice."""
    samples: NDArray[np.float32] = np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    return (loud * samples).astype(np.float32)


def film(
    frames: Iterable[Pixels],
    ending: str = "mp4",
    *,
    fps: int = FPS,
    sound: NDArray[np.float32] | None = None,
    captions: Sequence[tuple[int, int, str]] = (),
    metadata: Mapping[str, str] | None = None,
    times: Sequence[int] | None = None,
    packed: Mapping[str, str] | None = None,
    woven: bool = False,
    **options: Any,
) -> bytes:
    """Return a film: frames (at some milliseconds), perhaps with a sound of 48 kHz, captions (from, until, text; not in mp4) and
    texts about itself; `packed` says how the container is written, `options` how its pictures are. The sound stands behind all
    pictures, or with `woven` beside them.
    """
    container, codec = CONTAINERS[ending]
    out = io.BytesIO()
    made = av.open(out, "w", format=container, options={**(packed or {})})
    made.metadata.update(metadata or {})
    pictures = made.add_stream(codec, rate=fps, options={**OPTIONS.get(codec, {}), **options})
    pictures.pix_fmt = "yuv420p"
    if times is not None:
        pictures.codec_context.time_base = Fraction(1, 1_000)
    voice, heard = None, 0
    if sound is not None:
        voice = made.add_stream("libopus" if ending == "webm" else "aac", rate=RATE)
        voice.layout = "mono"
    written = av.open(io.BytesIO(subrip(captions)), format="srt") if captions else None
    said = made.add_stream_from_template(written.streams[0]) if written is not None else None
    for at, pixels in enumerate(frames):
        if at == 0:
            pictures.height, pictures.width = pixels.shape[:2]
        # With several threads FFmpeg leaves out a row now and then.
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p", threads=1)
        if times is not None:
            frame.pts, frame.time_base = times[at], Fraction(1, 1_000)
        made.mux(pictures.encode(frame))
        heard = heard_on(made, voice, sound, heard, (at + 1) * RATE // fps if woven else 0)
    made.mux(pictures.encode())
    if voice is not None and sound is not None:
        heard_on(made, voice, sound, heard, len(sound))
        made.mux(voice.encode(None))
    for packet in written.demux() if written is not None else ():
        if packet.size:
            packet.stream = said
            made.mux(packet)
    made.close()
    return out.getvalue()


def heard_on(made: Any, voice: Any, sound: NDArray[np.float32] | None, start: int, end: int) -> int:
    """Write the pieces of a sound, if there is one, that begin in a part of it; return where the next one does."""
    for at in () if sound is None else range(start, min(end, len(sound)), PIECE):
        assert sound is not None
        piece = av.AudioFrame.from_ndarray(sound[None, at : at + PIECE], format="fltp", layout="mono")
        piece.sample_rate, piece.pts, piece.time_base = RATE, at, Fraction(1, RATE)
        made.mux(voice.encode(piece))
        start = at + PIECE
    return start


def subrip(captions: Iterable[tuple[int, int, str]]) -> bytes:
    """Return captions as a file of their own."""

    def clock(ms: int) -> str:
        return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1_000 % 60:02},{ms % 1_000:03}"

    rows = (
        f"{number}\n{clock(start)} --> {clock(end)}\n{text}\n"
        for number, (start, end, text) in enumerate(captions, 1)
    )
    return "\n".join(rows).encode()


def taped(
    samples: Any,
    container: str = "wav",
    codec: str = "pcm_s16le",
    *,
    metadata: Mapping[str, str] | None = None,
    covers: Sequence[bytes] = (),
    tracks: int = 1,
) -> bytes:
    """Return a file with sound of 16 kHz (one channel, or [channels, samples] of two), and JPEG covers beside it."""
    out = io.BytesIO()
    channels = np.atleast_2d(np.asarray(samples, np.float32))
    layout = "mono" if len(channels) == 1 else "stereo"
    with av.open(out, "w", format=container) as file:
        file.metadata.update(metadata or {})
        streams = [
            file.add_stream(codec, rate=48_000 if codec == "libopus" else 16_000, layout=layout)
            for _ in range(tracks)
        ]
        pictures = []
        for _ in covers:
            picture = file.add_stream("mjpeg", rate=1)
            picture.width, picture.height, picture.pix_fmt = 48, 32, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            pictures.append(picture)
        for stream in streams:
            for at in range(0, channels.shape[1], 1_024):
                part = np.ascontiguousarray(channels[:, at : at + 1_024])
                frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
                frame.sample_rate, frame.pts, frame.time_base = 16_000, at, Fraction(1, 16_000)
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        for picture, data in zip(pictures, covers, strict=True):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.time_base = picture, 0, 0, Fraction(1, 1)
            packet.is_keyframe = True
            file.mux(packet)
    return out.getvalue()


def program_of(deed: str) -> str:
    """Return the program of a server whose processes do what a film that took one over would: `deed` is Python."""
    lines = [
        "import sys; sys.path[:] = {paths!r}",
        "from guardrails.media.video.processes.fork_server import serve",
        f"def run(deed={deed!r}):".replace("{", "{{").replace("}", "}}"),
        "    import os, sys, time",
        "    try: exec(deed)",
        "    finally: sys.stdout.flush()",
        "serve(run)",
    ]
    return "\n".join(lines)
