r"""Finds and decodes payloads of each encoding, with their places in the text.

Bytes are readable where most of them are UTF-8 (or UTF-16, as PowerShell takes it) without control characters; of what
is mostly not, such as a picture, the runs that are remain. Everything is linear in the text.
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import re2

Original = Callable[[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Payload:
    """A decoded text and where its encoded form stands; `starts` has the place of each of its characters and of the end,
    None where only the whole can be pointed at.
    """

    text: str
    begin: int
    end: int
    starts: Sequence[int] | None = None

    def shift(self, original: Original) -> Payload:
        """Return the same payload of a view in the coordinates of the raw text."""
        begin, end = original(self.begin, self.end)
        starts = None
        if self.starts is not None:
            last = len(self.starts) - 1
            starts = [original(at, at + 1)[0] for at in self.starts[:last]] + [end]
        return Payload(self.text, begin, end, starts)


LEAST = 4
"""Characters of a decoded text below which it says nothing."""

READABLE_RUN = 16
"""Readable characters in a row that are taken out of bytes that are mostly not text; chance has one in millions of bytes."""

UNREADABLE = 0.1
"""The share of characters that are no text up to which bytes are a text as a whole."""

_BAD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ufffe\uffff]")
_RUNS = re.compile(rb"[\t\n\r\x20-\x7e]{%d,}" % READABLE_RUN)
_SAYS = re.compile(r"[^\W\d_]|\d(?:[ \-]?\d){6}")


def decode_readable(data: bytes) -> str:
    """Return the text that bytes are or hold, "" if they hold none."""
    wide = len(data) // 2
    encoding = "utf-16-le" if wide >= LEAST and data[1::2].count(0) > 0.8 * wide else "utf-8"
    text = data.decode(encoding, "replace")
    if len(_BAD.findall(text)) > UNREADABLE * len(text):
        text = "\n".join(run.decode("ascii") for run in _RUNS.findall(data))
    # A letter, or digits enough for a number of a person.
    return text if len(text) >= LEAST and _SAYS.search(text) else ""


def _find_matches(pattern: Any, text: str) -> Iterator[tuple[int, int]]:
    """Yield where an RE2 pattern of ASCII characters matches, in linear time whatever the text."""
    hay = text if text.isascii() else text.encode("ascii", "replace").decode("ascii")
    return (match.span() for match in pattern.finditer(hay))


# Base64, also url-safe and without padding: 16 characters or more, fewer with padding.
_ALPHABET = re.compile(rb"[A-Za-z0-9+/_\-]")
# Letters of the alphabet as `a`, padding as it is, everything else as a space: runs are found by `bytes.find`, which
# costs a tenth of what a search for the pattern does.
_CLASSES = bytes(
    0x61 if _ALPHABET.match(bytes([code])) else code if code == 0x3D else 0x20 for code in range(256)
)
_RUN = re.compile(rb"a+={0,2}")
_LONG, _PADDED = b"a" * 16, b"a" * 10 + b"="
_URL_SAFE = str.maketrans("-_", "+/")
_PARTS = re.compile(r"[A-Za-z0-9]{16,}={0,2}")
# Lines that belong together, as mail and PEM wrap them: full ones, and a last one that may be short.
_LINE = 40
_BREAK = re.compile(r"\r?\n[ \t]*")
_LAST = re.compile(r"\r?\n[ \t]*[A-Za-z0-9+/]{1,9}={0,2}(?=\s|\Z)")


def _from_base64(written: str) -> str:
    body = written.rstrip("=").translate(_URL_SAFE)
    if len(body) % 4 == 1:
        body = body[:-1]
    return decode_readable(binascii.a2b_base64(body + "=" * (-len(body) % 4)))


def find_base64(text: str) -> Iterator[Payload]:
    """Yield what decodes as Base64: lines that make up one payload, words, and parts of words."""
    for run in _runs(text):
        if len(run) > 1:
            begin, end = run[0][0], run[-1][1]
            if found := _from_base64("".join(text[begin:end].split())):
                yield Payload(found, begin, end)
                continue
        for begin, end in run:
            written = text[begin:end]
            if found := _from_base64(written):
                yield Payload(found, begin, end)
                continue
            # Glued to a path or a name by a sign that is one of the alphabet: `/v1/aGVsbG8…`.
            for part in _PARTS.finditer(written):
                if part[0] != written and (found := _from_base64(part[0])):
                    yield Payload(found, begin + part.start(), begin + part.end())


def _runs(text: str) -> Iterator[list[tuple[int, int]]]:
    """Yield words of the alphabet, those together that are the lines of one payload."""
    lines: list[tuple[int, int]] = []
    for begin, end in _long_words(text):
        if lines and not _continues(text, lines[-1], begin):
            yield _close_lines(text, lines)
            lines = []
        lines.append((begin, end))
    if lines:
        yield _close_lines(text, lines)


def _continues(text: str, line: tuple[int, int], begin: int) -> bool:
    """Tell whether what begins there is the next line of the payload that a line belongs to."""
    gap = _BREAK.match(text, line[1])
    full = line[1] - line[0] >= _LINE and text[line[1] - 1] != "="
    return full and gap is not None and gap.end() == begin


def _long_words(text: str) -> Iterator[tuple[int, int]]:
    classes = text.encode("ascii", "replace").translate(_CLASSES)
    long, padded, taken = classes.find(_LONG), classes.find(_PADDED), 0
    while long >= 0 or padded >= 0:
        at = min(place for place in (long, padded) if place >= 0)
        # The word may begin before the ten letters that were found in front of its padding.
        begin = at
        while begin > taken and classes[begin - 1] == 0x61:
            begin -= 1
        match = _RUN.match(classes, at)
        assert match is not None
        stop = match.end()
        yield begin, stop
        taken = stop
        if 0 <= long < stop:
            long = classes.find(_LONG, stop)
        if 0 <= padded < stop:
            padded = classes.find(_PADDED, stop)


def _close_lines(text: str, lines: list[tuple[int, int]]) -> list[tuple[int, int]]:
    begin, end = lines[-1]
    full = end - begin >= _LINE and text[end - 1] != "="
    if full and (last := _LAST.match(text, end)) is not None:
        lines.append((last.end() - len(last[0].lstrip()), last.end()))
    return lines


# Hexadecimal digits of at least six bytes: in a row, or each byte apart, with or without a mark in front.
_HEX = re2.compile(
    r"(?:(?:\\x|0x)[0-9A-Fa-f]{2}[ \t\r\n:,;\-]{0,2}){5,}(?:\\x|0x)[0-9A-Fa-f]{2}"
    r"|(?:[0-9A-Fa-f]{2}[ \t\r\n:,;\-]{1,2}){5,}[0-9A-Fa-f]{2}"
    r"|(?:[0-9A-Fa-f]{2}){6,}"
)
_MARKS = re.compile(r"\\x|0x|[^0-9A-Fa-f]")


def find_hexadecimal(text: str) -> Iterator[Payload]:
    """Yield what decodes as hexadecimal bytes."""
    for begin, end in _find_matches(_HEX, text):
        if found := decode_readable(bytes.fromhex(_MARKS.sub("", text[begin:end]))):
            yield Payload(found, begin, end)


def _is_worded(text: str) -> bool:
    return sum(map(str.isalpha, text)) + text.count(" ") >= 0.8 * len(text)


# Percent escapes (RFC 3986): what stands around them is decoded along, as a phrase may be escaped in part.
_PERCENT = re2.compile(r"(?:%[0-9A-Fa-f]{2})+")
AROUND = 120
"""Characters around an escape that are read together with it."""


def find_percent_escapes(text: str) -> Iterator[Payload]:
    """Yield the stretches around percent escapes, decoded, each character with its place."""
    runs = list(_find_matches(_PERCENT, text))
    first = 0
    for at, (_, stop) in enumerate(runs):
        if at + 1 == len(runs) or runs[at + 1][0] - stop > 2 * AROUND:
            begin = max(0, runs[first][0] - AROUND)
            yield _unquote(text, begin, min(len(text), stop + AROUND), runs[first : at + 1])
            first = at + 1


def _unquote(text: str, begin: int, end: int, runs: Sequence[tuple[int, int]]) -> Payload:
    parts: list[str] = []
    starts: list[int] = []
    at = begin
    for start, stop in runs:
        parts.append(text[at:start])
        starts.extend(range(at, start))
        decoded = unquote_to_bytes(text[start:stop]).decode("utf-8", "replace")
        parts.append(decoded)
        place = start
        for char in decoded:
            starts.append(place)
            # A byte that is no UTF-8 became one character; several may too, and their run ends where it does.
            place = min(stop - 3, place + 3 * (1 if char == "\ufffd" else len(char.encode())))
        at = stop
    parts.append(text[at:end])
    starts.extend(range(at, end + 1))
    return Payload("".join(parts), begin, end, starts)


def find_rot13(text: str) -> Iterator[Payload]:
    """Yield the whole text, rotated by thirteen letters, each character in its place."""
    yield Payload(codecs.encode(text, "rot13"), 0, len(text), range(len(text) + 1))


# Character codes: bits in groups of eight, or numbers of ASCII letters in a row.
_CODES = re2.compile(r"\b[01]{8}(?:[ ,]{0,2}[01]{8}){3,}\b|\b\d{2,3}(?:[ ,]{1,2}\d{2,3}){5,}\b")
_BITS = re.compile(r"[01]{8}")


def find_character_codes(text: str) -> Iterator[Payload]:
    """Yield what reads as a row of binary or decimal character codes and makes words."""
    for begin, end in _find_matches(_CODES, text):
        written = text[begin:end]
        bits = not set(written) - set("01 ,")
        values = (
            [int(each, 2) for each in _BITS.findall(written)]
            if bits
            else [int(each) for each in re.findall(r"\d+", written)]
        )
        if all(value == 10 or 32 <= value < 127 for value in values):
            found = "".join(map(chr, values))
            if _is_worded(found):
                yield Payload(found, begin, end)


# Unicode tags spell ASCII that nobody sees; variation selectors carry bytes.
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")


def find_unicode_tags(text: str) -> Iterator[Payload]:
    """Yield what runs of Unicode tags spell."""
    for match in _TAGS.finditer(text):
        spelt = "".join(chr(ord(char) - 0xE0000) for char in match[0])
        yield Payload(spelt, *match.span(), range(match.start(), match.end() + 1))


def find_variation_selectors(text: str) -> Iterator[Payload]:
    """Yield what runs of variation selectors carry: 16 and 240 of them are the values of a byte."""
    for match in _VARIATION.finditer(text):
        data = bytes(ord(char) - 0xFE00 if char < "\uff00" else ord(char) - 0xE0100 + 16 for char in match[0])
        if found := decode_readable(data):
            yield Payload(found, *match.span())
