"""Repairs a text that is nearly JSON: takes it out of a code fence or of prose, and mends what is broken in it.

What stands in the text as valid JSON is taken as it is, where it is the only value that fits. Everything else is mended by
json-repair: trailing commas, other quotes, names without quotes, comments, words of Python, line breaks in strings, brackets that
are missing. What would take a word, a number or a value away is not mended (`repair_losses`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from guardrails.detectors.formats.repair_losses import loses_something
from guardrails.detectors.formats.syntax import find_json_error

LONGEST: Final = 200_000
"""Characters of a text that is repaired; the library takes some 10 microseconds for each of a hostile text."""

MOST_OPENINGS: Final = 32
"""Brackets at which an embedded value is looked for."""

_FENCE: Final = re.compile(
    r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)(?:^[ \t]*\1[`~]*[ \t\r]*$|\Z)", re.MULTILINE | re.DOTALL
)
_OPENING: Final = re.compile(r"[\[{]")
_BRACKET: Final = re.compile(r"[\[\]{}]")
_CONSTANT: Final = re.compile(
    r'"(?:[^"\\]|\\.)*+"?|(?<![\w.$])(?:-?Infinity|NaN|undefined)(?![\w.$])', re.DOTALL
)

Accepts = Callable[[str], bool]


def repair_json(text: str, accepts: Accepts | None = None) -> str | None:
    """Return the JSON that a text was to be, None where that is not clear.

    Args:
        text: what is not valid JSON, or does not fit.
        accepts: tells whether a valid JSON text fits the schema; without one an object or an array is looked for.
    """
    if len(text) > LONGEST:
        return None
    fenced = [match[2].strip() for match in _FENCE.finditer(text)]
    sources = [*dict.fromkeys((*fenced, text.strip()))]
    # Of two values that both would do, nobody knows which was meant.
    for candidates in ((*sources, *_embedded(text)), _mended(sources)):
        meant = {each for each in candidates if find_json_error(each) is None and _fits(each, accepts)}
        if meant:
            return meant.pop() if len({_canonical(each) for each in meant}) == 1 else None
    return None


def _canonical(candidate: str) -> str:
    return json.dumps(json.loads(candidate), sort_keys=True)


def _fits(candidate: str, accepts: Accepts | None) -> bool:
    try:
        value = json.loads(candidate, object_pairs_hook=_object_of)
    except ValueError:
        return False
    return _is_substantial(value) if accepts is None else accepts(candidate)


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands twice, and nobody knows which value was meant")
    return made


def _is_substantial(value: Any) -> bool:
    """Tell whether a value is more than what prose has in brackets, such as the number of a source."""
    if isinstance(value, list):
        return any(isinstance(item, str) or _is_substantial(item) for item in value)
    return isinstance(value, dict) and bool(value)


def _mended(sources: Sequence[str]) -> Iterator[str]:
    """Yield what the texts may have been meant to be, of each the likeliest: from its first bracket on as it is, or mended."""
    for source in sources:
        plain = _CONSTANT.sub(lambda match: match[0] if match[0][0] == '"' else "null", source)
        opening = _OPENING.search(plain)
        if opening is None:
            continue
        inner = plain[opening.start() :]
        if find_json_error(inner) is None:
            yield inner
            continue
        mended = (_mend(part) for part in dict.fromkeys((inner, plain)))
        yield from islice((each for each in mended if each is not None), 1)


def _embedded(text: str) -> Iterator[str]:
    """Yield the valid objects and arrays that stand in a text, the longest first, but for parts of what is broken."""
    decoder = json.JSONDecoder()
    found: list[str] = []
    depth = tries = at = 0  # depth: brackets around a place that are open, and none of valid JSON
    while tries < MOST_OPENINGS and (bracket := _BRACKET.search(text, at)) is not None:
        at = bracket.end()
        if bracket[0] in "]}":
            depth = max(depth - 1, 0)
        elif depth:
            depth += 1
        else:
            tries += 1
            try:
                _, at = decoder.raw_decode(text, bracket.start())
            except (ValueError, RecursionError):
                depth = 1
            else:
                found.append(text[bracket.start() : at])
    yield from sorted(found, key=len, reverse=True)


def _mend(text: str) -> str | None:
    """Return what json-repair makes of a text that begins, or nearly, with a bracket; None if it is none, or loses words."""
    import json_repair

    try:
        value: Any = json_repair.repair_json(text, return_objects=True, skip_json_loads=True)
        if not isinstance(value, dict | list) or loses_something(text, value):
            return None
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError, TypeError, IndexError, KeyError):
        return None  # it nests too deep, or is nothing that the library makes sense of
