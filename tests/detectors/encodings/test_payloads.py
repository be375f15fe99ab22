"""Payloads: what decodes to readable text, and where its encoded form stood."""

from __future__ import annotations

import base64
import os
import random

import pytest

from guardrails.detectors.encodings import payloads
from tests.cases import each_case

SAID = "The parcel waits at the back door."


def b64(data: str | bytes) -> str:
    """Encode."""
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def spelt(data: str, form: str, between: str = "") -> str:
    """Write each byte in a form."""
    return between.join(form.format(byte) for byte in data.encode())


@pytest.mark.parametrize(
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
    ],
)
def test_bytes_are_read_as_the_text_that_they_are_or_hold(data: bytes, text: str) -> None:
    """UTF-8 and UTF-16 are text; of other bytes the long readable runs are; digits and crumbs say nothing."""
    assert payloads.decode_readable(data) == text


def test_random_bytes_hold_no_text() -> None:
    """Keys and compressed data decode to nothing."""
    draw = random.Random(3)
    assert [payloads.decode_readable(draw.randbytes(48)) for _ in range(300)] == [""] * 300


@each_case(
    "form",
    [
        b64(SAID),
        b64(SAID).rstrip("="),
        base64.urlsafe_b64encode(("ÿÿ>>??" + SAID).encode()).decode(),
        base64.encodebytes((SAID * 4).encode()).decode().rstrip("\n"),
        base64.encodebytes((SAID * 4).encode()).decode().rstrip("\n").replace("\n", "\r\n  "),
        b64("Meet me!").ljust(12, "="),
        b64(SAID.encode("utf-16-le")),
    ],
)
@each_case(("before", "after"), [("", ""), ("see ", " now"), ('{"a": "', '"}'), ("=", ""), ("ünd ", " .")])
def test_base64_is_found_with_its_place(form: str, before: str, after: str) -> None:
    """With and without padding, url-safe, in wrapped lines, of UTF-16: the payload and nothing around it."""
    [found] = payloads.find_base64(before + form + after)
    assert found.text.endswith(SAID) or found.text == "Meet me!"
    assert (found.begin, found.end) == (len(before), len(before) + len(form))


@pytest.mark.parametrize("before", ["https://a.example/v1/", "token-", "see_it_"])
def test_base64_glued_to_a_path_is_found(before: str) -> None:
    """Signs of the alphabet that separate do not hide what stands behind them."""
    [found] = payloads.find_base64(before + b64(SAID))
    assert (found.text, found.begin) == (SAID, len(before))


@pytest.mark.parametrize(
    "text",
    [
        "An internationalization effort, counterrevolutionary.",
        "def get_user_by_identifier(self, userIdentifierValue): return /usr/local/share/dictionaries/words",
        "3f786850e387550fdab836ed7e6dc881de23001b",
        "550e8400-e29b-41d4-a716-446655440000",
        "A" * 64 + "\n" + "A" * 64,
        "short== a= b==",
    ],
)
def test_names_paths_and_digests_are_no_base64(text: str) -> None:
    """What the alphabet alone makes look encoded decodes to no text."""
    assert list(payloads.find_base64(text)) == []


def test_a_padded_line_is_the_last_one() -> None:
    """What stands on the next one is no more of it, and no reason to fail."""
    line = b64("a line of text, forty characters or more")
    assert line.endswith("=")
    [found] = payloads.find_base64(f"{line}\nabc next")
    assert (found.text, found.begin, found.end) == ("a line of text, forty characters or more", 0, len(line))


def test_lines_that_are_no_payload_together_are_read_one_by_one() -> None:
    """Two payloads on lines of their own are two, when the first is padded."""
    first, second = b64(SAID * 2), b64("Another " + SAID)
    assert [found.text for found in payloads.find_base64(f"{first}\n{second}")] == [
        SAID * 2,
        "Another " + SAID,
    ]


@pytest.mark.parametrize(
    "form",
    [
        SAID.encode().hex(),
        SAID.encode().hex().upper(),
        "0x" + SAID.encode().hex(),
        SAID.encode().hex(" "),
        SAID.encode().hex(":"),
        spelt(SAID, "\\x{:02x}"),
        spelt(SAID, "0x{:02X}", ", "),
    ],
)
def test_hexadecimal_is_found_in_every_notation(form: str) -> None:
    """In a row, byte by byte, with marks."""
    [found] = payloads.find_hexadecimal(f"so: {form} .")
    assert found.text == SAID
    assert "so: " + form == f"so: {form} ."[: found.end]


@pytest.mark.parametrize(
    "text", ["4111 1111 1111 1111", "2024 10 25 12 30 45 59 61", "3f786850e387550fdab836ed7e6dc881de23001b"]
)
def test_numbers_and_digests_are_no_hexadecimal_text(text: str) -> None:
    """Bytes that are no text are no payload."""
    assert list(payloads.find_hexadecimal(text)) == []


