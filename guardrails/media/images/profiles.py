"""Rewrites ordinary profiles of colours, for pictures that are made of the pixels of others.

A profile is a file of somebody's: names, copyrights, tags that nobody reads. What stays of it is what says what the numbers of
the picture mean (`colours.is_ordinary_profile` has looked at each of these tags), in a profile of our own.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from guardrails.media.images.colours import CURVES, HEAD, MARK, PRIMARIES, is_ordinary_profile

NAME: Final = "picture"
"""What our profiles are called."""

WHITE: Final = struct.pack(">3i", 63190, 65536, 54061)
"""The white that profiles are connected by (D50)."""

FORMULAS: Final = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
"""Numbers that a curve by a formula has, by its kind."""

SPACES: Final = {"L": b"GRAY", "LA": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB ", "P": b"RGB ", "PA": b"RGB "}
"""What the numbers of a picture are that Pillow has in a mode: a profile of anything else means nothing there."""


@lru_cache(maxsize=64)
def rewrite_profile(profile: bytes) -> bytes:
    """Return an ordinary profile with nothing in it but what its colours mean; empty for what is none."""
    if len(profile) < HEAD or profile[36:40] != MARK or not is_ordinary_profile(profile):
        return b""
    space, found = profile[16:20], _read_tags(profile)
    curves = {name: _cut_curve(found[name]) for name in CURVES[space]}
    is_newer = any(
        curve.startswith(b"para") for curve in curves.values()
    )  # version 4: these have other texts, too
    text = _localized if is_newer else _described
    tags = {b"desc": text(), b"cprt": _localized() if is_newer else b"text" + bytes(4) + b"none\0"}
    tags |= {b"wtpt": b"XYZ " + bytes(4) + WHITE}
    if space == b"RGB ":
        tags |= {name: found[name][:20] for name, _ in PRIMARIES}
    return _write(space, tags | curves, 4 if is_newer else 2)


def profile_for(profile: bytes, mode: str) -> bytes:
    """Return a profile where it is for pictures of a mode of Pillow's, else nothing."""
    return profile if profile[16:20] == SPACES.get(mode) else b""


def is_grey(profile: bytes) -> bool:
    """Tell whether a profile is for pictures of one channel."""
    return profile[16:20] == b"GRAY"


def _read_tags(profile: bytes) -> dict[bytes, bytes]:
    count = int.from_bytes(profile[128:132], "big")
    entries = (struct.unpack_from(">4sII", profile, HEAD + 12 * each) for each in range(count))
    return {name: profile[at : at + size] for name, at, size in entries}


def _cut_curve(curve: bytes) -> bytes:
    """Return a curve without what stands behind it."""
    if curve.startswith(b"curv"):
        return curve[: 12 + 2 * int.from_bytes(curve[8:12], "big")]
    return curve[: 12 + 4 * FORMULAS[int.from_bytes(curve[8:10], "big")]]


def _described() -> bytes:
    text = NAME.encode() + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)


def _localized() -> bytes:
    text = NAME.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(text), 28) + text


def _write(space: bytes, tags: dict[bytes, bytes], version: int) -> bytes:
    """Return a profile of tags."""
    body, entries, at = b"", struct.pack(">I", len(tags)), HEAD + 12 * len(tags)
    for name, tag in tags.items():
        entries += struct.pack(">4sII", name, at + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    head = bytearray(128)
    head[8], head[12:24], head[36:40], head[68:80] = version, b"mntr" + space + b"XYZ ", MARK, WHITE
    head[:4] = struct.pack(">I", at + len(body))
    return bytes(head) + entries + body
