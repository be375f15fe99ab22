r"""A form's bytes (`multipart/form-data`) in, its fields out, strictly; and new bytes where some of them change.

Servers read forms in many ways. What any two could read differently is refused: other line ends than CRLF, anything before,
between or behind the parts, the boundary inside of one, names that are escaped, encoded (`filename*`) or stand there twice,
headers beside the three that clients send, encodings, and other character sets than UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from guardrails.errors import RequestError

MEDIA: Final = re.compile(r'(?i)multipart/form-data *; *boundary=(?:"([^"]*)"|([^"; ]*))')
BOUNDARY: Final = re.compile(r"[A-Za-z0-9'()+_,./:=?-]{1,70}")
HEADER: Final = re.compile(r"([A-Za-z-]{1,32}): *([^\x00-\x1f\x7f]{0,1024})")
DISPOSITION: Final = re.compile(
    r'form-data; name="([A-Za-z0-9_.\[\]-]{1,64})"(?:; filename="([^"\\]{0,255})")?'
)
TYPE: Final = re.compile(r"[A-Za-z0-9.+-]{1,64}/[A-Za-z0-9.+-]{1,64}")
TEXT: Final = re.compile(r"(?i)text/plain(?:; *charset=\"?utf-?8\"?)?")

MOST_PARTS: Final = 128
LONGEST_HEAD: Final = 4_096
"""Bytes of the headers of one part."""

SEVERAL: Final = frozenset(
    {
        "image",
        "image[]",
        "include[]",
        "keywords[]",
        "languages[]",
        "timestamp_granularities[]",
        "known_speaker_names[]",
        "known_speaker_references[]",
    }
)
"""Fields that may stand there more than once."""

SAID: Final[Mapping[str, Mapping[str, bool]]] = {"stream": {"true": True, "false": False}}
"""Fields that are flags → how they are written."""

KEPT: Final = b"\r\n"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form: its bytes, the name that it is given, and the type that it is said to be of."""

    data: bytes
    name: str = ""
    media: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: where its value stands in the form, and where its headers do."""

    name: str
    value: str | bool | Upload
    head: tuple[int, int]
    start: int
    end: int


@dataclass(frozen=True)
class Form:
    """A form that was read: its bytes, their type as it goes on, and its parts in order."""

    raw: bytes
    media: str
    boundary: bytes
    parts: tuple[Part, ...]

    @cached_property
    def body(self) -> dict[str, Any]:
        """What it says, by name: texts, files, and lists of what may stand there more than once."""
        found: dict[str, Any] = {}
        for part in self.parts:
            if part.name in SEVERAL:
                found.setdefault(part.name, []).append(part.value)
            else:
                found[part.name] = part.value
        return found

    def written(self, body: Mapping[str, Any]) -> bytes:
        """Return the form as it says what a body says, which has the same fields; what is the same there stays as it was written.

        Args:
            body: values by name; a file that was replaced is another `Upload`, of which the name is not looked at.

        Raises:
            RequestError: what is new holds the boundary.
        """
        pieces: list[bytes] = []
        at, seen = 0, dict[str, int]()
        for part in self.parts:
            value = body[part.name]
            if part.name in SEVERAL:
                value, seen[part.name] = value[seen.get(part.name, 0)], seen.get(part.name, 0) + 1
            if value is part.value:
                continue
            new = value.data if isinstance(value, Upload) else str(value).encode()
            if self.boundary in new:
                raise _wrong("what is left of it holds its own boundary")
            start, end = part.head
            media = value.media if isinstance(value, Upload) else None
            pieces += [self.raw[at:start], _changed_head(self.raw[start:end], media)]
            pieces += [self.raw[end : part.start], new]
            at = part.end
        return b"".join([*pieces, self.raw[at:]])

    def saying(self, name: str, text: str) -> Form:
        """Return the form as it says this in a field, which stands first where there was none; itself where it does.

        Raises:
            RequestError: the text holds the boundary.
        """
        if self.body.get(name) == text:
            return self
        if name in self.body:
            return form(self.written({**self.body, name: text}), self.media)
        head = f'Content-Disposition: form-data; name="{name}"'.encode()
        return form(KEPT.join([self.boundary, head, b"", text.encode(), self.raw]), self.media)


def is_form(media: str) -> bool:
    """Tell whether a body of this type is a form."""
    return media.partition(";")[0].strip().lower() == "multipart/form-data"


def form(raw: bytes, media: str) -> Form:
    """Return a form.

    Raises:
        RequestError: it is none, or one that could be read in two ways.
    """
    found = MEDIA.fullmatch(media.strip())
    given = (found[1] or found[2] or "") if found else ""
    if not BOUNDARY.fullmatch(given):
        raise _wrong("its type must name a boundary, and nothing else")
    mark = b"--" + given.encode()
    if not raw.startswith(mark + KEPT):
        raise _wrong("it does not begin with its boundary")
    parts: list[Part] = []
    at, marks = len(mark + KEPT), 1
    while True:
        end = raw.find(KEPT + mark, at)
        if end < 0:
            raise _wrong("it has no final boundary")
        if len(parts) == MOST_PARTS:
            raise _wrong(f"it has more than {MOST_PARTS} parts")
        parts.append(_part(raw, at, end))
        at, marks = end + len(KEPT + mark), marks + 1
        if raw[at : at + 2] == b"--":
            break
        if raw[at : at + 2] != KEPT:
            raise _wrong("something stands behind a boundary")
        at += 2
    if raw[at + 2 :] not in (b"", KEPT):
        raise _wrong("something stands behind its end")
    if raw.count(mark) != marks:
        raise _wrong("a part holds its boundary")
    _are_apart(parts)
    return Form(raw, f'multipart/form-data; boundary="{given}"', mark, tuple(parts))


def _part(raw: bytes, at: int, end: int) -> Part:
    stop = raw.find(KEPT + KEPT, at, min(end, at + LONGEST_HEAD))
    if stop < 0:
        raise _wrong("a part has no end of its headers, or too long ones")
    headers: dict[str, str] = {}
    for line in raw[at:stop].split(KEPT):
        try:
            found = HEADER.fullmatch(line.decode())
        except UnicodeDecodeError:
            found = None
        if found is None or found[1].lower() in headers:
            raise _wrong("a header of a part is malformed, or stands there twice")
        headers[found[1].lower()] = found[2]
    start = stop + len(KEPT + KEPT)
    name, file = _named(headers.pop("content-disposition", ""))
    media = headers.pop("content-type", "")
    if headers.pop("content-length", str(end - start)) != str(end - start):
        raise _wrong("a part is not as long as it says")
    if headers:
        raise _wrong("a part has a header that is not known")
    value = _value(raw[start:end], name, file, media)
    return Part(name, value, (at, stop), start, end)


def _named(given: str) -> tuple[str, str | None]:
    found = DISPOSITION.fullmatch(given)
    if found is None or found[1] == "_charset_":
        raise _wrong("a part must have a plain name, and may have that of a file, both in quotes")
    return found[1], found[2]


def _value(value: bytes, name: str, file: str | None, media: str) -> str | bool | Upload:
    if file is not None:
        if media and not TYPE.fullmatch(media):
            raise _wrong("the type of a file is malformed")
        return Upload(value, file, media)
    if media and not TEXT.fullmatch(media):
        raise _wrong("a field that is no file must be a text")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise RequestError("invalid_utf8", "a field of the form is not UTF-8") from None
    if name not in SAID:
        return text
    if text not in SAID[name]:
        raise RequestError("invalid_type", f"{name} must be true or false", f"/{name}")
    return SAID[name][text]


def _are_apart(parts: list[Part]) -> None:
    """Raise `RequestError` where a field stands there twice, in one or another spelling."""
    spelled: dict[str, str] = {}
    for part in parts:
        name = part.name.casefold().removesuffix("[]")
        if spelled.setdefault(name, part.name) != part.name or (
            part.name not in SEVERAL and sum(other.name == part.name for other in parts) > 1
        ):
            raise RequestError("duplicate_key", "a field of the form stands there twice", f"/{part.name}")


def _changed_head(head: bytes, media: str | None) -> bytes:
    """Return the headers of a part whose value changed: without how long the old one was, and with the type of a new file."""
    gone = (b"content-length",) if media is None else (b"content-length", b"content-type")
    lines = [line for line in head.split(KEPT) if not line.lower().startswith(gone)]
    return KEPT.join(lines if media is None else [*lines, b"Content-Type: " + media.encode()])


def _wrong(why: str) -> RequestError:
    return RequestError("invalid_form", f"the form is refused: {why}")
