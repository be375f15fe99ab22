"""Collects the texts of a file, within bounds: how many bytes are looked at, how many texts there are and how long they are.

What has the form of a text is a field with a name. Anything else that stands beside the picture (the notes of a camera's maker,
blocks that nobody documents) is searched for stretches that may be read, as `strings` does, in UTF-8 and UTF-16.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from guardrails.cancellation import check
from guardrails.media.metadata.ordinary_values import is_ordinary, strip_versions

MOST_BYTES: Final = 32_000_000
"""Bytes of one file, and of what is packed in it, that are looked at."""

MOST_PACKED: Final = 4_000_000
"""Bytes that one packed text may have."""

MOST_TEXTS: Final = 1_000
"""Texts of one file."""

MOST_CHARACTERS: Final = 200_000
"""Characters of all of them."""

TOO_LARGE: Final = f"texts in the file are packed, or stand in more than {MOST_BYTES} bytes"
TOO_MANY: Final = f"more than {MOST_TEXTS} texts stand in the file beside the picture"
TOO_LONG: Final = f"texts in the file beside the picture have more than {MOST_CHARACTERS} characters"

_LEAST: Final = 20
"""Characters from which a stretch of other bytes may say something."""

_SAYS: Final = re.compile(
    r"(?:[^\W\d_]{2,}(?:[ \t\r\n,.;:!?'\"()-]{1,3}[^\W\d_])?[ \t\r\n,.;:!?'\"()-]{1,3}){4}[^\W\d_]{2,}|"
    r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{6,}"
)
"""Five words in a row, or as much of a script without spaces: anything less says nothing."""

_MARKS: Final = re.compile(r"\A[\W_]+")
"""What may stand before a text among other bytes, such as its length."""

_RUNS: Final = (
    re.compile(
        rb"(?:[\t\n\r\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}){%d,}"
        % _LEAST
    ),
    re.compile(rb"(?:[\t\n\r\x20-\x7e]\0){%d,}[\t\n\r\x20-\x7e]?" % _LEAST),
)
"""How stretches look that may be read: in UTF-8, and in UTF-16 of either order."""


@dataclass(frozen=True, slots=True)
class WrittenText:
    """A text in a file. `place` says where (`exif.ImageDescription`); `avoided` that it lists what a picture was not to show;
    `loose` that it was found among bytes of another kind, and is a text only if it reads as one.
    """

    place: str
    text: str
    avoided: bool = False
    loose: bool = False


class WrittenTexts:
    """The texts of one file, each once, and why some were left out (`left`)."""

    def __init__(self) -> None:
        self.left: dict[str, None] = {}
        self._texts: dict[str, WrittenText] = {}
        self._bytes = self._characters = 0

    def __iter__(self) -> Iterator[WrittenText]:
        return iter(self._texts.values())

    def add(self, place: str, text: str, *, avoided: bool = False, loose: bool = False) -> None:
        """Add a text; nothing where its value is one that machines write there, and says nothing."""
        text = text.replace("\0", " ").strip()
        if is_ordinary(place, text):
            return
        text = strip_versions(place, text).strip()
        if not text or text in self._texts:
            return
        if len(self._texts) >= MOST_TEXTS:
            self.left[TOO_MANY] = None
        elif self._characters + len(text) > MOST_CHARACTERS:
            self.left[TOO_LONG] = None
        else:
            self._characters += len(text)
            self._texts[text] = WrittenText(place, text, avoided, loose)

    def search(self, place: str, data: bytes) -> None:
        """Add what may be read among other bytes."""
        if not self.admits(len(data)):
            return
        for pattern in _RUNS:
            for found in pattern.finditer(data):
                text = found[0].replace(b"\0", b"").decode("utf-8", "replace")
                if _SAYS.search(text):
                    self.add(place, _MARKS.sub("", text), loose=True)

    def admits(self, size: int) -> bool:
        """Tell whether so many bytes more are looked at."""
        check()
        self._bytes += size
        if self._bytes > MOST_BYTES:
            self.left[TOO_LARGE] = None
        return self._bytes <= MOST_BYTES

    def unpack(self, packed: bytes) -> bytes:
        """Return what zlib packed; nothing of what is broken or too large."""
        reader = zlib.decompressobj()
        try:
            data = reader.decompress(packed, MOST_PACKED)
        except zlib.error:
            return b""
        if reader.unconsumed_tail:
            self.left[TOO_LARGE] = None
            return b""
        return data if self.admits(len(data)) else b""


def decode_text(data: bytes, encodings: Iterable[str] = ("utf-8",)) -> str:
    """Return a text that is written in one of some encodings, as those of the Western world were where it is in none."""
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", "replace")
