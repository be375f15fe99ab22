"""What the readers of outlines share: numbers, errors and the stretches of a file that are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from guardrails.media.errors import MediaError

PADDING: Final = b"\0 \t\r\n"
"""What may stand behind the end of a file, as it means nothing."""

ORIENTATION: Final = 0x0112
"""The tag of EXIF that says how a picture is turned."""


@dataclass(frozen=True, slots=True)
class FileOutline:
    """What a file says of itself.

    `width` and `height` are as stored, before it is turned by `orientation` (1 to 8, as in EXIF). `frames` is None where only a
    decoder can tell. `clean` is the file without metadata and without what stands behind its end (`trailing` bytes of that).
    `scans` counts the passes of a progressive JPEG, and `more` are
    whole pictures that stand behind the first (a phone's second view, a map of brightness). `coloured` tells that it says what
    its colours mean, and not as files do (`colours.is_ordinary_profile`): that alone is left in `clean`, for the decoder.
    `profile` is an ordinary profile that it has, rewritten (`profiles.rewrite_profile`), for what is made of its pixels.
    """

    format: str
    width: int
    height: int
    frames: int | None
    clean: bytes
    orientation: int = 1
    trailing: int = 0
    scans: int = 1
    more: tuple[FileOutline, ...] = ()
    coloured: bool = False
    profile: bytes = b""

    def with_trailing(self, more: tuple[FileOutline, ...], trailing: int) -> FileOutline:
        """Return the same with what stands behind it."""
        return replace(self, more=more, trailing=trailing)


class KeptStretches:
    """The stretches of a file that are kept, in order; `data` itself where that is all of it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._parts: list[bytes | tuple[int, int]] = []

    def keep(self, start: int, end: int) -> None:
        """Keep a stretch."""
        if self._parts and isinstance(last := self._parts[-1], tuple) and last[1] == start:
            self._parts[-1] = (last[0], end)
        else:
            self._parts.append((start, end))

    def replace(self, part: bytes) -> None:
        """Put something else there."""
        self._parts.append(part)

    def join(self) -> bytes:
        """Return what was kept."""
        if self._parts == [(0, len(self._data))]:
            return self._data
        view = memoryview(self._data)
        return b"".join(part if isinstance(part, bytes) else view[part[0] : part[1]] for part in self._parts)


def truncated_error(what: str) -> MediaError:
    """Return the error for a file that was cut."""
    return MediaError("truncated", f"the {what} file ends before its picture does")


def broken_error(what: str, why: str) -> MediaError:
    """Return the error for a file that is not as its format wants it."""
    return MediaError("undecodable", f"the {what} file is broken: {why}")


def read_number(data: bytes, at: int, size: int, order: str = "big") -> int:
    """Return the number that stands somewhere; raises `IndexError` where the file ends before."""
    if at + size > len(data):
        raise IndexError
    return int.from_bytes(data[at : at + size], "big" if order == "big" else "little")


def count_trailing(data: bytes, end: int) -> int:
    """Return how many bytes stand behind the end of a picture, less what is padding."""
    return len(data[end:].rstrip(PADDING)) if len(data) > end else 0


def read_exif_orientation(exif: bytes) -> int:
    """Return the orientation that EXIF says: 1 where it says none, or is broken, as whoever shows pictures takes it."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "little", b"MM": "big"}.get(exif[:2])
    if order is None:
        return 1
    try:
        at = read_number(exif, 4, 4, order)
        for entry in range(at + 2, at + 2 + 12 * min(read_number(exif, at, 2, order), 512), 12):
            if read_number(exif, entry, 2, order) == ORIENTATION:
                found = read_number(exif, entry + 8, 2, order)
                return found if 1 <= found <= 8 else 1
    except IndexError:
        pass
    return 1
