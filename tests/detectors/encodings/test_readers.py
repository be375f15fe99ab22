"""Readers: which bytes, numbers and signs are text."""

from __future__ import annotations

import base64
import binascii
import gzip
import random
import zlib
from collections.abc import Callable, Sequence

from guardrails.detectors.encodings import readers
from tests.cases import each_case

SAID = "The parcel waits at the back door."


@each_case(
    ("data", "text"),
    [
        (b"plain words", "plain words"),
        ("größer, 更大".encode(), "größer, 更大"),
        ("as PowerShell".encode("utf-16-le"), "as PowerShell"),
        (b"\xff\xfe\x80 begins with no text but goes on", "��� begins with no text but goes on"),
        (
            b"\x89PNG\r\n\x1a\n" * 8 + b"\0a comment within the file" + b"\x00\xff\x10" * 40,
            "a comment within the file",
        ),
        (bytes(range(128, 250)) * 3, ""),
        (b"abc", ""),
        (b"123456", ""),
        (b"4111 1111-1111", "4111 1111-1111"),
        (b"", ""),
        (gzip.compress(SAID.encode()), SAID),
        (zlib.compress(SAID.encode()), SAID),
        (zlib.compress(SAID.encode())[:-6], SAID[:-1]),
        (b"\x78\x9c is how it begins", "x\ufffd is how it begins"),
        (zlib.compress(random.Random(3).randbytes(4_000)), ""),
    ],
)
def test_bytes_are_read_as_the_text_that_they_are_or_hold(data: bytes, text: str) -> None:
    """UTF-8 and UTF-16 are text, compressed or not; of other bytes the long readable runs are; digits and crumbs say nothing."""
    assert readers.decode_readable(data) == text


@each_case(
    ("data", "text"),
    [
        (SAID.encode() * 20, SAID * 20),
        (b"la " * 100_000, readers.TOO_LONG),
        (b"\0" * 100_000 + SAID.encode(), ""),
    ],
)
def test_little_that_says_a_lot_is_not_inflated(data: bytes, text: str) -> None:
    """13 kB would be ten millions of characters, which takes seconds; what would be text is named as too long."""
    assert readers.decode_readable(zlib.compress(data)) == text
    assert len(readers.inflate(zlib.compress(data))) <= len(data)
    assert len(readers.inflate(zlib.compress(data))) <= readers.MOST_TIMES * len(zlib.compress(data)) + 1


def test_random_bytes_hold_no_text() -> None:
    """Keys and compressed data decode to nothing."""
    draw = random.Random(3)
    assert [readers.decode_readable(draw.randbytes(48)) for _ in range(300)] == [""] * 300


@each_case(
    ("read", "pieces", "said"),
    [
        (readers.read_base64, ["VGhlIHBh", "cmNlbCB3YWl0cw=="], "The parcel waits"),
        (readers.read_base64, ["VGhlIHBhcmNlbCB3YWl0cw"], "The parcel waits"),
        (readers.read_base32, ["KRUGKIDQMFZGGZLM"], "The parcel"),
        (readers.read_base32, ["KRUGKIDQ", "MFZGGZLMEB3WC2LUOM======"], "The parcel waits"),
        (readers.read_hexadecimal, [r"\x54\x68\x65\x20", "0x706172", "63656c"], "The parcel"),
        (readers.read_hexadecimal, ["546", "865", "207", "061", "726", "365", "6c"], "The parcel"),
        (readers.read_dump, ["00000000: 5468 6520 7061 7263 656c  The parcel"], "The parcel"),
        (readers.read_dump, ["00000000  54 68 65 20 70 61 72 63  65 6c    |The parcel|"], "The parcel"),
        (
            readers.read_numbers,
            ["84", "104", "101", "32", "112", "97", "114", "99", "101", "108"],
            "The parcel",
        ),
        (
            readers.read_numbers,
            ["124", "150", "145", "040", "160", "141", "162", "143", "145", "154"],
            "The parcel",
        ),
        (
            readers.read_numbers,
            ["12", "130", "84", "104", "101", "32", "112", "97", "114", "99", "101", "108", "140"],
            "The parcel",
        ),
        (readers.read_numbers, ["72", "80", "66", "90", "75", "81", "77"], ""),
        (readers.read_bits, [f"{byte:08b}" for byte in b"The parcel"], "The parcel"),
        (readers.read_bits, ["".join(f"{byte:07b}" for byte in b"The parcel")], "The parcel"),
        (readers.read_bits, [f"0b{byte:b}" for byte in b"The parcel"], "The parcel"),
        (readers.read_bits, ["0101"], ""),
        (readers.read_morse, ["-", "....", "./", ".--.", ".-", ".-.", "-.-.", ".", ".-.."], "the parcel"),
        (readers.read_morse, ["..."] * 8, ""),
        (readers.read_nato, ["Papa", "alfa", "romeo", "charlie", "ECHO", "lima"], "parcel"),
        (readers.read_base85, [base64.a85encode(SAID.encode()).decode()], SAID),
        (readers.read_base85, [base64.b85encode(SAID.encode()).decode()], SAID),
        (readers.read_base85, [base64.a85encode(SAID.encode(), adobe=True, wrapcol=20).decode()], SAID),
        (readers.read_base85, ["https://a.example/path?x=1&y=2#top"], ""),
        (readers.read_uuencoded, [binascii.b2a_uu(SAID.encode()).decode()], SAID),
        (readers.read_camel_case, ["HowToOpenTheParcelBox"], "How To Open The Parcel Box"),
        (readers.read_camel_case, ["AbstractSingletonProxyFactoryBean"], ""),
        (readers.read_uuencoded, ["HELLO, THIS IS A LINE IN CAPITALS"], ""),
    ],
)
def test_pieces_are_read_as_text_or_as_nothing(
    read: Callable[[Sequence[str]], str], pieces: Sequence[str], said: str
) -> None:
    """Each reader decodes pieces of its encoding in their order, and takes nothing else for text."""
    assert read(pieces) == said


@each_case(
    ("text", "worded"),
    [
        ("the parcel waits", True), ("THE PARCEL", True), ("größer, ja", True), ("FHALEzQ", False), ("abc", False), ("xkcd fgh", False),
        ("a1b2c3d4", False),
    ],
)  # fmt: skip
def test_words_have_vowels_and_a_case(text: str, worded: bool) -> None:
    """Letters that numbers of a table make by chance are no words."""
    assert readers.is_worded(text) == worded
