"""How the whole answers of an API are read and written, by their media type: JSON, lines of a text, events, files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from guardrails.errors import BackendError, RequestError
from guardrails.wire import strict_json
from guardrails.wire.lossless_json import write

Body = Mapping[str, Any]
JSON = "application/json"


def unreadable_answer(why: str) -> BackendError:
    """Return the exception for an answer that cannot be judged."""
    return BackendError(f"the model's answer cannot be judged: {why}", 502, "upstream_invalid")


def parse_answer(written: str, *, halves: bool = False) -> dict[str, Any]:
    """Return the mapping that a JSON text is. `halves` lets half surrogate pairs pass, as the pieces of a stream may have.

    Raises:
        BackendError: it is none, or one that could be read in two ways.
    """
    try:
        return strict_json.parse_object(written, halves=halves)
    except RequestError as error:
        raise unreadable_answer(f"it is no JSON object that has each key once ({error.code})") from None


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """How the bytes of whole answers of some media types are read, and written again.

    `fits` tells of a type whether it is one of them. `read` makes of the bytes, their type and the request what there is to judge
    (raises `BackendError` where they are none); `write` makes bytes of what is left of that. `exact`: where nothing changes, what
    came goes on as it is. `media`, of a file, tells the type of what is left: it may be of another than what came.
    """

    fits: Callable[[str], bool]
    read: Callable[[bytes, str, Body], Any]
    write: Callable[[Any], bytes]
    exact: bool = True
    media: Callable[[Any], str] | None = None


def _read(raw: bytes, kind: str, asked: Body) -> dict[str, Any]:
    try:
        return parse_answer(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise unreadable_answer("it is not UTF-8") from None


JSON_FORMAT = BodyFormat(JSON.__eq__, _read, lambda left: write(left).encode())
