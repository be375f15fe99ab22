"""Texts as each row of the table of encodings reads them, written by the standard library, not by the code that is tested."""

from __future__ import annotations

import base64
import binascii
import codecs
from collections.abc import Callable, Mapping
from typing import Final

LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
MORSE: Final = dict(
    zip(
        LOWER,
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
        ],
        strict=True,
    )
)
NATO: Final = {
    word[0].lower(): word
    for word in [
        "Alfa",
        "Bravo",
        "Charlie",
        "Delta",
        "Echo",
        "Foxtrot",
        "Golf",
        "Hotel",
        "India",
        "Juliett",
        "Kilo",
        "Lima",
        "Mike",
        "November",
        "Oscar",
        "Papa",
        "Quebec",
        "Romeo",
        "Sierra",
        "Tango",
        "Uniform",
        "Victor",
        "Whiskey",
        "Xray",
        "Yankee",
        "Zulu",
    ]
}
BRAILLE: Final = dict(
    zip(
        LOWER,
        "\u2801\u2803\u2809\u2819\u2811\u280b\u281b\u2813\u280a\u281a\u2805\u2807\u280d\u281d\u2815\u280f\u281f\u2817\u280e"
        "\u281e\u2825\u2827\u283a\u282d\u283d\u2835",
        strict=True,
    )
)


def write_dump(text: str) -> str:
    """Write the bytes as `xxd` does."""
    data = text.encode()
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        groups = " ".join(row[begin : begin + 2].hex() for begin in range(0, len(row), 2))
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{at:08x}: {groups:<39}  {shown}")
    return "\n".join(lines)


def write_uuencoded(text: str) -> str:
    """Write lines of uuencode."""
    data = text.encode()
    return "\n" + "".join(binascii.b2a_uu(data[at : at + 45]).decode() for at in range(0, len(data), 45))


def shift(text: str, count: int) -> str:
    """Shift letters."""
    moved = LOWER[count:] + LOWER[:count]
    return text.translate(str.maketrans(LOWER + LOWER.upper(), moved + moved.upper()))


FORMS: Final[Mapping[str, Callable[[str], str]]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "hexdump": write_dump,
    "codes": lambda text: " ".join(map(str, text.encode())),
    "binary": lambda text: " ".join(f"{byte:08b}" for byte in text.encode()),
    "morse": lambda text: " / ".join(
        " ".join(MORSE.get(char, "") for char in word) for word in text.lower().split()
    ),
    "nato": lambda text: " ".join(NATO.get(char, "/") for char in text.lower()),
    "base85": lambda text: base64.a85encode(text.encode()).decode(),
    "camel-case": lambda text: "".join(word.capitalize() for word in text.split()),
    "joined-words": lambda text: "".join(text.split()),
    "uuencode": write_uuencoded,
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "quoted-printable": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "leetspeak": lambda text: text.translate(str.maketrans("abceiost", "48(31057")),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "caesar": lambda text: shift(text, 3),
    "atbash": lambda text: text.translate(
        str.maketrans(LOWER + LOWER.upper(), LOWER[::-1] + LOWER[::-1].upper())
    ),
    "reversed": lambda text: text[::-1],
    "tags": lambda text: "".join(chr(0xE0000 + ord(char)) for char in text),
    "variation": lambda text: "".join(
        chr(0xFE00 + byte) if byte < 16 else chr(0xE0100 + byte - 16) for byte in text.encode()
    ),
    "bits": lambda text: "".join("\u2062\u2064"[int(bit)] for byte in text.encode() for bit in f"{byte:08b}"),
    "braille": lambda text: "".join(BRAILLE.get(char, " ") for char in text.lower()),
    "right-to-left": lambda text: f"\u202e{text[::-1]}\u202c",
}
"""The name of each row → what writes a text so. Texts of words and blanks survive all of them, some without their case."""
