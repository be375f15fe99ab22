"""Captions inside of frames: found where they say something, in real packets too."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import av

from guardrails.media.video.captions import has_captions
from guardrails.media.video.film_source import open_film
from tests.cases import each_case

HEAD = b"\xb5\x00\x31GA94\x03"
CODE = b"\x00\x00\x01\xb2GA94\x03"


@each_case("head", [HEAD, CODE])
@each_case(
    ("data", "expected"),
    [
        (b"\xc1\xff\xfc\xd4\xf2\xff", True),
        (b"\x41\xff\xfc\x20\x80\xff", True),
        (b"\xc2\xff\xfc\x80\x80\xfd\xe8\xe9\xff", True),
        (b"\xc1\xff\xfe\x41\x42\xff", True),
        (b"\xc2\xff\xfc\x80\x80\xfd\x80\x80\xff", False),
        (b"\xc2\xff\xf8\xd4\xf2\xfa\x00\x00\xff", False),
        (b"\xc1\xff\xfc\x80\x80\xfc\xd4\xf2\xff", False),
        (b"\xc0\xff\xfc\xd4\xf2\xff", False),
        (b"\x81\xff\xfc\xd4\xf2\xff", False),
        (b"\xc1\xff\xfc", False),
        (b"", False),
    ],
)
def test_pairs_that_say_something_are_captions(head: bytes, data: bytes, expected: bool) -> None:
    """Of either field and of CEA-708, where they are valid and counted; empty ones are sent all the time."""
    assert has_captions(b"\x00\x00\x00\x01\x06\x04\x10" + head + data + b"\x80") is expected
    assert has_captions(b"xx" + head + b"\xc1\xff\xfc\x80\x80\xff" + head + data) is expected


@each_case("before", [b"", b"\xb5\x00", b"\xb5\x00\x32", b"\x00\x00\x01\xb3"])
def test_what_is_no_such_note_has_none(before: bytes) -> None:
    """Whatever stands behind the name."""
    assert not has_captions(before + b"GA94\x03\xc1\xff\xfc\xd4\xf2\xff")


@each_case(("pair", "count"), [("d4f2", 10), ("8080", 0)])
def test_packets_of_a_film_are_counted(
    reel: Callable[..., bytes], pair: str, count: int, scene_of: Any
) -> None:
    """In H.264, where television has them."""
    note = bytes.fromhex(f"060411b50031474139340342fffc{pair}fc{pair}ff80")
    out, frame = io.BytesIO(), scene_of()
    with (
        av.open(io.BytesIO(reel(map(frame, range(10)))), "r") as source,
        av.open(out, "w", format="mp4") as target,
    ):
        copied = target.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                more = av.Packet(len(note).to_bytes(4, "big") + note + bytes(packet))
                more.pts, more.dts, more.time_base = packet.pts, packet.dts, packet.time_base
                more.stream, more.is_keyframe = copied, packet.is_keyframe
                target.mux(more)
    with open_film(out.getvalue()) as film, film.watch() as watch:
        assert [*watch]
        assert (watch.seen.captioned, watch.seen.decoded) == (count, 10)
