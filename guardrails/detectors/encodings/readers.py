r"""Decodes pieces of each encoding, and tells text from what only looks encoded.

Bytes are readable where most of them are UTF-8 (or UTF-16, as PowerShell takes it) without control characters; of what is mostly
not, such as a picture, the runs that are remain. Rows of numbers are text where they are words.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Sequence
from string import ascii_letters, ascii_uppercase
from typing import Final

LEAST: Final = 4
"""Characters of a decoded text below which it says nothing."""

READABLE_RUN: Final = 16
"""Readable characters in a row that are taken out of bytes that are mostly not text; chance has one in millions of bytes."""

UNREADABLE: Final = 0.1
"""The share of characters that are no text up to which bytes are a text as a whole."""

SHORT: Final = 24
"""Characters of a decoded text up to which most of them must be letters, digits or spaces: chance has others."""

_CONTROLS: Final = bytes((*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)))
_RUNS: Final = re.compile(rb"[\t\n\r\x20-\x7e]{%d,}" % READABLE_RUN)
_SAYS: Final = re.compile(r"[^\W\d_]|\d(?:[ \-,;%=]{0,2}\d){6}")
_PLAIN: Final = re.compile(r"[\w\s.,@:/'\-]")


MOST_TIMES: Final = 100
"""Times their length to which compressed bytes are inflated: texts are a third or a tenth of what they say, and what is a
thousandth takes a thousand times the work.
"""

TOO_LONG: Final = "longer than is decoded"
"""What is said of a text that is longer: this object, which `extractors.DecodingBudget` knows."""

_COMPRESSED: Final = (b"\x1f\x8b\x08", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
"""What gzip and zlib begin with."""


_BEGUN: Final = b"compressed"
"""What is said of compressed bytes that end before they say anything: more may follow, so that their block goes on."""


def inflate(data: bytes) -> bytes:
    """Return what bytes hold that gzip or zlib compressed, as far as they go, and up to one byte more than `MOST_TIMES` as many;
    all others as they are.
    """
    if not data.startswith(_COMPRESSED):
        return data
    reader = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        return reader.decompress(data, MOST_TIMES * len(data) + 1) or (data if reader.eof else _BEGUN)
    except zlib.error:
        return data


def decode_readable(data: bytes) -> str:
    """Return the text that bytes are or hold, compressed or not; "" if they hold none, `TOO_LONG` if it was compressed to less
    than the hundredth part.
    """
    most = MOST_TIMES * len(data)
    data = inflate(data)
    text = data.decode(_guess_encoding(data), "replace")
    if len(data) < READABLE_RUN and text.count("\ufffd") > UNREADABLE * len(text):
        return ""  # as nearly every word of a text in which nothing is encoded
    if _count_bad(text) > UNREADABLE * len(text):
        text = "\n".join(run.decode("ascii") for run in _RUNS.findall(data))
    elif len(text) <= SHORT and len(_PLAIN.findall(text)) < 0.6 * len(text):
        return ""
    elif len(data) > most:
        return TOO_LONG
    # A letter, or digits enough for a number of a person.
    return text if len(text) >= LEAST and _SAYS.search(text) else ""


def _count_bad(text: str) -> int:
    """Return how many characters are controls, or none at all: by the byte, as there may be millions."""
    narrow = text.encode("latin-1", "replace")
    controls = len(narrow) - len(narrow.translate(None, _CONTROLS))
    return controls + sum(map(text.count, "\ufffd\ufffe\uffff"))


def _guess_encoding(data: bytes) -> str:
    wide = len(data) // 2
    if wide >= LEAST and 0 in data:
        if data[1::2].count(0) > 0.8 * wide:
            return "utf-16-le"
        if data[::2].count(0) > 0.8 * wide:
            return "utf-16-be"
    return "utf-8"


def is_worded(text: str) -> bool:
    """Tell whether a text is words: letters and spaces, with vowels, and not letters of both cases as they come."""
    letters = [char for char in text if char.isalpha()]
    if len(letters) < LEAST or len(letters) + sum(map(text.count, " ,.'?!-\n")) < 0.8 * len(text):
        return False
    vowels = sum(map("".join(letters).lower().count, "aeiouyäöüéàèáíóú"))
    lower = sum(map(str.islower, letters))
    return 0.2 * len(letters) <= vowels <= 0.75 * len(letters) and (
        lower >= 0.7 * len(letters) or lower == 0 or not text.isascii()
    )


_URL_SAFE: Final = str.maketrans("-_", "+/")


def read_base64(pieces: Sequence[str]) -> str:
    """Decode Base64, also url-safe and without padding."""
    body = "".join(pieces).replace("=", "").translate(_URL_SAFE)
    if len(body) % 4 == 1:
        body = body[:-1]
    return decode_readable(binascii.a2b_base64(body + "=" * (-len(body) % 4)))


def read_base32(pieces: Sequence[str]) -> str:
    """Decode Base32 (RFC 4648), with and without padding."""
    body = "".join(pieces).replace("=", "")
    body = body[: len(body) - (len(body) % 8 in (1, 3, 6))]
    return decode_readable(base64.b32decode(body + "=" * (-len(body) % 8)))


_MARKS: Final = re.compile(r"\\[xX]|0[xX]|[^0-9A-Fa-f]")


def read_hexadecimal(pieces: Sequence[str]) -> str:
    """Decode hexadecimal digits, whatever stands before or between them."""
    digits = "".join(_MARKS.sub("", piece) for piece in pieces)
    return decode_readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))


_DUMPED: Final = re.compile(r"[0-9A-Fa-f]{4,16}:?[ \t]+(.*)", re.DOTALL)
_GROUP: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){1,8}")
DUMPED: Final = 16
"""Bytes of a line of a dump."""


def read_dump(pieces: Sequence[str]) -> str:
    """Decode the lines of a dump, as `xxd` and `hexdump -C` print them: without offsets and the text beside the bytes."""
    return decode_readable(b"".join(map(_read_dump_line, pieces)))


def _read_dump_line(line: str) -> bytes:
    digits = ""
    found = _DUMPED.fullmatch(line)
    for group in found[1].split() if found is not None else ():
        if not _GROUP.fullmatch(group) or len(digits) >= 2 * DUMPED:
            break
        digits += group
    return bytes.fromhex(digits[: 2 * DUMPED])


_DIGITS: Final = re.compile(r"[0-9]{2,}")
_OCTAL: Final = frozenset("01234567")
_SHORTEST_WORDS: Final = 5


def read_numbers(pieces: Sequence[str]) -> str:
    """Read decimal or octal codes of characters, where they make words."""
    digits = [found[0] if (found := _DIGITS.search(piece)) else "" for piece in pieces]
    return _join_words([int(each) for each in digits]) or (
        _join_words([int(each, 8) for each in digits]) if set("".join(digits)) <= _OCTAL else ""
    )


def _is_written(value: int) -> bool:
    return value in (9, 10, 13) or 32 <= value < 127 or (192 <= value < 256 and value not in (215, 247))


def _join_words(values: Sequence[int]) -> str:
    """Return the stretches of codes that are words; the rest is other numbers."""
    chars = "".join(chr(value) if _is_written(value) else "\0" for value in values)
    runs = [run for run in chars.split("\0") if len(run) >= _SHORTEST_WORDS and is_worded(run)]
    return "\n".join(run for run in runs if sum(map(str.isascii, run)) >= 0.7 * len(run))


_BIT: Final = re.compile(r"[01]+")
BITS: Final = 28
"""Bits of the shortest payload: four letters of seven."""


def read_bits(pieces: Sequence[str]) -> str:
    """Read bits, as bytes, as characters of seven bits, or a group for each character."""
    groups = [_BIT.findall(piece.removeprefix("0b").removeprefix("0B"))[0] for piece in pieces]
    if sum(map(len, groups)) < BITS:
        return ""
    bits = "".join(groups)
    if said := decode_readable(bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))):
        return said
    sevens = "".join(chr(int(bits[at : at + 7], 2)) for at in range(0, len(bits) - 6, 7))
    if is_worded(sevens):
        return sevens
    return _join_words([int(group[-21:], 2) for group in groups]) if len(groups) > 1 else ""


MORSE: Final = dict(
    zip(
        [
            ".-",
            "-...",
            "-.-.",
            "-..",
            ".",
            "..-.",
            "--.",
            "....",
            "..",
            ".---",
            "-.-",
            ".-..",
            "--",
            "-.",
            "---",
            ".--.",
            "--.-",
            ".-.",
            "...",
            "-",
            "..-",
            "...-",
            ".--",
            "-..-",
            "-.--",
            "--..",
            "-----",
            ".----",
            "..---",
            "...--",
            "....-",
            ".....",
            "-....",
            "--...",
            "---..",
            "----.",
            ".-.-.-",
            "--..--",
            "..--..",
            ".----.",
            "-....-",
            "-..-.",
            ".--.-.",
            "-.-.--",
        ],
        "abcdefghijklmnopqrstuvwxyz0123456789.,?'-/@!",
        strict=True,
    )
)
"""The code of each character, in Morse's alphabet."""


