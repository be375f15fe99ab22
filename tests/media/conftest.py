"""What tests of media share: real files, made by Pillow, and films, made by PyAV."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.films import taped

FORMATS = ("jpeg", "png", "webp", "gif", "avif", "bmp")


def drawn(width: int = 48, height: int = 32, seed: int = 0) -> Image.Image:
    """Return a picture of soft patches, which every format keeps nearly as they are."""
    patches = np.random.default_rng(seed).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)


def filed(image: Image.Image, format_: str, **more: Any) -> bytes:
    """Return a picture as a file."""
    out = io.BytesIO()
    image.save(out, format_.upper(), **more)
    return out.getvalue()


def moving(format_: str, count: int = 3, size: tuple[int, int] = (48, 32), **more: Any) -> bytes:
    """Return a file of so many different frames."""
    frames = [drawn(*size, seed=number) for number in range(count)]
    return filed(frames[0], format_, save_all=True, append_images=frames[1:], duration=40, **more)


@pytest.fixture(scope="session")
def draw() -> Callable[..., Image.Image]:
    """Return `drawn`."""
    return drawn


@pytest.fixture(scope="session")
def file_of() -> Callable[..., bytes]:
    """Return `filed`."""
    return filed


@pytest.fixture(scope="session")
def film_of() -> Callable[..., bytes]:
    """Return `moving`."""
    return moving


@pytest.fixture(scope="session", params=FORMATS)
def each_file(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    """One still file of each format, with its name."""
    return request.param, filed(drawn(), request.param)


HEIC = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAAAERAAAEA"
    "AQAAAAABoQABAAAAAAAAABgAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmND"
    "AQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAA"
    "AAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAA"
    "Av////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAACBtZGF0AAAAFCgBrwQY+Mpx1//w2R+QgLgBkhHn"
)
"""A red picture of 64 x 48 pixels, written once by libheif: nothing that may be installed here writes one."""


@pytest.fixture(scope="session")
def heic() -> bytes:
    """Return a HEIC file."""
    return base64.b64decode(HEIC)


def scene(width: int = 128, height: int = 72, seed: int = 0) -> Any:
    """Return a function: the number of a frame in, the frame of a calm scene out: a soft pattern and a light that goes about.

    It is soft enough to be no cut and nothing that appears, and large enough not to stand still.
    """
    pattern = np.asarray(drawn(width, height, seed), np.uint8) // 2 + 40

    def frame(number: int) -> Any:
        pixels = pattern.copy()
        left = (number * 2) % (width - 48)
        pixels[height // 3 : height // 3 + 32, left : left + 48] += 30
        return pixels

    return frame


CODECS: Mapping[str, Mapping[str, str]] = {
    "libx264": {"preset": "ultrafast", "crf": "20", "threads": "1"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "30", "b": "0"},
    "mpeg4": {"qscale": "3"},
}
"""Options with which each encoder is quick."""


def filmed(
    frames: Iterable[Any],
    container: str = "mp4",
    codec: str = "libx264",
    fps: int = 30,
    *,
    pixels: str = "yuv420p",
    times: Sequence[int] | None = None,
    options: Mapping[str, str] | None = None,
    mux: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
    stream: Callable[[Any], None] | None = None,
) -> bytes:
    """Return a film of some frames; `times` are those of the frames in milliseconds, `stream` does more to the track."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=container, options=dict(mux or {})) as film:
        film.metadata.update(metadata or {})
        track = None
        for number, picture in enumerate(frames):
            if track is None:
                track = film.add_stream(codec, rate=fps, options={**CODECS.get(codec, {}), **(options or {})})
                track.height, track.width = picture.shape[:2]
                track.pix_fmt = pixels
                if times is not None:
                    track.codec_context.time_base = Fraction(1, 1000)
                if stream is not None:
                    stream(track)
            made = av.VideoFrame.from_ndarray(picture, "rgba" if picture.shape[2] == 4 else "rgb24")
            made.pts = number if times is None else times[number]
            made.time_base = Fraction(1, fps if times is None else 1000)
            film.mux(track.encode(made))
        film.mux(track.encode(None))
    return out.getvalue()


@pytest.fixture(scope="session")
def scene_of() -> Callable[..., Any]:
    """Return `scene`."""
    return scene


@pytest.fixture(scope="session")
def reel() -> Callable[..., bytes]:
    """Return `filmed`."""
    return filmed


@pytest.fixture(scope="session")
def calm() -> bytes:
    """Three seconds of one scene."""
    return filmed(map(scene(), range(90)))


@pytest.fixture(scope="session")
def tape() -> Callable[..., bytes]:
    """Return `taped`."""
    return taped
