"""Checks a container that should hold sound alone, describes it and sends its cover pictures.

Runs in the process that decodes (`film_child`). Where pictures move beside the sound it is a film, and judged as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from guardrails.media.errors import MediaError
from guardrails.media.video.film_opening import (
    SOUNDS,
    DescriptorFile,
    container_seconds,
    container_texts,
    describe_track,
    is_cover,
    open_container,
)
from guardrails.media.video.film_parts import FilmDescription, VideoLimits

if TYPE_CHECKING:
    from av.container import InputContainer
    from numpy.typing import NDArray

    Send = Callable[[dict[str, Any], list[NDArray[Any]]], None]

COVER: Final = 8 << 20
"""Bytes of a cover picture at most."""

COVERS: Final = 8
"""Cover pictures that there may be: a player shows one or two of them."""


def check_sound(container: InputContainer, limits: VideoLimits) -> None:
    """Raise `MediaError` where a container holds no sound that is read, something else, or more than is listened to."""
    if any(not is_cover(stream) for stream in container.streams.video):
        raise MediaError("mistyped", "pictures move in it: it is a film, and no sound alone")
    streams = container.streams.audio
    if not streams:
        raise MediaError("undecodable", "there is no sound in it")
    if len(streams) > limits.tracks:
        raise MediaError("too_many_tracks", f"{len(streams)} tracks of sound are more than {limits.tracks}")
    if len(container.streams.video) > COVERS:
        raise MediaError("too_many_tracks", f"there are more than {COVERS} cover pictures in it")
    if any(each.codec_context is None or each.codec_context.name not in SOUNDS for each in streams):
        raise MediaError("unsupported_type", "the codec of its sound is not read")


def describe_sound(container: InputContainer) -> FilmDescription:
    """Return what a file says of itself."""
    seconds = container_seconds(container, container.streams.audio)
    tracks = tuple(describe_track(stream) for stream in container.streams)
    return FilmDescription(0, 0, seconds, None, 0, tracks, tuple(container_texts(container)))


def send_covers(file: DescriptorFile, reader: str, limits: VideoLimits, send: Send) -> None:
    """Send the files of all cover pictures, as they are."""
    import numpy as np

    with open_container(file, reader, limits, fits=check_sound) as container:
        streams = [*container.streams.video]
        for stream in streams:
            data = bytes(next((packet for packet in container.demux(stream) if packet.size), b""))
            if len(data) > COVER:
                raise MediaError("too_many_bytes", f"a cover picture has more than {COVER} bytes")
            send({"kind": "picture", "track": stream.index}, [np.frombuffer(data, np.uint8)])
            container.seek(0)
