"""What kind of media some bytes, or a file, are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from guardrails.media.images.outline import WALKS, sniff_format
from guardrails.media.unread_types import What, find_unread
from guardrails.media.video.file_type import HEAD, detect_file_type
from guardrails.types import Audio, Image, Media, Video

KINDS: Final[Mapping[str, type[Media]]] = {"film": Video, "sound": Audio}
"""What bytes are that `detect_file_type` knows; all others are those of pictures."""

SAID: Final[Mapping[str, type[Media]]] = {"image": Image, "video": Video, "audio": Audio}
"""What is said of a file, before the slash of its type."""

UNREAD_KINDS: Final[Mapping[What, type[Media]]] = {"picture": Image, "film": Video, "sound": Audio}
"""As what files are named that are none of the types that are read."""

MEDIA: Final[Mapping[str, type[Media]]] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".heic"), Image),
    **dict.fromkeys((".jfif", ".apng", ".heif"), Image),
    **dict.fromkeys((".mp4", ".mov", ".webm", ".mkv", ".avi", ".ts"), Video),
    **dict.fromkeys((".wav", ".mp3", ".ogg", ".flac", ".m4a"), Audio),
    **{
        f".{ending}": kind
        for what, kind in UNREAD_KINDS.items()
        for each in find_unread(what)
        for ending in each.endings
    },
}
"""What a file is taken for by its name; its bytes decide once it is opened, also that its type is one that is not read."""


def medium(head: bytes, declared: str | None = None) -> type[Media]:
    """Return what a file is, by the type that it is said to be of, else by its first bytes; a picture where neither says more."""
    said = SAID.get((declared or "").partition("/")[0].strip().lower())
    of = detect_file_type(head[:HEAD])
    return said or (Image if of is None else KINDS[of.what])


def begins_as_medium(head: bytes) -> bool:
    """Tell whether a file begins like a picture, a film or a sound of a type that is read."""
    return detect_file_type(head) is not None or sniff_format(head) in WALKS


def medium_of_path(path: Path) -> type[Media]:
    """Return what a file is taken for: by its ending, else by its first bytes."""
    by_name = MEDIA.get(path.suffix.lower())
    if by_name is not None:
        return by_name
    try:
        with path.open("rb") as file:
            return medium(file.read(HEAD))
    except OSError:
        return Image  # which says what is wrong, once it is opened