@pytest.mark.parametrize(
    ("text", "decoded", "find", "stands"),
    [
        ("card%204111%201111", "card 4111 1111", "4111 1111", "4111%201111"),
        ("%6aump over", "jump over", "jump", "%6aump"),
        ("caf%C3%A9 au lait", "café au lait", "é au", "%C3%A9 au"),
        ("%F0%9F%98%80!", "😀!", "😀", "%F0%9F%98%80"),
        ("100%25 sure", "100% sure", "% s", "%25 s"),
        ("a%FFb", "a�b", "b", "b"),
        ("a%E2%82b", "a�b", "�", "%E2%82"),
    ],
)
def test_percent_escapes_are_decoded_in_place(text: str, decoded: str, find: str, stands: str) -> None:
    """Each character of what is decoded knows the escape that it stood in."""
    [found] = payloads.find_percent_escapes(text)
    at = found.text.index(find)
    assert found.text == decoded
    assert found.starts is not None
    assert text[found.starts[at] : found.starts[at + len(find)]] == stands


def test_percent_escapes_far_apart_are_read_apart() -> None:
    """What lies far from any escape is not read once more."""
    text = "%41" + "x" * 1_000 + "%42"
    assert [(found.begin, found.end) for found in payloads.find_percent_escapes(text)] == [
        (0, 123),
        (883, 1006),
    ]


def test_rot13_keeps_every_place() -> None:
    """The whole text is rotated; a character stays where it was."""
    [found] = payloads.find_rot13("Gur cnepry")
    assert (found.text, found.begin, found.end, found.starts) == ("The parcel", 0, 10, range(11))


@pytest.mark.parametrize(
    ("form", "decoded"),
    [
        (spelt(SAID, "{:08b}", " "), SAID),
        (spelt(SAID, "{:08b}"), SAID),
        (spelt("parcel waits", "{}", " "), "parcel waits"),
        (spelt("parcel waits", "{}", ", "), "parcel waits"),
        ("12 13 14 15 16 17 18", None),
        ("192, 168, 100, 101, 102, 103", None),
        ("48 49 50 51 52 53 54 55", None),
    ],
)
def test_character_codes_are_found_where_they_make_words(form: str, decoded: str | None) -> None:
    """Bits and decimal codes of letters are read; rows of other numbers are not."""
    found = [payload.text for payload in payloads.find_character_codes(f"read {form}.")]
    assert found == ([] if decoded is None else [decoded])


def test_unicode_tags_are_spelt_out() -> None:
    """Invisible tags stand for ASCII, one for one."""
    hidden = "".join(chr(0xE0000 + ord(char)) for char in SAID)
    [found] = payloads.find_unicode_tags(f"hello{hidden} you")
    assert (found.text, found.begin, found.end) == (SAID, 5, 5 + len(SAID))
    assert found.starts == range(5, 6 + len(SAID))


def test_variation_selectors_carry_bytes() -> None:
    """Selectors behind an emoji are the bytes of a text."""
    hidden = "".join(
        chr(0xFE00 + byte) if byte < 16 else chr(0xE0100 + byte - 16) for byte in ("\n" + SAID).encode()
    )
    [found] = payloads.find_variation_selectors(f"😀{hidden} ok")
    assert (found.text, found.begin, found.end) == ("\n" + SAID, 1, 2 + len(SAID))


def test_a_payload_of_a_view_moves_to_the_raw_text() -> None:
    """Places in a view become those of the text that it is a view of."""
    found = payloads.Payload("ab", 1, 3, [1, 2, 3])
    assert found.shift(lambda start, end: (start * 10, end * 10)) == payloads.Payload(
        "ab", 10, 30, [10, 20, 30]
    )
    assert payloads.Payload("ab", 1, 3).shift(lambda start, end: (start + 1, end + 1)).starts is None


@each_case(
    "text",
    [
        "A" * 50_000,
        ("A" * 76 + "\n") * 600,
        ("A" * 45 + "\n") * 900 + "!",
        "41 " * 15_000,
        "%41" * 15_000,
        "01" * 25_000,
        ("abcdefghij" * 3 + "/") * 1_500,
        "\\x41" * 12_000 + "z",
        os.urandom(20_000).decode("latin-1"),
    ],
    ids=range(9),
)
@each_case(
    "find",
    [
        payloads.find_base64,
        payloads.find_hexadecimal,
        payloads.find_percent_escapes,
        payloads.find_character_codes,
        payloads.find_rot13,
    ],
)
def test_texts_made_to_take_long_end_with_payloads_inside_them(find: object, text: str) -> None:
    """Floods of nearly-payloads are read through, and every payload lies in the text, in order."""
    places = [place for found in find(text) for place in (found.begin, found.end)]  # type: ignore[operator]
    assert places == sorted(places)
    assert not places or (places[0] >= 0 and places[-1] <= len(text))
