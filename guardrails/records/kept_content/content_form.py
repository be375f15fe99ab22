"""What is kept of a content: what was checked, as JSON. Pictures, films and sounds are named by their digests in it, as
`[image sha256:…]`: no byte of them is kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.embedded_media import decode_base64
from guardrails.engine.content.inline_media import is_medium
from guardrails.engine.content.payload import UNKNOWN, Payload
from guardrails.engine.values.media_types import SAID, begins_as_medium, medium
from guardrails.engine.values.plain import to_plain
from guardrails.errors import RequestError
from guardrails.types import Media, Text, ToolCall
from guardrails.wire import lossless_json
from guardrails.wire.pointers import Path

Unkept = Literal["too large", "not JSON"]
"""Why a content is not kept; its record says so."""
UNKEPT: Final = get_args(Unkept)

SHORTEST: Final = 64
"""Characters of Base64 from which it may be a picture,"""
LONGEST: Final = 2_048
"""and from which it is some other file, where its bytes are no text and differ as much as those of files."""
DIFFERENT: Final = 64
"""Values of bytes that a file has at least; the same letters over and over have few."""

BASE64: Final = re.compile(r"[A-Za-z0-9+/_\r\n-]+={0,2}\s*")
DATA_URI: Final = re.compile(
    r"(?i:data:([\w.+-]{1,64}\\?/[\w.+-]{1,128})?(?:;[\w.-]{1,32}=[\w.-]{1,64}){0,4};base64,)"
    r"([A-Za-z0-9+/=_-]*(?:(?:\\/|%[0-9A-Fa-f]{2})[A-Za-z0-9+/=_-]*)*)"
)
"""A data URI in Base64, in a text of JSON and percent-encoded too: its type, and what stands in it."""


class _UnkeptError(Exception):
    def __init__(self, reason: Unkept) -> None:
        super().__init__(reason)
        self.reason: Unkept = reason


def write_content(subject: Payload, most: int) -> bytes | Unkept:
    """Return what was checked as JSON, of so many bytes at most, or why it is not kept. Where a stream has left no value behind
    it, it is a list of its texts.
    """
    try:
        raw = lossless_json.write(_Plain(subject.tree, most).content(subject)).encode(
            "utf-8", "surrogatepass"
        )
    except _UnkeptError as error:
        return error.reason
    except (TypeError, ValueError, RequestError, RecursionError):
        return "not JSON"
    return raw if len(raw) <= most else "too large"


class _Plain:
    """Makes plain JSON values of what was checked. Raises `_UnkeptError` as soon as it is too large."""

    def __init__(self, tree: ContentTree, most: int) -> None:
        self._leaves = tree.leaves
        self._media = {
            leaf.path: leaf.content
            for leaf in tree.leaves
            if isinstance(leaf.content, Media) and leaf.inner is None and leaf.content.url is None
        }
        self._left = most

    def content(self, subject: Payload) -> Any:
        if subject.given is UNKNOWN:
            return [
                self._value(leaf.content, ())
                for leaf in self._leaves
                if not leaf.again and isinstance(leaf.content, Text | Media)
            ]
        # A picture in an array would become the numbers in it.
        return self._value(subject.given if () in self._media else to_plain(subject.given), ())

    def _value(self, value: Any, path: Path) -> Any:
        if path in self._media:
            return _name_media(self._media[path])
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, bool | int | float):
            self._count(4)
            return value
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                raise _UnkeptError("not JSON")
            return {self._text(key): self._value(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(inner, (*path, index)) for index, inner in enumerate(value)]
        return self._alone(value)

    def _alone(self, value: Any) -> Any:
        if isinstance(value, Text):
            return self._text(value.text)
        if isinstance(value, Media):
            return _name_media(value)
        if isinstance(value, ToolCall):
            return {"name": self._text(value.name), "arguments": self._text(value.arguments)}
        if isinstance(value, bytes | bytearray):
            return _name_bytes(bytes(value), None)
        raise _UnkeptError("not JSON")

    def _text(self, value: str) -> str:
        if len(value) >= SHORTEST:
            if "base64," in value.lower():
                value = DATA_URI.sub(_name_uri, value)
            value = _name_base64(value)
        self._count(len(value))
        return value

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise _UnkeptError("too large")


def _name_media(media: Media) -> str:
    if media.url is not None:
        return media.url
    return _name_bytes(media.data, media.kind) if media.data else f"[{media.kind}]"


def _name_bytes(data: bytes, kind: str | None) -> str:
    if kind is None:
        kind = medium(data, None).kind if begins_as_medium(data) else "binary"
    return f"[{kind} sha256:{hashlib.sha256(data).hexdigest()}]"


def _name_uri(found: re.Match[str]) -> str:
    declared = (found[1] or "").partition("/")[0].rstrip("\\").lower()
    data = decode_base64(found[2].replace("\\/", "/"))
    if declared in SAID:
        return _name_bytes(data, declared)
    return found[0] if _is_text(data) else _name_bytes(data, None)


def _name_base64(value: str) -> str:
    """Return the name of bytes that stand alone in Base64; any other text, and a text in Base64, as it is."""
    if not BASE64.fullmatch(value):
        return value
    if is_medium(value, None):
        return _name_bytes(decode_base64(value), None)
    if len(value) < LONGEST:
        return value
    data = decode_base64(value)
    return value if _is_text(data) or len({*data}) < DIFFERENT else _name_bytes(data, None)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
