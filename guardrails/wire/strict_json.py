"""Strict JSON (DESIGN §4.4): what two parsers could read in two ways is an error that names the place.

Numbers keep the form in which they were written, so that a body edited in one place is the same elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

from guardrails.errors import RequestError
from guardrails.wire.fast_json import parse_unambiguous
from guardrails.wire.lossless_json import LONGEST_INTEGER, Number, integer, write
from guardrails.wire.pointers import MAX_DEPTH, Path, pointer

LARGE = 256 << 10
"""What a body weighs from which it is parsed and walked on a worker, not on the event loop."""

VERY_LARGE = 4 << 20
"""What one weighs that takes a worker some tenths of a second."""

VALUE_BYTES = 256
"""Bytes of a long text that take as long to be parsed and walked as one value: some 25 microseconds."""

SHOWN = 64
"""Characters of a doubled key that an error repeats."""

FOLDS = re.compile("[^ -@\\[-~]")
"""What another character may stand for without regard to case."""

HALF_PAIR = re.compile("[\ud800-\udfff]")
HALF_PAIR_WRITTEN = re.compile(r"\\u[dD][89a-fA-F]")


MOST_VALUES = 1 << 20
"""Commas and brackets of a request, of which each may be a value: these take far more memory than their bytes."""


class _Reader:
    """How one text is read: what it holds that could be read in two ways is remembered, and refused once all is read.

    Attributes:
        doubled: the mappings in which a key stands twice, each with the first such key.
    """

    def __init__(self, *, fold_keys: bool, finite: bool) -> None:
        self.doubled: list[tuple[dict[str, Any], str]] = []
        self._fold_keys, self._finite = fold_keys, finite

    def read(self, text: str) -> Any:
        try:
            return json.loads(
                text,
                object_pairs_hook=self._object,
                parse_float=self._float if self._finite else Number,
                parse_int=_integer,
                parse_constant=_constant,
            )
        except json.JSONDecodeError as error:
            where = f"line {error.lineno} column {error.colno}"
            raise RequestError("invalid_json", f"the body is not JSON: {error.msg} ({where})") from None
        except RecursionError:
            raise _too_deep("") from None

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) == len(pairs) and not (self._fold_keys and FOLDS.search("".join(built))):
            return built
        # Some servers match names without regard to case: `Messages` would be a second `messages` to them.
        fold = str.casefold if self._fold_keys else str
        if len({fold(key) for key in built}) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if fold(key) in seen:
                    self.doubled.append((built, key))
                    break
                seen.add(fold(key))
        return built

    @staticmethod
    def _float(written: str) -> Number:
        number = Number(written)
        return number if isfinite(number) else _constant(written)


def _integer(written: str) -> int | Number:
    if len(written) > LONGEST_INTEGER:
        raise RequestError("number_too_long", f"a number has more than {LONGEST_INTEGER} digits")
    return integer(written)


def _constant(name: str) -> Any:
    raise RequestError("invalid_json", f"{name} is not JSON")


def weigh(raw: bytes) -> int:
    """Return how much work the JSON of a body is: its size in bytes, or more where it holds many values and is not very large."""
    if len(raw) >= VERY_LARGE:  # an event loop asks, which must not read so much
        return len(raw)
    values = len(raw) - len(raw.translate(None, b",[{"))  # one pass, where `count` takes one for each of them
    return max(len(raw), VALUE_BYTES * values)


def parse(raw: bytes, *, halves: bool = False) -> dict[str, Any]:
    """Return the JSON object that a body holds. `halves` lets half surrogate pairs pass, as chunks may have.

    Raises:
        RequestError: it is no JSON object, or one that could be read in two ways; `path` names the place.
    """
    body = parse_unambiguous(raw)
    if body is not None:
        return body
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError("invalid_utf8", f"the body is not UTF-8 (byte {error.start})") from None
    return parse_object(text, halves=halves)


def parse_object(text: str, *, halves: bool = False) -> dict[str, Any]:
    """Return the JSON object that a text is; raises as `parse` does."""
    value = parse_text(text, halves=halves)
    if not isinstance(value, dict):
        raise RequestError("invalid_json", f"the body must be a JSON object, not {_named(value)}")
    return value


def parse_text(
    text: str,
    *,
    halves: bool = False,
    fold_keys: bool = True,
    finite: bool = False,
    depth: float = MAX_DEPTH,
) -> Any:
    """Return the JSON value that a text is.

    Args:
        text: the JSON.
        halves: let half surrogate pairs pass.
        fold_keys: keys that differ in case alone are the same one.
        finite: numbers beyond what a float holds are refused, where `1e400` is kept as it was written otherwise.
        depth: levels of lists and mappings; what nests deeper is refused.

    Raises:
        RequestError: it is none, or one that could be read in two ways; `path` names the place.
    """
    reader = _Reader(fold_keys=fold_keys, finite=finite)
    value = reader.read(text)
    deep = text.count("{") + text.count("[") > depth
    torn = not halves and HALF_PAIR_WRITTEN.search(text) is not None
    if deep or torn or reader.doubled:
        _inspect(value, reader.doubled, torn=torn)
    return value


def parse_request(raw: bytes) -> dict[str, Any]:
    """Return the JSON object that a request's body holds; raises as `parse` does, also where it may have too many values."""
    # One after the other, so that other threads have their turn in between.
    if len(raw) > MOST_VALUES and sum(raw.count(each) for each in (b",", b"[", b"{")) > MOST_VALUES:
        raise RequestError("too_many_values", f"the body has more than {MOST_VALUES} values")
    return parse(raw)


def _named(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _too_deep(path: str) -> RequestError:
    return RequestError("too_deep", f"the body nests deeper than {MAX_DEPTH} levels", path)


def _inspect(body: Any, doubled: list[tuple[dict[str, Any], str]], *, torn: bool) -> None:
    """Walk a body that looks suspicious, and refuse it at the first place that is."""
    for path, value in _walk(body):
        if len(path) > MAX_DEPTH:
            raise _too_deep(pointer(path))
        if isinstance(value, str):
            if torn and HALF_PAIR.search(value):
                raise RequestError("lone_surrogate", "a string holds half a surrogate pair", pointer(path))
            continue
        for holder, key in doubled:
            if holder is value:
                raise RequestError(
                    "duplicate_key", f"{key[:SHOWN]!r} stands there twice", pointer((*path, key[:SHOWN]))
                )
        if torn and isinstance(value, dict) and any(map(HALF_PAIR.search, value)):
            raise RequestError("lone_surrogate", "a name holds half a surrogate pair", pointer(path))


def _walk(body: Any) -> Iterator[tuple[Path, Any]]:
    waiting: list[tuple[Path, Any]] = [((), body)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if isinstance(value, dict):
            waiting.extend(((*path, key), inner) for key, inner in value.items())
        elif isinstance(value, list):
            waiting.extend(((*path, index), inner) for index, inner in enumerate(value))


def dump(value: Any) -> bytes:
    """Write a JSON value: keys in their order, numbers as they were written."""
    try:
        return write(value).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can carry
        return write(value, ascii_only=True).encode()
