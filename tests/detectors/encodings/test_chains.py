"""Chains: payloads over lines, quotes and literals, with their places."""

from __future__ import annotations

import base64

from guardrails.detectors.encodings.chains import CHECKED, Layout
from guardrails.detectors.encodings.decoders import BASE64, NEAR
from tests.cases import each_case

SAID = "The parcel waits at the back door."


def b64(data: str | bytes) -> str:
    """Encode."""
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def spelt(data: str, form: str, between: str = "") -> str:
    """Write each byte in a form."""
    return between.join(form.format(byte) for byte in data.encode())


def row(name: str) -> Layout:
    """Return the layout of a row of the table."""
    return next(each.layout for each in NEAR if each.name == name and each.layout is not None)


HEX, CODES, BINARY = row("hex"), row("codes"), row("binary")


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
    [found] = BASE64.find(before + form + after)
    assert found.text.endswith(SAID) or found.text == "Meet me!"
    assert (found.begin, found.end) == (len(before), len(before) + len(form))


@each_case("before", ["https://a.example/v1/", "token-", "see_it_"])
def test_base64_glued_to_a_path_is_found(before: str) -> None:
    """Signs of the alphabet that separate do not hide what stands behind them."""
    [found] = BASE64.find(before + b64(SAID))
    assert (found.text, found.begin) == (SAID, len(before))


@each_case(
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
    assert list(BASE64.find(text)) == []


def test_a_padded_line_is_the_last_one() -> None:
    """What stands on the next one is no more of it, and no reason to fail."""
    line = b64("a line of text, forty characters or more")
    assert line.endswith("=")
    [found] = BASE64.find(f"{line}\nabc next")
    assert (found.text, found.begin, found.end) == ("a line of text, forty characters or more", 0, len(line))


def test_lines_that_are_no_payload_together_are_read_one_by_one() -> None:
    """Two payloads on lines of their own are two, when the first is padded."""
    first, second = b64(SAID * 2), b64("Another " + SAID)
    assert [found.text for found in BASE64.find(f"{first}\n{second}")] == [
        SAID * 2,
        "Another " + SAID,
    ]


@each_case(
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
    [found] = HEX.find(f"so: {form} .")
    assert found.text == SAID
    assert "so: " + form == f"so: {form} ."[: found.end]


@each_case(
    "text", ["4111 1111 1111 1111", "2024 10 25 12 30 45 59 61", "3f786850e387550fdab836ed7e6dc881de23001b"]
)
def test_numbers_and_digests_are_no_hexadecimal_text(text: str) -> None:
    """Bytes that are no text are no payload."""
    assert list(HEX.find(text)) == []


@each_case(
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
    found = [payload.text for row in (CODES, BINARY) for payload in row.find(f"read {form}.")]
    assert found == ([] if decoded is None else [decoded])


def lines(letters: str, width: int, joint: str) -> str:
    """Cut letters into pieces."""
    return joint.join(letters[at : at + width] for at in range(0, len(letters), width))


@each_case("width", [4, 7, 10, 16, 20, 39, 40, 64])
@each_case(
    "joint",
    [
        "\n",
        "\r\n",
        "\n  ",
        "\n> ",
        "\n# ",
        "\n// ",
        " |\n| ",
        "\n> > ",
        '" + "',
        "' . '",
        '"\n    "',
        '", "',
        '" +\n  "',
        "` & `",
    ],
)
@each_case("letters", [b64(SAID * 2), SAID.encode().hex()])
def test_pieces_are_one_payload(letters: str, joint: str, width: int) -> None:
    """Wrapped at any column, quoted, commented, in a table, in string literals and in lists: what is decoded is whole."""
    layout = BASE64 if "VG" in letters else HEX
    width = max(width, 8) if "|" in joint else width  # cells of tables
    [found] = layout.find(f'x = ["{lines(letters, width, joint)}"];')
    assert found.text in (SAID, SAID * 2)


def test_a_word_before_lines_is_none_of_them() -> None:
    """A heading of another width does not shift what follows it."""
    [found] = BASE64.find("payload\n" + lines(b64(SAID), 6, "\n"))
    assert found.text == SAID


def test_what_reads_as_nothing_is_no_endless_block() -> None:
    """Lists of digests are cut into short blocks, a long payload is one."""
    digests = lines("0123456789abcdef" * 400, 64, "\n")
    assert list(HEX.blocks(digests)) == []
    assert len(digests) - HEX.open_block(digests, 0) < 3 * CHECKED
    assert len(list(HEX.blocks(lines(SAID.encode().hex() * 40, 64, "\n")))) == 1
