"""Files as phones write them, put together of what real encoders make."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

from PIL import Image as Pillow
from PIL import ImageDraw

Block = tuple[int, str, bytes]
"""The type of a part of Samsung's trailer, its name, and what is in it."""

FILM, TIME, COUNTRY, EDITED = 0x0A30, 0x0A01, 0x0AA1, 0x0B01


def photo(*, green: bool = False, format_: str = "JPEG", size: tuple[int, int] = (160, 120)) -> bytes:
    """Return a photo, perhaps with a green square."""
    image = Pillow.effect_noise(size, 60).convert("RGB")
    if green:
        ImageDraw.Draw(image).rectangle((40, 30, 90, 80), fill=(0, 255, 0))
    out = io.BytesIO()
    image.save(out, format_)
    return out.getvalue()


def samsung_trailer(blocks: Sequence[Block]) -> bytes:
    """Return the trailer that Samsung's phones write: parts, a list of them that counts from behind, and its length."""
    body, places = b"", []
    for kind, name, content in blocks:
        part = struct.pack("<2xHI", kind, len(name)) + name.encode() + content
        places.append((kind, len(body), len(part)))
        body += part
    head = b"SEFH" + struct.pack("<II", 107, len(blocks))
    for kind, at, size in places:
        head += struct.pack("<2xHII", kind, len(body) - at, size)
    return body + head + struct.pack("<I", len(head)) + b"SEFT"


def google_motion_photo(film: bytes, **more: bool) -> bytes:
    """Return a motion photo as Google's phones write it: the film behind a picture whose XMP says so."""
    data = photo(**more)
    xmp = (
        b"http://ns.adobe.com/xap/1.0/\0"
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" '
        b'GCamera:MotionPhotoVersion="1"/></rdf:RDF></x:xmpmeta>'
    )
    segment = b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp
    return data[:2] + segment + data[2:] + film


def samsung_motion_photo(film: bytes, *more: Block, green: bool = False) -> bytes:
    """Return a motion photo as Samsung's phones write it."""
    blocks = [
        (TIME, "Image_UTC_Data", b"1625848323000"),
        *more,
        (COUNTRY, "MCC_Data", b"262"),
        (FILM, "MotionPhoto_Data", film),
    ]
    return photo(green=green) + samsung_trailer(blocks)
