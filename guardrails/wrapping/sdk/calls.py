"""A call of an SDK in, how it is judged and what it would send out. Calls that no table names are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from guardrails.errors import RequestError
from guardrails.protocols.protocol import Protocol
from guardrails.protocols.registry import load_protocols
from guardrails.wrapping.sdk.uploads import add_files

OMITTED = ("NotGiven", "Omit")
"""Types whose values stand for a field that is not sent."""

UNGUARDED = "the guard cannot judge it; call it on the client that was wrapped"


class Calls:
    """What a client may call. A row is a method and a path (`POST /files/*`) with how it is judged, None where it is not;
    `*` is one segment, which may have to end in what stands behind it (`*:generateContent`); `**` at the end, or at the beginning
    of the path, is any number of segments, none too.
    """

    def __init__(self, table: Mapping[str, Protocol | None]) -> None:
        self._rows = [(row.replace(" ", "").split("/"), protocol) for row, protocol in table.items()]

    def find(self, method: str, url: str) -> Protocol | None:
        """Return how a call is judged.

        Raises:
            RequestError: it is not in the table.
        """
        path = "/" + url.partition("?")[0].strip("/")
        given = [method.upper(), *path.split("/")[1:]]
        segments = re.split(r"[/\\]", unquote(path))[1:]
        if len(segments) == len(given) - 1 and not {"", ".", ".."} & set(segments):
            for row, protocol in self._rows:
                if _fits(row, given):
                    return protocol
        raise RequestError("unguarded_call", f"{method.upper()} {path[:128]} is refused: {UNGUARDED}")


def calls_of(provider: str) -> dict[str, Protocol | None]:
    """Return how the calls of a provider's SDK are judged: a row for each of its protocols that a wrapped client may call."""
    return {
        f"{protocol.method} {protocol.provider.sdk_root}{protocol.path}": protocol
        for protocol in load_protocols()
        if protocol.is_wrapped and protocol.provider.name == provider
    }


def _fits(row: list[str], given: list[str]) -> bool:
    if row[1] == "**":
        row, given = [row[0], *row[2:]], [given[0], *given[1:][-len(row) + 2 :]]
    if row[-1] == "**":
        row, given = row[:-1], given[: len(row) - 1]
    return len(row) == len(given) and all(map(_fits_segment, row, given))


def _fits_segment(own: str, segment: str) -> bool:
    return own in ("*", segment) or (own.startswith("*") and segment.endswith(own[1:]))


def to_plain_json(value: Any) -> Any:
    """Return a body as the JSON values that are sent: what is judged is what goes out.

    Raises:
        RequestError: something in it is no JSON.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        given = {name: inner for name, inner in value.items() if type(inner).__name__ not in OMITTED}
        return {str(name): to_plain_json(inner) for name, inner in given.items()}
    if isinstance(value, list | tuple):
        return [to_plain_json(entry) for entry in value]
    if hasattr(value, "model_dump"):
        return to_plain_json(value.model_dump(exclude_unset=True, mode="json", by_alias=True))
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise RequestError("not_json", f"cannot judge a value of type {type(value).__name__}")


def read_body(options: Any, *, forms: bool = False) -> dict[str, Any]:
    """Return what a call would send; where that may be a form (`forms`), its files are `Upload`s, in a list for each field.

    Raises:
        RequestError: it is no JSON object alone, and no form.
    """
    data, more = options.json_data, getattr(options, "extra_json", None)
    whole = getattr(options, "content", None) is not None or not isinstance(data, Mapping | None)
    if whole or (options.files and not forms):
        raise RequestError("unguarded_body", f"a body that is no JSON object is refused: {UNGUARDED}")
    body = to_plain_json({**(data or {}), **(more or {})})
    assert isinstance(body, dict)
    return add_files(body, options.files) if options.files else body
