"""As what files that cannot be read are named, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from guardrails.media.errors import MediaError
from guardrails.types import Image, Media, Unchecked

UNREADABLE: Final[Mapping[str, str]] = {"image": "image", "video": "video", "audio": "part"}
"""As what of `unchecked` a file is named that cannot be read; `audio` is for speech that is only not transcribed."""

OVER_LIMIT: Final = frozenset(
    {"too_many_bytes", "too_many_pixels", "too_many_frames", "too_many_tracks", "too_much_memory", "timeout"}
)
"""Codes of films and sounds that a limit leaves out: `limit`."""


def describe_unreadable(content: Media, error: MediaError) -> Unchecked:
    """Return as what a file is named that cannot be judged."""
    over = error.code in OVER_LIMIT and not isinstance(content, Image)
    kind = "limit" if over else UNREADABLE[content.kind]
    return Unchecked(kind, f"{error.code}: {error}", content.place.path, failure=error.failure)
