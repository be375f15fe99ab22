"""Pictures with what cameras, phones, editors and people write beside them, made by real encoders."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import Any

from PIL import Image as Pillow
from PIL import PngImagePlugin

XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.1-c000 '
    '79.9ccc4de93, 2022/03/14-14:07:22        "><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF>'
    '</x:xmpmeta><?xpacket end="w"?>'
)
SPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "drone-dji": "http://www.dji.com/drone-dji/1.0/",
}


def xmp_of(inner: str = "", **attributes: str) -> bytes:
    """Return a packet of XMP: attributes by names with two underscores for the colon, and elements."""
    spaces = " ".join(f'xmlns:{name}="{space}"' for name, space in SPACES.items())
    said = " ".join(f'{name.replace("__", ":")}="{value}"' for name, value in attributes.items())
    return (XMP % f'<rdf:Description rdf:about="" {spaces} {said}>{inner}</rdf:Description>').encode()


def described(text: str) -> bytes:
    """Return a packet of XMP with a description."""
    return xmp_of(
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:description>'
    )


def exif_of(
    tags: Mapping[int, Any], own: Mapping[int, Any] | None = None, gps: Mapping[int, Any] | None = None
) -> bytes:
    """Return a block of EXIF."""
    exif = Pillow.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    for folder, values in ((0x8769, own), (0x8825, gps)):
        for tag, value in (values or {}).items():
            exif.get_ifd(folder)[tag] = value
    return exif.tobytes()


def iptc_of(values: Mapping[int, str]) -> bytes:
    """Return Photoshop's block with IPTC."""
    data = b"\x1c\x01\x5a\x00\x03\x1b%G"
    for dataset, value in values.items():
        written = value.encode()
        data += struct.pack(">BBBH", 0x1C, 2, dataset, len(written)) + written
    return irb_of({0x0404: data})


def irb_of(blocks: Mapping[int, bytes]) -> bytes:
    """Return a row of Photoshop's blocks."""
    made = b""
    for kind, data in blocks.items():
        made += b"8BIM" + struct.pack(">HHI", kind, 0, len(data)) + data + bytes(len(data) % 2)
    return made


def picture(format_: str = "JPEG", **options: Any) -> bytes:
    """Return the file of a small picture."""
    out = io.BytesIO()
    Pillow.new("RGB", (64, 48), (90, 90, 120)).save(out, format_, **options)
    return out.getvalue()


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    """Return a JPEG with parts behind its first mark."""
    data = picture()
    made = b"".join(struct.pack(">BBH", 0xFF, mark, len(part) + 2) + part for mark, part in segments)
    return data[:2] + made + data[2:]


def png(**texts: str) -> bytes:
    """Return a PNG with chunks of texts."""
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    return picture("PNG", pnginfo=info)


def with_xmp(packet: bytes) -> bytes:
    """Return a JPEG with XMP."""
    return jpeg((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet))


def with_iptc(values: Mapping[int, str]) -> bytes:
    """Return a JPEG with IPTC."""
    return jpeg((0xED, b"Photoshop 3.0\0" + iptc_of(values)))


def extended_jpeg(packet: bytes, size: int = 60_000) -> bytes:
    """Return a JPEG whose XMP is longer than one part, as Adobe's programs write it: the parts in any order."""
    digest = b"0123456789ABCDEF0123456789ABCDEF"
    cut = [(at, packet[at : at + size]) for at in range(0, len(packet), size)]
    parts = [
        (0xE1, b"http://ns.adobe.com/xmp/extension/\0" + digest + struct.pack(">II", len(packet), at) + part)
        for at, part in reversed(cut)
    ]
    return jpeg(
        (
            0xE1,
            b"http://ns.adobe.com/xap/1.0/\0"
            + xmp_of(xmpNote__HasExtendedXMP=digest.decode()).replace(
                b"xmlns:dc", b'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmlns:dc'
            ),
        ),
        *parts,
    )
