"""The declared fields of a body: where they stand in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from guardrails.engine.values.writer import value_at
from guardrails.wire.pointers import Path

WHOLE: Final[Sequence[Path]] = ((),)
"""The place of a body as a whole."""


def find_places(body: Any, fields: Sequence[str]) -> Sequence[Path]:
    """Return the places of a body that are judged: the declared fields, by JSON Pointers in which `*` is any entry.

    Names match without regard to case. Where a field leads into a value of another shape (a list or a text in the place of a
    mapping), that value is judged as a whole; so is a body in which no field is found. Places inside of another are left out.
    """
    found: dict[Path, None] = {}
    for field in fields:
        paths: list[Path] = [()]
        for name in field.split("/")[1:]:
            name = name.replace("~1", "/").replace("~0", "~")
            below = list[Path]()
            for path in paths:
                steps = _find_steps(value_at(body, path), name)
                if steps is None:
                    found[path] = None
                else:
                    below += [(*path, step) for step in steps]
            paths = below
        found |= dict.fromkeys(paths)
    if not found:
        return WHOLE
    return [path for path in found if not any(path[:length] in found for length in range(len(path)))]


def _find_steps(value: Any, name: str) -> Sequence[Any] | None:
    """Return the steps to the entries of a name, None where a value has no entries of names like this one."""
    if isinstance(value, Mapping):
        return [key for key in value if name == "*" or key.casefold() == name.casefold()]
    if isinstance(value, list) and name == "*":
        return range(len(value))
    if isinstance(value, list) and name.isdecimal():
        return [int(name)] if int(name) < len(value) else []
    return None
