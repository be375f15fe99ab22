r"""The table of what is decoded. A row says once how payloads of an encoding are written; what its gate looks for, what it finds
in a text, and what of a growing text it holds, all come of that.

`NEAR` are rows of pieces (`chains.Layout`), `FAR` those that are read with what stands around them (`contexts.ContextDecoder`),
`UNSEEN` those in characters that no view shows. `find_encodings` is the gate: RE2 in a few linear passes, most of them only where
a text has shapes (`text.shapes`) that payloads need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from guardrails.detectors.encodings import readers, unseen
from guardrails.detectors.encodings.chains import LINE, Layout, codes, words
from guardrails.detectors.encodings.ciphers import CIPHERS, LEETSPEAK
from guardrails.detectors.encodings.contexts import PERCENT, PRINTABLE, ContextDecoder
from guardrails.detectors.encodings.payloads import Payload
from guardrails.detectors.language.joined_words import LONGEST, SHORTEST, read_joined_words
from guardrails.text.shapes import Shape, compile_set, find_shapes
from guardrails.text.views import SHARED


@dataclass(frozen=True, slots=True)
class Decoder:
    """An encoding of the table: its name, what its gate looks for, and what finds its payloads. Where its gate matches, a text
    has one of the `shapes`; none are named where any may have. With `cipher`, it is not looked for in what a cipher was undone
    in already: twice is nothing.
    """

    name: str
    gate: str
    find: Callable[[str], Iterable[Payload]]
    shapes: tuple[Shape, ...] = ()
    cipher: bool = False
    layout: Layout | None = None
    context: ContextDecoder | None = None


def _near(name: str, layout: Layout, *shapes: Shape) -> Decoder:
    return Decoder(name, layout.gate, layout.find, shapes, layout=layout)


def _far(context: ContextDecoder, *shapes: Shape, cipher: bool = False) -> Decoder:
    return Decoder(context.name, context.gate, context.find, shapes, cipher, context=context)


_HEX: Final = "[0-9A-Fa-f]"
_SIGNS: Final = r"[ \t:,;.+|\-]{1,3}"
_CALL: Final = r"(?i:(?:unichr|chrw?|char|asc|String\.fromCharCode|fromCodePoint)[ \t]?\([ \t]?)"
_NUMBER: Final = rf"(?:{_CALL}|&#|\\)?\b(?:0o?)?[0-9]{{2,3}}\b(?:[ \t]?\)|;)?"
_NUMBER_JOINT: Final = r"[ \t]{0,2}(?:[,;+.&|/\-]|\|\|)?[ \t]{0,2}(?:\r?\n[ \t]{0,8})?|"
_NATO: Final = rf"(?i:\b(?:{'|'.join(readers.NATO)})\b)|[/|]|\(space\)|<space>"
_DOT: Final = r"[.\-_]"
_DUMPED: Final = rf"(?:{_HEX}{{4,16}}:|{_HEX}{{6,16}})[ \t]{{1,4}}(?:{_HEX}{{2,16}}[ \t]{{1,2}})*{_HEX}{{2,16}}[^\n]{{0,80}}"

BASE64: Final = words(
    r"[A-Za-z0-9+/_\-]",
    readers.read_base64,
    least=16,
    alone=12,
    padded="={0,2}",
    piece=r"[A-Za-z0-9+/_\-]{2,}={0,2}|[A-Za-z0-9+/]={1,2}",
    whole=r"[A-Za-z0-9+/_\-]{10,}={1,2}",
    part=re.compile(r"[A-Za-z0-9]{16,}={0,2}"),
)
_CAMEL: Final = r"\b[a-z]*(?:[A-Z][a-z]*){5,}[0-9]*\b"
_UU_LINE: Final = r"\r?\n[!-M][ -`]"

NEAR: Final = (
    _near("base64", BASE64, "key", "line", "quotes"),
    _near(
        "base32",
        words("[A-Z2-7]", readers.read_base32, least=16, padded="={0,6}"),
        *("key", "line", "quotes"),
    ),
    _near(
        "hex",
        words(
            _HEX,
            readers.read_hexadecimal,
            least=12,
            piece=rf"(?:\\[xX]{_HEX}{{2}}|0[xX]{_HEX}{{2}}){{2,}}|(?:\\[xX]|0[xX])?{_HEX}{{2,}}",
            joints=rf"{_SIGNS}(?:\r?\n[ \t]*)?",
            begun_joint=rf"{_SIGNS}(?:\r\n?|\n)?[ \t]*",
            marked=True,
            part=re.compile(rf"{_HEX}{{12,}}"),
            narrow=2,
        ),
        *("hexadecimal", "hexadecimal mark", "backslash", "quotes"),
    ),
    _near(
        "hexdump",
        codes(
            _DUMPED,
            LINE,
            readers.read_dump,
            fewest=1,
            alone=16,
            begun_joint=r"[ \t]*[|\\]?(?:\r\n?|\n)?[ \t>#/|*;%\-]*",
            begun_piece=rf"(?:{_HEX}+(?::?[ \t]{{1,4}}{_HEX}?|:)?)?",
        ),
        *("hexadecimal", "dump"),
    ),
    _near(
        "codes",
        codes(
            _NUMBER,
            _NUMBER_JOINT,
            readers.read_numbers,
            fewest=6,
            alone=12,
            begun_joint=r"[ \t);]{0,3}[,;+.&|/\-]{0,2}[ \t]{0,2}(?:\r\n?|\n)?[ \t]{0,8}",
            begun_piece=r"(?:(?i:[A-Z.]{1,20})(?:[ \t]?\([ \t]?[0-9]?)?|&#?|\\|0?o?[0-9]{1,3})?",
        ),
        *("hexadecimal", "call"),
    ),
    _near(
        "binary",
        codes(
            "(?:0[bB])?[01]+",
            r"[ \t,;_|\-]{1,3}(?:\r?\n[ \t]*)?|\r?\n[ \t]*",
            readers.read_bits,
            fewest=2,
            gate=rf"(?:(?:0[bB])?[01][ \t\r\n,;_|\-]{{0,5}}){{{readers.BITS - 1}}}[01]",
            alone=readers.BITS,
            begun_joint=r"[ \t,;_|\-]{0,3}(?:\r\n?|\n)?[ \t]*",
            begun_piece="(?:0[bB])?",
        ),
        *("hexadecimal",),
    ),
    _near(
        "morse",
        codes(
            rf"{_DOT}{{1,6}}(?:[ \t]{{0,2}}[/|\n]|[ \t]{{2,7}})?",
            r"[ \t]{0,3}",
            readers.read_morse,
            fewest=6,
            gate=rf"(?:{_DOT}{{1,6}}[ \t/|\n]{{1,7}}){{5}}{_DOT}",
            begun_joint=r"[ \t]{0,7}",
        ),
        *("dots",),
    ),
    _near(
        "nato",
        codes(
            _NATO,
            r"[ \t,.;\-]{1,3}|[ \t]?\r?\n[ \t]?",
            readers.read_nato,
            fewest=6,
            begun_joint=r"[ \t,.;\r\n\-]{0,3}",
            begun_piece="[<(]?[A-Za-z]*",
        ),
    ),
    _near(
        "base85",
        codes(
            r"<~[!-uz\s]{8,}~>|[!-~]{20,}",
            "",
            readers.read_base85,
            fewest=1,
            begun_piece=r"(?:<~[!-uz\s]*~?|[!-~]+)?",
            longest=2_048,
        ),
        *("long word", "bracket"),
    ),
    _near(
        "camel-case",
        codes(_CAMEL, "", readers.read_camel_case, fewest=1, begun_piece="[A-Za-z0-9]*"),
        "capitals",
    ),
    _near(
        "joined-words",
        codes(
            rf"[A-Za-z]{{{SHORTEST},}}",
            "",
            read_joined_words,
            fewest=1,
            begun_piece="[A-Za-z]*",
            alone=SHORTEST,
            longest=LONGEST,
        ),
        "long word",
    ),
    _near(
        "uuencode",
        codes(
            rf"(?:\r?\n)?M[ -`]{{60}}(?:\r?\nM[ -`]{{60}})*(?:{_UU_LINE}{{1,61}})?|{_UU_LINE}{{12,61}}",
            "",
            readers.read_uuencoded,
            fewest=1,
            gate=r"M[ -`]{60}|\n[!-M][ -`]{12}",
            begun_piece=r"(?:(?:\r?\n)?M[ -`]{60}(?:\r?\nM[ -`]{60})*)?(?:M[ -`]*|\r?\n(?:[!-M][ -`]*)?|\r)?",
        ),
        *("capital line",),
    ),
)
"""Rows of pieces."""

FAR: Final = (
    _far(PERCENT, "percent"),
    _far(PRINTABLE, "escape"),
    _far(LEETSPEAK, "digit in word"),
    *(_far(each, cipher=True) for each in CIPHERS),
)
"""Rows that are read with what stands around them."""

READABLE: Final = (*NEAR, *FAR)
"""What is looked for in the normalized view, where the gate names it."""

CIPHERED: Final = frozenset(row.name for row in READABLE if row.cipher)
"""The names of ciphers."""

UNSEEN: Final = (
    Decoder("tags", "", unseen.find_unicode_tags),
    Decoder("variation", "", unseen.find_variation_selectors),
    Decoder("bits", "", unseen.find_invisible_bits),
    Decoder("braille", "", unseen.find_braille),
    Decoder("right-to-left", "", unseen.find_overridden),
)
"""What is looked for in the text as it is: no view shows it, or no ASCII text holds it."""


GROUPS: Final = (
    ("base64", "percent"),
    ("base32", "camel-case", "joined-words", "leetspeak"),
    ("base85", "uuencode", "quoted-printable"),
    ("hex", "morse", "binary"),
    ("codes", "hexdump"),
    ("nato", *CIPHERED),
)
"""Rows whose gates are looked for together. The states that RE2 builds for a set are near the product of what its patterns need:
all in one cost fifteen times as much on text that is new to it, each by itself four times as much on text that is not.
"""


_Gate = tuple[frozenset[Shape], tuple[int, ...], Any]
"""The shapes of the rows of a group, their places in the table, and the set of their gates."""


@cache
def _gates() -> tuple[tuple[_Gate, ...], tuple[_Gate, ...]]:
    """Return the gates of the groups that any text may hold, and of those that need shapes."""
    groups = [tuple(at for at, row in enumerate(READABLE) if row.name in names) for names in GROUPS]
    gates = [
        (
            frozenset[Shape]().union(*(READABLE[at].shapes for at in rows)),
            rows,
            compile_set(READABLE[at].gate for at in rows),
        )
        for rows in groups
    ]
    return tuple(gate for gate in gates if not gate[0]), tuple(gate for gate in gates if gate[0])


@lru_cache(maxsize=SHARED)
def find_encodings(text: str) -> tuple[Decoder, ...]:
    """Return the rows that a text can hold payloads of. Remembered for the last texts.

    Args:
        text: a normalized text without lone surrogates.
    """
    gates, shaped = _gates()
    if shapes := find_shapes(text):
        gates = (*gates, *(gate for gate in shaped if not gate[0].isdisjoint(shapes)))
    data = text.encode()
    found: list[int] = []
    for _, rows, gate in gates:
        if places := gate.Match(data):
            found += [rows[at] for at in places]
    return tuple(READABLE[at] for at in sorted(found)) if found else ()
