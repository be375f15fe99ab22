"""What headers say that go on to another server: a client's are judged with its request, an upstream's are left out.

Keys (`CREDENTIALS`) are for whom they are sent to, and are no texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from guardrails.engine.content.content_tree import ContentTree
from guardrails.text.structure import is_structure
from guardrails.types import Place

CREDENTIALS: Final = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key"})
"""Headers in which a client shows its key."""

_BETWEEN: Final = re.compile(r"[ ,;()=]+")
_TRACE: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_DATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] [A-Z][a-z]{2} 20[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT"
)


@lru_cache(4_096)
def is_plain_header(value: str) -> bool:
    """Tell whether the value of a header says nothing: names and versions of programs, ids, numbers, languages, a time."""
    if _TRACE.fullmatch(value) or _DATE.fullmatch(value):
        return True
    return all(map(is_structure, _BETWEEN.split(value)))


def plain_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that may go on with what nobody judges: keys, and those that say nothing."""
    return {name: value for name, value in headers.items() if name in CREDENTIALS or is_plain_header(value)}


def read_headers(
    tree: ContentTree, headers: Iterable[tuple[bytes, bytes]], names: frozenset[str], place: Place
) -> None:
    """Add to a tree what the headers of these names say, to be judged by words and patterns; none of it can be edited.

    Args:
        tree: of the request.
        headers: all of the request's, with names in small letters.
        names: the headers that go on.
        place: where a request stands.
    """
    judged = _encode_texts(names)
    for name, raw in headers:
        if name in judged and not is_plain_header(value := raw.decode("latin-1")):
            tree.text(value, ("headers", name.decode("latin-1")), place, editable=False, form="data")


@lru_cache(64)
def _encode_texts(names: frozenset[str]) -> frozenset[bytes]:
    """Return the names of headers that are texts, not keys, as requests have them."""
    return frozenset(name.encode("latin-1") for name in names - CREDENTIALS)
