"""Paths into a JSON value, and how they are written as JSON Pointers (RFC 6901)."""

from __future__ import annotations

Path = tuple["str | int", ...]
"""The keys and indexes that lead to a value, from the outermost."""

MAX_DEPTH = 64
"""Nesting of a body, JSON inside strings included."""


def pointer(path: Path) -> str:
    """Write a path as a JSON Pointer."""
    return "".join([f"/{part}" if type(part) is int else "/" + _escaped(str(part)) for part in path])


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1") if "~" in part or "/" in part else part
