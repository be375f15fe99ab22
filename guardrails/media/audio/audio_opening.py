"""A container that should hold sound alone goes in; whether it does, what it says of itself, and its cover pictures come out.

Runs in the process that decodes (`film_child`). Where pictures move beside the sound it is a film, and judged as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from guardrails.media.errors import MediaError
from guardrails.media.video.film_opening import SOUNDS, File, covers, opened, seconds_of, track_of, words_of
from guardrails.media.video.film_parts import Told, VideoLimits

if TYPE_CHECKING:
    from av.container import InputContainer
    from numpy.typing import NDArray

    Send = Callable[[dict[str, Any], list[NDArray[Any]]], None]

COVER: Final = 8 << 20
"""Bytes of a cover picture at most."""

COVERS: Final = 8
"""Cover pictures that there may be: a player shows one or two of them."""


def fits(container: InputContainer, limits: VideoLimits) -> None:
    """Raise `MediaError` where a container holds no sound that is read, something else, or more than is listened to."""
    if any(not covers(stream) for stream in container.streams.video):
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


def told(container: InputContainer) -> Told:
    """Return what a file says of itself."""
    seconds = seconds_of(container, container.streams.audio)
    tracks = tuple(track_of(stream) for stream in container.streams)
    return Told(0, 0, seconds, None, 0, tracks, tuple(words_of(container)))


def pictures(file: File, reader: str, limits: VideoLimits, send: Send) -> None:
    """Send the files of all cover pictures, as they are."""
    import numpy as np

    with opened(file, reader, limits, fits=fits) as container:
        streams = [*container.streams.video]
        for stream in streams:
            data = bytes(next((packet for packet in container.demux(stream) if packet.size), b""))
            if len(data) > COVER:
                raise MediaError("too_many_bytes", f"a cover picture has more than {COVER} bytes")
            send({"kind": "picture", "track": stream.index}, [np.frombuffer(data, np.uint8)])
            container.seek(0)
