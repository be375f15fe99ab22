"""The field tables of OpenAI's speech API: requests in, and what a stream tells beside its sound, leaves out.

What is to be said is a text like any other. What it sounds like is a file, or bare samples (`response_format: pcm`), to which a
decoder needs a header; but in a stream its pieces are Base64, of one sound.
"""

from __future__ import annotations

import struct
from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.field_readers import (
    anything,
    by_table,
    each,
    figures,
    flag,
    identifier,
    keep,
    seed,
)
from guardrails.engine.content.places import place_at
from guardrails.errors import RequestError
from guardrails.media.images.outline import GENERIC
from guardrails.media.video.file_type import HEAD, detect_file_type, is_framed
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.images import images_fields
from guardrails.types import Audio, Place, Stage
from guardrails.wire.pointers import Path

SAID = Place(Stage.OUTPUT, role="assistant")

BARE: Final = frozenset({"audio/pcm", "audio/x-pcm", "audio/raw"})
"""How servers call samples without a header."""

RATE: Final = 24_000
"""Samples a second of those: one channel, 16 bits, little endian, as OpenAI's API has them."""

FRAMES: Final = frozenset({"mp3", "aac"})
"""Files that may begin without a name of their own, as samples too may begin by chance."""


def voice(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Who speaks: a name, or a mapping with an id."""
    (VOICE if isinstance(value, Mapping) else keep)(tree, value, path, place)


VOICE = by_table({"id": identifier})
REQUEST = by_table(
    {
        **dict.fromkeys(("input", "instructions"), images_fields.read_prompt),
        "voice": voice,
        **dict.fromkeys(("model", "response_format", "stream_format", "language"), keep),
        "speed": flag,
        "seed": seed,
        **{name: chat_fields.REQUEST.fields[name] for name in ("user", "safety_identifier", "metadata")},
    }
)


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request; raises `RequestError` for what is refused."""
    tree = ContentTree(roles=("user",))
    REQUEST(tree, body, (), Place(Stage.INPUT, role="user"))
    return tree


EVENT = by_table({"type": keep, "usage": figures, "error": anything})


class Events(dict[str, Any]):
    """An answer that is a stream: its `events`, and the request for it (`read_prompt`)."""


def wav_header(asked: Mapping[str, Any], media: str, head: bytes, size: int) -> bytes:
    """Return what a decoder has to read before a sound: the header of a WAV file where it is bare samples, else nothing.

    What is said to be of another type, or begins like a file, is that file, whatever was asked for.

    Args:
        asked: the request for the sound.
        media: the media type of the answer, in small letters and without parameters.
        head: its first bytes, `HEAD` of them at most.
        size: all of its bytes.
    """
    if asked.get("response_format") != "pcm" or media not in GENERIC | BARE:
        return b""
    kind = detect_file_type(head)
    by_chance = kind is not None and kind.format in FRAMES and head[:3] != b"ID3" and not is_framed(head)
    if kind is not None and not by_chance:
        return b""
    size = min(size, 0xFFFF_FFFF - 36)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form + struct.pack("<4sI", b"data", size)


def read_stream(body: Mapping[str, Any]) -> ContentTree:
    """Return the leaves of a stream (`Events`), whose events hold pieces of one sound (`audio`).

    Raises:
        RequestError: a piece is no sound Base64.
    """
    tree, sound = ContentTree(), bytearray()
    try:
        for event in body["events"]:
            if "audio" in event:
                sound += b64decode(event["audio"], validate=True)
    except (Error, ValueError, TypeError):
        raise RequestError("not_base64", "a piece of the sound is no Base64", "/events") from None
    rest = [{name: value for name, value in event.items() if name != "audio"} for event in body["events"]]
    each(EVENT)(tree, rest, ("events",), SAID)
    if sound:
        place = place_at(SAID, ("events",))
        before = wav_header(body.get("asked", {}), "", bytes(sound[:HEAD]), len(sound))
        tree.leaves.append(Leaf(Audio(before + sound, place), ("events",), editable=False))
    return tree
