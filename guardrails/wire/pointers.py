"""Paths into a JSON value, and how they are written as JSON Pointers (RFC 6901)."""

from __future__ import annotations

Path = tuple["str | int", ...]
"""The keys and indexes that lead to a value, from the outermost."""

MAX_DEPTH = 64
"""Nesting of a body, JSON inside strings included."""


class KeyStep(str):
    """The last step to a key of a mapping itself, not to what it leads to: no step to a value equals it. A pointer cannot tell
    them apart.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyStep) and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((KeyStep, str(self)))


def pointer(path: Path) -> str:
    """Write a path as a JSON Pointer."""
    return "".join([f"/{part}" if type(part) is int else "/" + _escaped(str(part)) for part in path])


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1") if "~" in part or "/" in part else part
