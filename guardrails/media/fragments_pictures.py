"""The first bytes of a coded picture in, whether decoding can begin with it out: by itself, not by what a container says.

A container may call a picture one that needs no other, which still does: where the picture is refreshed piece by piece, or where
later ones refer to what came before it. After the pictures that are known here no decoder has anything left of what was before.
Sources: ITU-T H.264 and H.265 (7.3.1 and 7.4.2.2: types of units), AV1 (5.9.2) and VP9 (6.2: heads of frames).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

PEEK: Final = 1 << 14
"""Bytes of a picture in which that is found: before it stand what is said of the film, and of the coder."""

Anew = Callable[[bytes], bool]


def units(data: bytes, size: int) -> Iterator[bytes]:
    """Yield the units of a picture, each behind its length in so many bytes (0: behind a start code)."""
    if size == 0:
        yield from data.split(b"\0\0\1")[1:]
        return
    at = 0
    while at + size < len(data):
        end = at + size + int.from_bytes(data[at : at + size])
        yield data[at + size : end]
        at = end


def h264(size: int) -> Anew:
    """Return what tells it of H.264: the first slice is one of an IDR picture."""

    def anew(data: bytes) -> bool:
        kinds = (unit[0] & 0x1F for unit in units(data, size) if unit)
        return next((kind == 5 for kind in kinds if 1 <= kind <= 5), False)

    return anew


def h265(size: int) -> Anew:
    """Return what tells it of H.265: the first slice is one of an IDR picture, or of one behind a broken link."""

    def anew(data: bytes) -> bool:
        kinds = (unit[0] >> 1 & 0x3F for unit in units(data, size) if len(unit) > 1 and not _layer(unit))
        return next((16 <= kind <= 20 for kind in kinds if kind < 32), False)

    return anew


def _layer(unit: bytes) -> int:
    """Return to which layer a unit of H.265 belongs: what all decoders show is 0."""
    return (unit[0] & 1) << 5 | unit[1] >> 3


def av1(data: bytes) -> bool:
    """Tell it of AV1: the first frame is a key frame that is shown."""
    at = 0
    while at + 1 < len(data):
        kind, head = data[at] >> 3 & 0xF, 1 + (data[at] >> 2 & 1)
        if not data[at] & 2:
            return False  # one without a size is the last, and nothing that begins a film
        size = shift = 0
        at += head
        while at < len(data):
            size |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if not data[at - 1] & 0x80:
                break
        if kind in (3, 6):
            return at < len(data) and data[at] >> 4 == 1
        at += size
    return False


def vp9(data: bytes) -> bool:
    """Tell it of VP9: the first frame is a key frame."""
    return (
        bool(data) and data[0] & 0xCC == 0x80
    )  # its mark, no frame that is known already, and its type; three profiles


SAMPLES: Final[Mapping[bytes, tuple[bytes, int, Callable[[int], Anew]]]] = MappingProxyType(
    {
        **dict.fromkeys((b"avc1", b"avc3"), (b"avcC", 4, h264)),
        **dict.fromkeys((b"hvc1", b"hev1"), (b"hvcC", 21, h265)),
        b"av01": (b"av1C", 0, lambda size: av1),
        b"vp09": (b"vpcC", 0, lambda size: vp9),
    }
)
"""How samples are coded → the box that says more of it, where in it the size of lengths stands, and what tells it."""

STREAMS: Final[Mapping[int, Anew]] = MappingProxyType({0x1B: h264(0), 0x24: h265(0)})
"""Types of tracks of pictures in transport streams → what tells it."""
