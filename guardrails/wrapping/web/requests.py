"""What a request of a web application says, as one value to judge, and how what is left of it, or a refusal, is written."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from guardrails.engine.values.writer import replace_values, value_at
from guardrails.errors import Overloaded, RequestError
from guardrails.types import Action, Verdict
from guardrails.wire import strict_json

LOG = logging.getLogger("guardrails")

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
BLOCKED_STATUS: Final = 400
WITHHELD_STATUS: Final = 403
"""Of an answer of the application's that the policy stops."""

UNAVAILABLE: Final = 503


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Which requests are judged, and what of them.

    Attributes:
        paths: patterns of the paths whose requests are judged, such as `/chat/*`.
        fields: JSON Pointers of what is judged of a body (`/message`, `/items/*/text`, where `*` is any entry); none: all of it.
        responses: whether JSON and texts that the application answers with are judged too.
        max_bytes: how large a body may be.
    """

    paths: Sequence[str] = ("*",)
    fields: Sequence[str] = ()
    responses: bool = False
    max_bytes: int = 1_000_000

    def covers(self, path: str) -> bool:
        """Tell whether requests at a path are judged."""
        return any(fnmatchcase(path, pattern) for pattern in self.paths)


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """An answer in the place of the application's: its status and its JSON."""

    status: int
    body: Mapping[str, Any]

    def dump(self) -> bytes:
        """Return the body as it is sent."""
        return json.dumps(self.body).encode()


def refuse(verdict: Verdict[Any], status: int = BLOCKED_STATUS) -> WebAnswer:
    """Return the answer to what a policy stops: what the person is told, and by which verdict, without what was judged."""
    return WebAnswer(
        status,
        {
            "error": {
                "code": "content_filter",
                "message": verdict.message or "Stopped by policy.",
                "verdict": verdict.id,
                "rules": [rule.id for rule in verdict.rules if rule.action is Action.BLOCK],
                "policy": str(verdict.policy),
            }
        },
    )


def fail(error: Exception) -> WebAnswer:
    """Return the answer where a request could not be judged: it is too large or no JSON (4xx), or the guard failed (503)."""
    if isinstance(error, RequestError):
        status = {"request_too_large": 413, "unsupported_media_type": 415}.get(error.code, 400)
        return WebAnswer(status, {"error": {"code": error.code, "message": str(error)}})
    if not isinstance(error, Overloaded):
        LOG.error("a request could not be judged: %s", type(error).__name__)
    code = "overloaded" if isinstance(error, Overloaded) else "guard_failed"
    message = "The request could not be checked. Try again later."
    return WebAnswer(UNAVAILABLE, {"error": {"code": code, "message": message}})


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request as it came.

    Attributes:
        subject: what there is to judge; empty: nothing.
        query: the parameters of its address.
        kind: the media type of its body.
        body: what its body says, None where it has none.
        places: where in the body each of what is judged stands; none: all of it is.
    """

    subject: Mapping[str, Any]
    query: Mapping[str, Any]
    kind: str
    body: Any
    places: Mapping[str, tuple[Any, ...]]

    def write_query(self, left: Mapping[str, Any]) -> bytes:
        """Return the parameters as the policy leaves them."""
        return urlencode(left["query"], doseq=True).encode()

    def write_body(self, left: Mapping[str, Any]) -> bytes:
        """Return the body as the policy leaves it."""
        body = left.get("body")
        if self.places:
            body = replace_values(
                self.body, {(self.places[name], None): left["body"][name] for name in self.places}
            )
        return write_value(self.kind, body)


def read_request(kind: str, raw: bytes, query: bytes, fields: Sequence[str] = ()) -> ReadRequest:
    """Read the body of a request, by its media type, and the parameters of its address.

    Raises:
        RequestError: it has no form that can be read: no JSON, form or text.
    """
    kind = kind.partition(";")[0].strip().lower()
    asked = _grouped(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    body = read_value(kind, raw) if raw else None
    places = {} if not fields or body is None else _places(body, fields)
    subject: dict[str, Any] = {"query": asked} if asked else {}
    if places:
        subject["body"] = {name: value_at(body, path) for name, path in places.items()}
    elif body is not None and not fields:
        subject["body"] = body
    return ReadRequest(subject, asked, kind, body, places)


def read_value(kind: str, raw: bytes) -> Any:
    """Return what a body says: the values of JSON or of a form, or a text; raises `RequestError` for all else."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise RequestError("invalid_body", "the body is not UTF-8") from None
    if kind == JSON or kind.endswith("+json"):
        return strict_json.parse_text(text)
    if kind == FORM:
        return _grouped(parse_qsl(text, keep_blank_values=True))
    if kind.startswith("text/"):
        return text
    raise RequestError("unsupported_media_type", f"a body of type {kind[:64]!r} cannot be checked: send JSON")


def write_value(kind: str, value: Any) -> bytes:
    """Write what `read_value` read."""
    if kind == FORM:
        return urlencode(value, doseq=True).encode()
    return value.encode() if kind.startswith("text/") else strict_json.dump(value)


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return fields of a form by their names, those that come several times as lists."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _places(body: Any, fields: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return where the declared fields stand in a body, by their JSON Pointers; those that it does not have are left out."""
    found: dict[str, tuple[Any, ...]] = {}
    for field in fields:
        paths: list[tuple[Any, ...]] = [()]
        for name in field.split("/")[1:]:
            name = name.replace("~1", "/").replace("~0", "~")
            paths = [(*path, step) for path in paths for step in _steps(value_at(body, path), name)]
        found |= {"/" + "/".join(map(str, path)): path for path in paths if path}
    return found


def _steps(value: Any, name: str) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return [*value] if name == "*" else [name] if name in value else []
    if isinstance(value, list):
        if name == "*":
            return range(len(value))
        return [int(name)] if name.isdecimal() and int(name) < len(value) else []
    return []
