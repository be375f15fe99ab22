"""Tells by the first bytes of a coded picture, not by its container, whether decoding can begin with it.

A container may call a picture one that needs no other, which still does: where the picture is refreshed piece by piece, or where
later ones refer to what came before it. After the pictures that are known here no decoder has anything left of what was before.
Sources: ITU-T H.264 and H.265 (7.3.1 and 7.4.2.2: types of units), AV1 (5.9.2) and VP9 (6.2: heads of frames).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from guardrails.media.fragments.fragment import UncuttableFilm

PEEK: Final = 1 << 14
"""Bytes of a picture in which that is found: before it stand what is said of the film, and of the coder."""

Anew = Callable[[bytes], bytes | None]
"""The first bytes of a picture in; None out where decoding cannot begin with it, else what it says of how all are coded."""


def common_parameters(before: bytes | None, said: bytes | None) -> bytes | None:
    """Return what all pictures with which decoding can begin say of how they are coded, by what those before said and what one
    says now; None: it is none of them.

    Raises:
        Uncut: it is not the same, so that one that says nothing would depend on what came before.
    """
    if None not in (before, said) and before != said:
        raise UncuttableFilm("its pictures are coded otherwise from some place on")
    return said if before is None else before


def split_units(data: bytes, size: int) -> Iterator[bytes]:
    """Yield the units of a picture, each behind its length in so many bytes (0: behind a start code)."""
    if size == 0:
        yield from data.split(b"\0\0\1")[1:]
        return
    at = 0
    while at + size < len(data):
        end = at + size + int.from_bytes(data[at : at + size])
        yield data[at + size : end]
        at = end


def h264_keyframe_test(size: int) -> Anew:
    """Return what tells it of H.264: the first slice is one of an IDR picture."""

    def anew(data: bytes) -> bytes | None:
        found = ((unit[0] & 0x1F, unit) for unit in split_units(data, size) if unit)
        return _begins(found, range(1, 6), (5,), (7, 8), said=bool(size))

    return anew


def h265_keyframe_test(size: int) -> Anew:
    """Return what tells it of H.265: the first slice is one of an IDR picture, or of one behind a broken link."""

    def anew(data: bytes) -> bytes | None:
        found = (
            (unit[0] >> 1 & 0x3F, unit)
            for unit in split_units(data, size)
            if len(unit) > 1 and not _layer(unit)
        )
        return _begins(found, range(32), range(16, 21), (32, 33, 34), said=bool(size))

    return anew


def _begins(
    found: Iterator[tuple[int, bytes]], slices: range, anew: Sequence[int], sets: Sequence[int], *, said: bool
) -> bytes | None:
    """Return the units of some types (`sets`: how pictures are coded) before the first slice, where that is one of `anew`;
    None where it is not, and where they are not all there, unless something else has `said` it.
    """
    before: dict[int, bytes] = {}
    for kind, unit in found:
        if kind in slices:
            whole = said or before.keys() == set(sets)
            return b"".join(before.values()) if kind in anew and whole else None
        if kind in sets:
            before[kind] = before.get(kind, b"") + unit
    return None


def _layer(unit: bytes) -> int:
    """Return to which layer a unit of H.265 belongs: what all decoders show is 0."""
    return (unit[0] & 1) << 5 | unit[1] >> 3


def begins_av1(data: bytes) -> bytes | None:
    """Tell it of AV1: the first frame is a key frame that is shown, behind a head of its sequence."""
    at, said = 0, b""
    while at + 1 < len(data):
        begin, kind, head = at, data[at] >> 3 & 0xF, 1 + (data[at] >> 2 & 1)
        if not data[at] & 2:
            return None  # one without a size is the last, and nothing that begins a film
        size = shift = 0
        at += head
        while at < len(data):
            size |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if not data[at - 1] & 0x80:
                break
        if kind in (3, 6):
            return said if said and at < len(data) and data[at] >> 4 == 1 else None
        at += size
        said += data[begin:at] if kind == 1 else b""
    return None


def begins_vp9(data: bytes) -> bytes | None:
    """Tell it of VP9: the first frame is a key frame."""
    # Its mark, no frame that is known already, and its type, in three profiles.
    return b"" if data and data[0] & 0xCC == 0x80 else None


SAMPLES: Final[Mapping[bytes, tuple[bytes, int, Callable[[int], Anew]]]] = MappingProxyType(
    {
        **dict.fromkeys((b"avc1", b"avc3"), (b"avcC", 4, h264_keyframe_test)),
        **dict.fromkeys((b"hvc1", b"hev1"), (b"hvcC", 21, h265_keyframe_test)),
        b"av01": (b"av1C", 0, lambda size: begins_av1),
        b"vp09": (b"vpcC", 0, lambda size: begins_vp9),
    }
)
"""How samples are coded → the box that says more of it, where in it the size of lengths stands, and what tells it."""

STREAMS: Final[Mapping[int, Anew]] = MappingProxyType(
    {0x1B: h264_keyframe_test(0), 0x24: h265_keyframe_test(0)}
)
"""Types of tracks of pictures in transport streams → what tells it."""
