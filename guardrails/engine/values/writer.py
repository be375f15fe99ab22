"""Writes new values at places of a value; nothing is changed in place: the path that leads to them is copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.engine.values.json_text import parse_json_text, write_json_text
from guardrails.wire.pointers import Path, pointer


def replace_values(body: Any, edits: Mapping[tuple[Path, Path | None], Any]) -> Any:
    """Return the body with the texts at these places replaced; what leads to none of them is shared, not
    copied.

    A place is edited as a whole (inner path None) or inside, never both: a walk reads each text in one way.
    """
    inside: dict[Path, dict[Path, Any]] = {}
    for (path, inner), text in edits.items():
        if inner is None:
            body = _replace_value(body, path, text)
        else:
            inside.setdefault(path, {})[inner] = text
    for path, changes in inside.items():
        value, sound = parse_json_text(value_at(body, path))
        if not sound:
            raise ValueError(f"{pointer(path)} is edited as a whole and inside")
        for inner, text in changes.items():
            value = _replace_value(value, inner, text)
        body = _replace_value(body, path, write_json_text(value))
    return body


def value_at(body: Any, path: Path) -> Any:
    """Return what stands at a path of a body."""
    for part in path:
        body = body[part]
    return body


def _replace_value(body: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    head, *rest = path
    copy = dict(body) if isinstance(body, Mapping) else list(body)
    copy[head] = _replace_value(copy[head], tuple(rest), value)  # type: ignore[index] # a path made by the walk fits
    return tuple(copy) if isinstance(body, tuple) else copy
