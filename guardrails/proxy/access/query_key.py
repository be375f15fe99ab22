"""Moves a key from the query of a request to its headers, as Google's clients may send it: queries get into logs."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

from starlette.types import Scope

from guardrails.errors import RequestError

WRITTEN = re.compile(rb"[A-Za-z0-9_.-]+")
KEY, HEADER = "key", b"x-goog-api-key"


def move_key_to_header(scope: Scope) -> None:
    """Move a key from the query to the headers, behind those that are there.

    Raises:
        RequestError: the query cannot be read, or the key is none.
    """
    if not scope["query_string"]:
        return
    try:
        fields = parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, errors="strict")
        keys = [value.encode("latin-1") for name, value in fields if name == KEY]
    except ValueError:
        raise RequestError("invalid_query", "the query cannot be read") from None
    if not all(WRITTEN.fullmatch(key) for key in keys):
        raise RequestError("invalid_query", "the key in the query is none")
    scope["query_string"] = urlencode([(name, value) for name, value in fields if name != KEY]).encode()
    scope["headers"] = [*scope["headers"], *((HEADER, key) for key in keys)]
