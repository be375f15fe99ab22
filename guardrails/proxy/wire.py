"""Bytes ⇄ JSON, strictly (DESIGN §4.4): two parsers must never read two requests.

Numbers keep the form in which they were written, so that a body edited in one place is the same elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from guardrails.engine.exact import Number, integer, write
from guardrails.engine.fields import MAX_DEPTH, Path, pointer
from guardrails.errors import RequestError

LARGE = 256 << 10
"""Bytes of a body from which it is parsed and walked on a worker, not on the event loop."""

LONGEST_INTEGER = 4_000
"""Digits of an integer: Python converts no more than 4,300."""

SHOWN = 64
"""Characters of a doubled key that an error repeats."""

FOLDS = re.compile("[^ -@\\[-~]")
"""What another character may stand for without regard to case."""

HALF_PAIR = re.compile("[\ud800-\udfff]")
HALF_PAIR_WRITTEN = re.compile(r"\\u[dD][89a-fA-F]")


MOST_VALUES = 1 << 20
"""Commas and brackets of a request, of which each may be a value: these take far more memory than their bytes."""


class _Objects:
    """Builds the mappings of one body and remembers the first key of each that stands there twice."""

    def __init__(self) -> None:
        self.doubled: list[tuple[dict[str, Any], str]] = []

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) == len(pairs) and not FOLDS.search("".join(built)):
            return built
        # Some servers match names without regard to case: `Messages` would be a second `messages` to them.
        if len({key.casefold() for key in built}) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key.casefold() in seen:
                    self.doubled.append((built, key))
                    break
                seen.add(key.casefold())
        return built


def _integer(written: str) -> int | Number:
    if len(written) > LONGEST_INTEGER:
        raise RequestError("number_too_long", f"a number has more than {LONGEST_INTEGER} digits")
    return integer(written)


def _constant(name: str) -> float:
    raise RequestError("invalid_json", f"{name} is not JSON")


def parse(raw: bytes, *, halves: bool = False) -> dict[str, Any]:
    """Return the JSON object that a body holds. `halves` lets half surrogate pairs pass, as chunks may have.

    Raises:
        RequestError: it is no JSON object, or one that could be read in two ways; `path` names the place.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError("invalid_utf8", f"the body is not UTF-8 (byte {error.start})") from None
    objects = _Objects()
    try:
        value = json.loads(
            text, object_pairs_hook=objects, parse_float=Number, parse_int=_integer, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise RequestError("invalid_json", f"the body is not JSON: {error.msg} ({where})") from None
    except RecursionError:
        raise _too_deep("") from None
    if not isinstance(value, dict):
        raise RequestError("invalid_json", f"the body must be a JSON object, not {_named(value)}")
    deep = text.count("{") + text.count("[") > MAX_DEPTH
    torn = not halves and HALF_PAIR_WRITTEN.search(text) is not None
    if deep or torn or objects.doubled:
        _inspect(value, objects.doubled, torn=torn)
    return value


def asked(raw: bytes) -> dict[str, Any]:
    """Return the JSON object that a request's body holds; raises as `parse` does, also where it may have too many values."""
    if len(raw) > MOST_VALUES and sum(map(raw.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise RequestError("too_many_values", f"the body has more than {MOST_VALUES} values")
    return parse(raw)


def _named(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _too_deep(path: str) -> RequestError:
    return RequestError("too_deep", f"the body nests deeper than {MAX_DEPTH} levels", path)


def _inspect(body: dict[str, Any], doubled: list[tuple[dict[str, Any], str]], *, torn: bool) -> None:
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