def read_morse(pieces: Sequence[str]) -> str:
    """Read Morse's alphabet; each piece is a code, with what ends a word behind it."""
    said = ""
    for piece in pieces:
        code = piece.rstrip(" \t/|\n")
        said += MORSE.get(code.replace("_", "-"), "\0") + (" " if code != piece else "")
    return said if said.count("\0") <= 0.1 * len(said) and is_worded(said.replace("\0", "")) else ""


NATO: Final = [
    "alpha",
    "alfa",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliet",
    "juliett",
    "kilo",
    "lima",
    "mike",
    "november",
    "oscar",
    "papa",
    "quebec",
    "romeo",
    "sierra",
    "tango",
    "uniform",
    "victor",
    "whiskey",
    "whisky",
    "xray",
    "x-ray",
    "yankee",
    "zulu",
]
"""The spelling alphabet; a letter is the first of its word."""


def read_nato(pieces: Sequence[str]) -> str:
    """Read the spelling alphabet, where it makes words."""
    said = "".join(piece[0] if piece[0].isalpha() else " " for piece in pieces).lower()
    return said if is_worded(said) else ""


_HUMP: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]")
_LITTLE_WORDS: Final = "an the to how of for and my your you me is what do can with from"
_LITTLE: Final = frozenset(_LITTLE_WORDS.split())
_HUMPS: Final = 4


