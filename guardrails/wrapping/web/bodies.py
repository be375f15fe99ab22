"""Bodies of requests and answers: what they say, by their media type and character set, and how they are written again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode

from guardrails.errors import RequestError
from guardrails.wire import strict_json
from guardrails.wire.lossless_json import write

FORM: Final = "application/x-www-form-urlencoded"
STREAMED: Final = frozenset(("text/event-stream", "text/x-ndjson", "application/stream+json"))
"""Media types that look like a text or like JSON, and come in pieces for as long as the client listens."""

CHARSET: Final = re.compile(r'charset\s*=\s*"?([^\s";,]*)"?')
CHARSETS: Final = {
    **dict.fromkeys(("utf-8", "utf8", "us-ascii", "ascii"), "utf-8"),
    **dict.fromkeys(("iso-8859-1", "latin-1", "latin1"), "latin-1"),
}
"""What a request may be written in: in all others (UTF-7, UTF-16) an application could read other words than a guard."""

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Body:
    """What a body says.

    Attributes:
        form: how it is written.
        charset: in which character set.
        value: what it says: a JSON value, the fields of a form by their names, or a text.
        pairs: the fields of a form in their order.
        other: what it says to an application that reads it as a form, where it is JSON that was sent as one.
    """

    form: Literal["json", "form", "text"]
    charset: str
    value: Any
    pairs: Pairs = ()
    other: Mapping[str, Any] | None = None

    def write(self, value: Any) -> bytes:
        """Return the body with another value, in the same form."""
        if self.form == "form":
            return write_pairs(self.pairs, value, self.charset)
        if self.form == "text":
            return str(value).encode(self.charset, "replace")
        if self.charset == "utf-8":
            return strict_json.dump(value)
        return write(value, ascii_only=True).encode(self.charset)


def media_type(content_type: str) -> str:
    """Return a media type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Tell whether a media type is JSON."""
    return kind == "application/json" or kind.endswith("+json")


def is_judged(content_type: str) -> bool:
    """Tell whether answers of a type are judged: JSON and texts, and no streams."""
    kind = media_type(content_type)
    return kind not in STREAMED and (is_json(kind) or kind.startswith("text/"))


def read_charset(content_type: str) -> str:
    """Return the character set of a request, UTF-8 where none is named.

    Raises:
        RequestError: it is another than UTF-8, US-ASCII and ISO-8859-1, or it is named in more than one way.
    """
    parameters = content_type.lower().partition(";")[2]
    named = CHARSET.findall(parameters)
    found = {CHARSETS.get(name) for name in named} or {"utf-8"}
    charset = found.pop()
    if charset is None or found or parameters.count("charset") != len(named):
        raise RequestError(
            "unsupported_media_type", "a body in this character set cannot be checked: send UTF-8"
        )
    return charset


def read_body(content_type: str, raw: bytes) -> Body:
    """Read the body of a request.

    A text or a form that is JSON is read as JSON: applications that parse a body without a look at its type do so too.

    Raises:
        RequestError: it is no JSON, form or text, or in a character set that is not read.
    """
    kind, charset = media_type(content_type), read_charset(content_type)
    if not (is_json(kind) or kind == FORM or kind.startswith("text/")):
        raise RequestError(
            "unsupported_media_type", f"a body of type {kind[:64]!r} cannot be checked: send JSON"
        )
    if is_json(kind):
        return Body("json", "utf-8", strict_json.parse_text(decode(raw, "utf-8")[0]))
    text, used = decode(raw, charset)
    if "\0" in text:
        raise RequestError("unsupported_media_type", "a body with NULs cannot be checked: send UTF-8")
    pairs, coded = read_pairs(text, charset) if kind == FORM else ((), used)
    inside = _parse_json(text)
    if inside is not None:
        other = group_pairs(pairs)
        return Body("json", charset, inside, other=other if other not in ({}, {text: ""}) else None)
    return Body("form", coded, group_pairs(pairs), pairs) if kind == FORM else Body("text", used, text)


def read_answer(content_type: str, raw: bytes) -> Body:
    """Read the body of an answer: JSON as its values, all else as a text, whatever its character set."""
    text, charset = _decode_answer(content_type.lower(), raw)
    if is_json(media_type(content_type)):
        try:
            return Body("json", charset, strict_json.parse_text(text, fold_keys=False))
        except RequestError:
            pass  # such as NaN, which Python writes: what it says is read as a text
    return Body("text", charset, text)


def _decode_answer(content_type: str, raw: bytes) -> tuple[str, str]:
    for charset in (*CHARSET.findall(content_type), json.detect_encoding(raw)):
        try:
            return raw.decode(charset), charset
        except (LookupError, UnicodeError):
            continue
    return raw.decode("latin-1"), "latin-1"  # every byte is a character, so that it can be written again


def decode(raw: bytes, charset: str) -> tuple[str, str]:
    """Return the text of a body or a query, and the character set that it is in: UTF-8 where it can be.

    Raises:
        RequestError: it is not in its character set.
    """
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        if charset == "latin-1":
            return raw.decode("latin-1"), "latin-1"
        raise RequestError("invalid_body", "the body is not UTF-8") from None


def _parse_json(text: str) -> Any:
    """Return the list, object or string that a JSON text is, None where it is none;
    `RequestError` where two parsers may differ.
    """
    text = text.lstrip("\ufeff \t\r\n")
    if not text.startswith(("{", "[", '"')):
        return None
    try:
        return strict_json.parse_text(text)
    except RequestError:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return None
        raise


def read_pairs(text: str, charset: str) -> tuple[Pairs, str]:
    """Return the fields of a form, or the parameters of an address, in their order, and the character set that they are in."""
    if charset == "latin-1":
        try:
            return parse_qsl(text, keep_blank_values=True, errors="strict"), "utf-8"
        except UnicodeDecodeError:
            return parse_qsl(text, keep_blank_values=True, encoding="latin-1"), "latin-1"
    return parse_qsl(text, keep_blank_values=True), "utf-8"


def group_pairs(pairs: Pairs) -> dict[str, Any]:
    """Return fields by their names, those that come several times as lists."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def write_pairs(pairs: Pairs, left: Mapping[str, Any], charset: str) -> bytes:
    """Write fields in their order, with what is left of them by their names; names that changed stand at the old ones' places."""
    names = dict(zip(dict.fromkeys(name for name, _ in pairs), left, strict=True))
    values = {
        name: iter(left[new] if isinstance(left[new], list) else [left[new]]) for name, new in names.items()
    }
    written = [(names[name], next(values[name])) for name, _ in pairs]
    return urlencode(written, encoding=charset, errors="replace").encode()
