"""What a request of a web application says, as one value to judge, and how what is left of it, or a refusal, is written."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from guardrails.engine.values.writer import replace_values, value_at
from guardrails.errors import GuardUnavailable, RequestError, describe_block
from guardrails.types import Verdict
from guardrails.verdicts.builtin_messages import UNCHECKED, say
from guardrails.wire.pointers import Path, pointer
from guardrails.wrapping.web.bodies import (
    Body,
    Pairs,
    decode,
    group_pairs,
    read_body,
    read_charset,
    read_pairs,
    write_pairs,
)
from guardrails.wrapping.web.fields import WHOLE, find_places

LOG = logging.getLogger("guardrails")

BLOCKED_STATUS: Final = 400
WITHHELD_STATUS: Final = 403
"""Of an answer of the application's that the policy stops."""

UNAVAILABLE: Final = 503
END: Final = "/\n"
"""What routers overlook at the end of a path."""


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Which requests are judged, and what of them.

    Attributes:
        paths: patterns of the paths whose requests are judged, such as `/chat/*`.
        fields: JSON Pointers of what is judged of a body (`/message`, `/items/*/text`, where `*` is any entry); none, or none
            that it has: all of it.
        responses: whether JSON and texts that the application answers with are judged too.
        max_bytes: how large a body may be.
    """

    paths: Sequence[str] = ("*",)
    fields: Sequence[str] = ()
    responses: bool = False
    max_bytes: int = 1_000_000

    def __post_init__(self) -> None:
        """Raise `TypeError` or `ValueError` for options that would leave requests unjudged without a word."""
        for name, given, begins in (("paths", self.paths, ("/", "*")), ("fields", self.fields, ("/",))):
            if isinstance(given, str) or not all(isinstance(each, str) for each in given):
                raise TypeError(f"{name} must be a list of texts, not {given!r}")
            for each in given:
                if not each.startswith(begins):
                    raise ValueError(f"{name}: {each!r} must begin with {' or '.join(begins)}")
        if not self.paths:
            raise ValueError("paths must name at least one; leave it out for all")
        if not isinstance(self.max_bytes, int) or self.max_bytes < 1:
            raise ValueError(f"max_bytes must be a number of bytes, not {self.max_bytes!r}")

    def covers(self, path: str, root: str = "") -> bool:
        """Tell whether requests at a path are judged, where slashes at its end make no difference.

        Args:
            path: the path.
            root: where the application is mounted: patterns may be said with it and without.
        """
        inner = path[len(root) :] if path.startswith(root) else path
        names = {name.rstrip(END) for name in (path, inner, root + inner)} | {path, inner, root + inner}
        return any(
            fnmatchcase(name, each)
            for name in names
            for pattern in self.paths
            for each in (pattern, pattern.rstrip("/"))
        )


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """An answer in the place of the application's: its status and its JSON."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def dump(self) -> bytes:
        """Return the body as it is sent."""
        return json.dumps(self.body).encode()


def refuse(verdict: Verdict[Any], status: int = BLOCKED_STATUS) -> WebAnswer:
    """Return the answer to what a policy stops: what the person is told, and by which verdict, without what was judged; 503 where
    it could not be checked.
    """
    if verdict.unavailable is not None:
        return fail(GuardUnavailable(verdict))
    return WebAnswer(
        status,
        {
            "error": {
                "code": "content_filter",
                "message": verdict.refusal,
                "verdict": verdict.id,
                **describe_block(verdict),
            }
        },
    )


def fail(error: Exception) -> WebAnswer:
    """Return the answer where a request could not be judged: it is too large or no JSON (4xx), or the guard failed (503)."""
    if isinstance(error, RequestError):
        status = {"request_too_large": 413, "unsupported_media_type": 415}.get(error.code, 400)
        return WebAnswer(status, {"error": {"code": error.code, "message": str(error)}})
    if isinstance(error, GuardUnavailable):
        told = {"code": "guard_unavailable", "message": error.verdict.refusal, "reason": error.reason}
        wait = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
        return WebAnswer(UNAVAILABLE, {"error": told}, wait)
    LOG.error("a request could not be judged: %s", type(error).__name__)
    return WebAnswer(UNAVAILABLE, {"error": {"code": "guard_failed", "message": say(UNCHECKED)}})


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request as it came.

    Attributes:
        subject: what there is to judge; empty: nothing.
        pairs: the parameters of its address, in their order.
        charset: what these are written in.
        body: its body, None where it has none.
        places: what of the body is judged.
    """

    subject: Mapping[str, Any]
    pairs: Pairs
    charset: str
    body: Body | None
    places: Sequence[Path]

    def write_query(self, left: Mapping[str, Any]) -> bytes | None:
        """Return the parameters as the policy leaves them, None where it changes none."""
        if left.get("query") == self.subject.get("query"):
            return None
        return write_pairs(self.pairs, left["query"], self.charset)

    def write_body(self, left: Mapping[str, Any]) -> bytes | None:
        """Return the body as the policy leaves it, None where it changes nothing.

        Raises:
            RequestError: the body is JSON and a form at once, and the policy changes the form.
        """
        if left.get("form") != self.subject.get("form"):
            raise RequestError("unsupported_media_type", "the body is JSON: send it as application/json")
        new = left.get("body")
        if self.body is None or new == self.subject.get("body"):
            return None
        if self.places != WHOLE:
            edits: dict[tuple[Path, Path | None], Any] = {}
            for path in self.places:
                edits[path, None] = left["body"][pointer(path)]
            new = replace_values(self.body.value, edits)
        return self.body.write(new)


def read_request(
    content_type: str, raw: bytes, query: bytes, fields: Sequence[str] = (), path: str = ""
) -> ReadRequest:
    """Read the body of a request, by its media type, the parameters of its address and the parts of its path.

    Raises:
        RequestError: it has no form that can be read: no JSON, form or text in UTF-8, US-ASCII or ISO-8859-1.
    """
    charset = read_charset(content_type)
    pairs, used = read_pairs(decode(query, "latin-1")[0], charset)
    body = read_body(content_type, raw) if raw else None
    subject: dict[str, Any] = {}
    if parts := [part for part in path.split("/") if part]:
        subject["path"] = parts
    if pairs:
        subject["query"] = group_pairs(pairs)
    if body is None:
        return ReadRequest(subject, pairs, used, body, WHOLE)
    places = find_places(body.value, fields) if fields else WHOLE
    if places == WHOLE:
        subject["body"] = body.value
    else:
        subject["body"] = {pointer(place): value_at(body.value, place) for place in places}
    if body.other is not None:
        subject["form"] = body.other
    return ReadRequest(subject, pairs, used, body, places)