def read_camel_case(pieces: Sequence[str]) -> str:
    """Read an identifier as the sentence that it is: five words or more, two of them such as sentences have."""
    words = _HUMP.findall(pieces[0])
    little = sum(map(_LITTLE.__contains__, map(str.lower, words)))
    return " ".join(words) if little > 1 and sum(len(word) > 1 for word in words) >= _HUMPS else ""


_NO_SIGNS: Final = f"{ascii_letters}0123456789+/_=.-".encode()


def read_base85(pieces: Sequence[str]) -> str:
    """Decode Ascii85 or Base85 (as Git and Python write it), where the whole is words."""
    body = pieces[0]
    if body.startswith("<~"):
        said = _decode_base85("".join(body.split())[2:-2])
        return said if is_worded(said) else ""
    if len(body.encode().translate(None, _NO_SIGNS)) < 3:
        return ""
    for start, end in (
        (0, 0),
        (1, 1),
        (0, 1),
        (1, 0),
        (1, 2),
    ):  # brackets, quotes and full stops are of the alphabet too
        said = _decode_base85(body[start : len(body) - end])
        if " " in said and is_worded(said):
            return said
    return ""


_BASE85: Final = (
    (base64.a85decode, bytes(range(ord("$"), ord("J") + 1))),
    (base64.b85decode, b"3456789" + ascii_uppercase.encode() + b"abcdef"),
)
"""The two alphabets, and what five characters that are four of ASCII begin with: they stand for less than 2**31."""


def _decode_base85(body: str) -> str:
    data = body.encode()
    leads = data[::5]
    for decode, likely in _BASE85:
        if 4 * len(leads.translate(None, likely)) > len(leads):  # some may be letters beyond ASCII
            continue
        try:
            said = decode(data).decode()
        except (ValueError, UnicodeDecodeError):
            continue
        if is_worded(said):
            return said
    return ""


def read_uuencoded(pieces: Sequence[str]) -> str:
    """Decode lines of uuencode, each with its length in front, up to one that is none."""
    data = b""
    for line in pieces[0].split("\n"):
        if not (written := line.rstrip()):
            continue
        size = (ord(written[0]) - 32) & 63
        due = 1 + (size + 2) // 3 * 4
        if not size or not due - 4 <= len(written) <= due + 1:
            break
        try:
            data += binascii.a2b_uu(written[:due].ljust(due))
        except (binascii.Error, ValueError):
            break
    return decode_readable(data)
