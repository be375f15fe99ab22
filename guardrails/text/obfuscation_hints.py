"""Tells in a few linear passes of RE2 whether any spelling trick can be in a text.

It may fire on a text in which nothing is disguised; `marks` then finds nothing to mark. What it does not fire on
is not looked at any further, so each trick of `escapes` and `marks` has its line here. Clean text pays these
passes alone: about 10 µs per 1,000 characters (benchmarks/views.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from html.entities import html5
from typing import Any, Final

from guardrails.text.marks import COMMENT, CONCATENATION, EMPHASIS, HYPHEN, INLINE_TAG, SEPARATOR, WRAPPING
from guardrails.text.shapes import Shape, compile_set, find_shapes
from guardrails.text.views import SHARED

_ASCII_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_WIDE_LETTERS: Final = (
    _ASCII_LETTERS + "äöüéèêàáâãåíîïóòôõúùûñçßøæđłşğ"
    "αβγδεζηθικλμνξοπρστυφχψω"
    "абвгдежзийклмнопрстуфхцчшщъыьэюяёієї"
)
"""Letters whose repeats are looked for; RE2 cannot compare a character with the one before it."""

_OPEN: Final = "|".join(sorted(name for name in html5 if not name.endswith(";")))
"""The entities that browsers take without a semicolon."""


@dataclass(frozen=True, slots=True)
class ObfuscationHints:
    """What can be in a text: `written` (entities, escapes, controls, spaced-out letters), letters made of digits and
    signs (`leet`), letters `repeated`.
    """

    written: bool
    leet: bool
    repeated: bool

    @property
    def tricks(self) -> bool:
        """Whether there can be any trick of spelling."""
        return self.written or self.leet or self.repeated


SHAPED: Final = frozenset[Shape](
    (
        *(
            "entity",
            "backslash",
            "control",
            "line hyphen",
            "markup",
            "emphasis",
            "quotes",
            "singles",
            "wrapped",
        ),
        *("signs", "repeats"),
    )
)
"""The shapes of which a text of ASCII has one where there can be a trick."""

NOTHING: Final = ObfuscationHints(False, False, False)
"""What there is in clean text: always this object."""


def _written(char: str) -> tuple[str, ...]:
    return (
        rf"&#[xX]?[0-9a-fA-F]|&[a-zA-Z][a-zA-Z0-9]{{1,31}};|&(?:{_OPEN})",
        r"\\(?:u[0-9a-fA-F{]|x[0-9a-fA-F]|U[0-9a-fA-F]|033\[|e\[)",
        r"[\x00-\x08\x0e-\x1f\x7f]",
        rf"[^\s\-]{HYPHEN}[^\s\-]",
        rf"[{char}_@+\-](?:{INLINE_TAG}|{COMMENT})+[{char}_@+\-]",
        rf"[{char}]{{2}}(?:{EMPHASIS}|\*)[{char}]|[{char}](?:{EMPHASIS})[{char}]{{2}}|[{char}\-]{CONCATENATION}[{char}_]",
        rf"(?:^|[^{char}])[{char}](?:{WRAPPING}+[{char}]){{3}}(?:[^{char}]|$)",
        # Four single characters, each followed by a separator.
        rf"(?:^|[^{char}])[{char}@$!|](?:(?:{SEPARATOR})[{char}@$!|]){{3}}(?:[^{char}]|$)",
    )


def _leet(letter: str, char: str) -> tuple[str, ...]:
    signs, strong = "[0-9@$!|+€¢]", "[013457@$!|€¢]"
    shape = r"(?:\|\\/\||/\\/\\|\|\\\||\|_\||\\/\\/|\|-\||/-\\)"
    return (
        rf"[{letter}]{signs}*{strong}{signs}*[{letter}]|{strong}[{letter}][{letter}]+{strong}",
        rf"(?:^|[^{char}])(?:[013457][A-Za-z]{{3}}|[@$][{letter}]{{2}})|[{letter}][@$]{{2}}",
        rf"[{letter}]{{3}}[03@$](?:[^{char}]|$)",
        rf"[{char}@$!+]{shape}|{shape}[{char}@$!+]",
    )


def _repeated_pattern(letters: str) -> tuple[str, ...]:
    return (
        "(?i:" + "|".join(each * (4 if each == "w" else 3) for each in letters) + ")",
        "(?i:(?:" + "|".join(each * 2 for each in letters) + "){3})",
    )


GROUPS: Final = (("written", "leet"), ("repeated",))
"""What is looked for together. The states that RE2 builds for a set are near the product of what its patterns need: all
in one cost ten times as much on text that is new to it (benchmarks/views.py)."""


PATTERNS: Final = (
    _written("A-Za-z0-9"),
    _leet("A-Za-z", "A-Za-z0-9"),
    _repeated_pattern(_ASCII_LETTERS),
)
"""RE2 of what is looked for in texts of ASCII: `written`, `leet`, `repeated`."""


@cache
def _ascii() -> tuple[Any, ...]:
    return _sets(*PATTERNS)


@cache
def _wide() -> tuple[Any, ...]:
    return _sets(_written(r"\pL\pN"), _leet(r"\pL", r"\pL\pN"), _repeated_pattern(_WIDE_LETTERS))


def _sets(written: tuple[str, ...], leet: tuple[str, ...], repeated: tuple[str, ...]) -> tuple[Any, ...]:
    patterns = {"written": written, "leet": leet, "repeated": repeated}
    return tuple(
        compile_set("|".join(f"(?:{each})" for each in patterns[name]) for name in group) for group in GROUPS
    )


@lru_cache(maxsize=SHARED)
def find_hints(text: str) -> ObfuscationHints:
    """Return what can be in `text`, which holds no lone surrogates and is normalized. Remembered for the last texts."""
    if text.isascii() and SHAPED.isdisjoint(find_shapes(text)):
        return NOTHING
    return find_exact_hints(text)


def find_exact_hints(text: str) -> ObfuscationHints:
    """Return the same, whatever shapes the text has."""
    data = text.encode()
    found = [
        group[at]
        for group, gate in zip(GROUPS, _ascii() if text.isascii() else _wide(), strict=True)
        for at in gate.Match(data) or ()
    ]
    return ObfuscationHints("written" in found, "leet" in found, "repeated" in found) if found else NOTHING
