"""Reads policies that lie in no file: YAML text, and mappings of Python values as YAML would give them.

Problems in a text stand at a line and column of `<text>`. In a mapping they stand at the JSON Pointer of the value, as in
`<mapping>#/rules/0/when:1:9`, where line and column count inside the value, so that `1:1` is its beginning.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from guardrails.enums import OrderedWords
from guardrails.errors import PolicyError, PolicyErrors
from guardrails.policy.loading.compose import MAX_DEPTH
from guardrails.policy.loading.source import Mark, Path, Source, read_yaml
from guardrails.policy.shipped import shipped_names
from guardrails.wire.pointers import pointer

TEXT = "<text>"
MAPPING = "<mapping>"


def is_policy_text(policy: str | FilePath) -> bool:
    """Tell whether a string is the YAML text of a policy, not the name of one: it holds a line break or a colon and a space, and
    no shipped policy and no file has that name.
    """
    if not isinstance(policy, str) or not ("\n" in policy or ": " in policy):
        return False
    try:
        return policy not in shipped_names() and not os.path.exists(policy)
    except ValueError:  # a NUL
        return True


def read_inline(policy: str | Mapping[str, Any] | FilePath) -> Source:
    """Read a policy that is given as a text or as a mapping.

    Raises:
        PolicyErrors: it cannot be read to its end.
        TypeError: it is neither.
    """
    if isinstance(policy, str):
        return read_yaml(policy, TEXT)
    if not isinstance(policy, Mapping):
        kind = type(policy).__name__
        raise TypeError(f"a policy must be a name, a path, YAML text or a mapping, not {kind!r}")
    written = "".join(_write(policy, ()))
    try:
        source = read_yaml(written, MAPPING)
    except PolicyErrors as error:
        raise PolicyErrors([_unplaced(each) for each in error.errors]) from None
    problems = tuple(map(_unplaced, source.problems))
    return MappingSource(source.file, source.data, source._text, source._root, problems)


class MappingSource(Source):
    """A mapping as it was given. Its places are pointers, not those in the text that it was read through."""

    __slots__ = ()

    def mark(self, path: Path) -> Mark:
        """Return the pointer of the value at `path`."""
        return self.inside(path, 0)

    def key_mark(self, path: Path) -> Mark:
        """Return the same: a key has no pointer of its own."""
        return self.inside(path, 0)

    def inside(self, path: Path, offset: int) -> Mark:
        """Return the pointer of the value at `path`, and the line and column of a character of it."""
        while path and self.entry(path) is None:
            path = path[:-1]
        value: Any = self.data
        for step in path:
            value = value[step]
        before = value[: max(offset, 0)] if isinstance(value, str) else ""
        return Mark(_place(path), before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _unplaced(problem: PolicyError) -> PolicyError:
    """Return a problem without its place, which is one in a text that nobody wrote."""
    return PolicyError(problem.file, 0, 0, problem.code, problem.message, problem.hint)


def _write(value: object, path: Path) -> Iterator[str]:
    """Write a value as YAML on one line, each text in quotes.

    Raises:
        PolicyErrors: YAML has no such value, or no end of it.
    """
    if len(path) > MAX_DEPTH + 1:
        raise _problem(path, "too_deep", f"nested deeper than {MAX_DEPTH} levels")
    if value is None or isinstance(value, bool):
        yield {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, str | OrderedWords):
        yield f'"{"".join(map(_escape, str(value)))}"'
    elif isinstance(value, int):
        yield str(int(value))
    elif isinstance(value, float):
        written = repr(float(value))
        yield {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(written, written)
    elif isinstance(value, Mapping):
        yield from _write_mapping(value, path)
    elif isinstance(value, list | tuple):
        yield "["
        for index, each in enumerate(value):
            yield from ("" if index == 0 else ", ", *_write(each, (*path, index)))
        yield "]"
    else:
        raise _problem(path, "wrong_type", f"YAML has no {type(value).__name__}", "give a text")


def _write_mapping(value: Mapping[Any, object], path: Path) -> Iterator[str]:
    yield "{"
    for index, (key, each) in enumerate(value.items()):
        if not isinstance(key, str):
            raise _problem(path, "invalid_key", f"key {key!r} is no text", f"quote it: {str(key)!r}")
        yield from ("" if index == 0 else ", ", *_write(key, path), ": ", *_write(each, (*path, key)))
    yield "}"


def _escape(character: str) -> str:
    if " " <= character <= "~" and character not in '"\\':
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _problem(path: Path, code: str, message: str, hint: str = "") -> PolicyErrors:
    return PolicyErrors([PolicyError(_place(path), 1, 1, code, message, hint)])


def _place(path: Path) -> str:
    return f"{MAPPING}#{pointer(path)}" if path else MAPPING
