"""Finds what there is to judge in a value of any type, each with the path that leads to it, in one walk.

What JSON is made of is known here, the usual types first, which are the quickest to tell; all else is what its adapter says
(`known_types`). What no adapter reads is found as unchecked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, Literal

from guardrails.engine.values.known_types import adapter_of, unread
from guardrails.engine.values.scalars import format_number
from guardrails.errors import RequestError
from guardrails.types import Content, Text, Unchecked
from guardrails.wire.lossless_json import Number
from guardrails.wire.pointers import MAX_DEPTH, Path, pointer

NUMBERS = (int, float)
LISTS = (list, tuple)
MAPPINGS = (dict, Mapping)
"""What JSON is made of, the usual type first, which is the quickest to tell."""

SCALARS: Final = frozenset((int, float, bool, type(None), Number))
"""Types of JSON whose values are neither texts nor containers."""

MOST_CONTAINERS: Final = 1_000_000
"""Lists, mappings and objects of one value, each as often as it stands there."""

Found = tuple[Path, str | Content | Unchecked, bool, Literal["key", "value", "name"]]
"""Where something stands, what it is, whether it can be changed, and whether it is the key of a mapping.

A key stands at the path of what it leads to; so does the `name` of an argument, which is the program's, and not judged.
"""


class Walk:
    """A walk through one value; `found` grows in the order in which it is read. `is_apart` is asked of each container, and of
    each value that is none of JSON's, whether it is read elsewhere; it may raise.
    """

    __slots__ = ("_is_apart", "_open", "_passed", "found")

    def __init__(self, is_apart: Callable[[Any, Path], bool] | None = None) -> None:
        self.found: list[Found] = []
        self._is_apart = is_apart
        self._open: set[int] = set()
        self._passed = 0

    def read(self, value: Any, path: Path, editable: bool = True) -> None:
        """Find what is in a value.

        Raises:
            RequestError: it nests too deep, contains itself, or is too large.
        """
        if len(path) > MAX_DEPTH:
            raise RequestError("too_deep", f"nests deeper than {MAX_DEPTH} levels", pointer(path))
        kind = type(value)
        if kind is str:
            self.found.append((path, value, editable, "value"))
        elif kind in SCALARS:
            if kind is not bool and value is not None and (text := format_number(value, path)):
                self.found.append((path, text, editable, "value"))
        elif self._is_apart is None or not self._is_apart(value, path):
            self._read_container(value, path, editable)

    def _read_container(self, value: Any, path: Path, editable: bool) -> None:
        kind = type(value)
        if kind is dict:
            self._enter(value, path)
            for key, inner in value.items():
                said = key if type(key) is str else _key_text(key)
                self.found.append(((*path, key), said, False, "key"))
                self.read(inner, (*path, key), editable)
            self._open.discard(id(value))
        elif kind is list or kind is tuple:
            self._enter(value, path)
            for index, inner in enumerate(value):
                self.read(inner, (*path, index), editable)
            self._open.discard(id(value))
        else:
            self._read_by_adapter(value, path, editable)

    def _read_by_adapter(self, value: Any, path: Path, editable: bool) -> None:
        adapter = adapter_of(value)
        if adapter is None:
            self.found.append((path, unread(value), False, "value"))
        elif adapter.children is not None:
            self._enter(value, path)
            if adapter.keys is not None:
                self.found += [((*path, key), _key_text(key), False, "key") for key in adapter.keys(value)]
            changeable = editable and adapter.rebuild is not None
            for step, inner in adapter.children(value):
                self.read(inner, (*path, step), changeable)
            self._open.discard(id(value))
        elif adapter.content is not None and (content := adapter.content(value)) is not None:
            if not isinstance(content, Content | Unchecked):
                kind = type(content).__name__
                raise TypeError(
                    f"adapter {adapter.name!r}: content gave a {kind}, not a content of guardrails.types"
                )
            says = content.text if isinstance(content, Text) else content
            self.found.append((path, says, editable and adapter.write is not None, "value"))

    def _enter(self, value: Any, path: Path) -> None:
        if id(value) in self._open:
            raise RequestError("cycle", f"a {type(value).__name__} contains itself", pointer(path))
        self._passed += 1
        if self._passed > MOST_CONTAINERS:
            raise RequestError(
                "request_too_large", f"holds more than {MOST_CONTAINERS} lists, mappings and objects"
            )
        self._open.add(id(value))


def find_leaves(value: Any, path: Path = ()) -> list[Found]:
    """Return what there is to judge below a value: strings and long numbers (as strings), keys of mappings, pictures and other
    contents, and what cannot be judged.

    Raises:
        RequestError: it nests too deep, contains itself, or is too large.
    """
    walk = Walk()
    walk.read(value, path)
    return walk.found


def find_strings(value: Any, path: Path = ()) -> Iterator[tuple[Path, str, bool]]:
    """Yield `(path, text, editable)` for each string and long number below a value that holds no other contents, and for each
    mapping key.

    Raises:
        RequestError: as `find_leaves` does, and where something is no text.
    """
    for where, leaf, editable, _ in find_leaves(value, path):
        if not isinstance(leaf, str):
            said = leaf.reason if isinstance(leaf, Unchecked) else f"a content of kind {leaf.kind!r}"
            raise RequestError("not_json", f"cannot judge this here: {said}", pointer(where))
        yield where, leaf, editable


def _key_text(key: Any) -> str:
    """Return what a key of a mapping says."""
    return str(key.value if isinstance(key, Enum) else key)
