r"""Tells what shapes stand in a text: signs, runs and joints of which most texts have none.

What looks for spelling tricks, encoded payloads or links says which shapes a text must have for it to find anything
(`obfuscation_hints`, `detectors.encodings.decoders`, `detectors.urls.urls_detector`), and is not asked of a text without. A
shape is a looser form of what they look for, and RE2 tells all of them in a few linear passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, Final, Literal

from guardrails.text.marks import SEPARATOR, WRAPPING
from guardrails.text.matching import linear_patterns as re2
from guardrails.text.views import SHARED

Shape = Literal[
    "entity", "backslash", "control", "line hyphen", "markup", "emphasis", "quotes", "singles", "wrapped", "signs", "repeats",
    "key", "line", "percent", "capitals", "digit in word", "long word", "bracket", "capital line", "escape",
    "hexadecimal", "hexadecimal mark", "dots", "call", "dump", "name", "slashes", "colon", "host", "attribute",
]  # fmt: skip

MEMORY: Final = 64 << 20
"""Upper bound in bytes for the states of one set; they take some hundred kilobytes."""

_HEX: Final = "[0-9A-Fa-f]"
_KEY: Final = r"[A-Za-z0-9+/_=\-]"
_GAP: Final = r"[\t\r\n\x00]"
_SIGN: Final = "[0-9@$!|+]"
_STRONG: Final = "[013457@$!|]"

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"

SHAPES: Final[dict[Shape, str]] = {
    "entity": "&[#A-Za-z]",
    "backslash": r"\\(?:[uUxX]|033\[|e\[)",
    "control": r"[\x00-\x08\x0e-\x1f\x7f]",
    # Between parts of a word: a hyphen at the end of a line, tags and comments, marks of Markdown, quotes of literals.
    "line hyphen": r"-\r?\n",
    "markup": r"[A-Za-z0-9_@+\-](?:<[A-Za-z/!]|/\*)",
    "emphasis": r"[A-Za-z0-9](?:\*{1,3}|~~|__|`)[A-Za-z0-9]",
    "quotes": rf"{_KEY}[\"'`][\s+.|&<>,\\]*[\"'`]",
    # Four single characters with separators.
    "singles": (
        rf"(?:^|[^A-Za-z0-9])[A-Za-z0-9@$!|](?:(?:{SEPARATOR})[A-Za-z0-9@$!|]){{3}}(?:[^A-Za-z0-9]|$)"
    ),
    # Three with markup between.
    "wrapped": rf"(?:^|[^A-Za-z0-9])[A-Za-z0-9](?:{WRAPPING}+[A-Za-z0-9]){{2}}",
    # Digits and signs in words, beside letters, or in place of one.
    "signs": (
        rf"[A-Za-z]{_SIGN}*{_STRONG}{_SIGN}*[A-Za-z]|{_STRONG}[A-Za-z]{{2,}}{_STRONG}"
        r"|(?:^|[^A-Za-z0-9])(?:[013457][A-Za-z]{3}|[@$][A-Za-z]{2})|[A-Za-z][@$]{2}"
        r"|[A-Za-z]{3}[03@$](?:[^A-Za-z0-9]|$)|[|\\/][|\-_\\/]"
    ),
    # A letter three times (`www` is none), or three pairs.
    "repeats": (
        f"(?i:{'|'.join(each * (4 if each == 'w' else 3) for each in _LETTERS)}"
        f"|(?:{'|'.join(each * 2 for each in _LETTERS)}){{3}})"
    ),
    # Runs as of Base64, whole or in lines, and of any characters.
    "key": rf"{_KEY}{{16}}|[A-Za-z0-9+/_\-]{{10}}=",
    "line": rf"{_KEY}{{4}}(?:[ \t]{{0,2}}\||\\)?\r?\n",
    "long word": "[!-~]{20}",
    "percent": rf"%(?:{_HEX}{{2}}|u)",
    "digit in word": r"[0134578][A-Za-z\x{17f}\x{212a}]",
    "bracket": "<~",
    "escape": "=[0-9A-F]{2}",
    "capitals": "(?:[A-Z][a-z]*){5}",
    "capital line": r"\n[ -`]{13}|M[ -`]{60}",
    # Digits of codes, bits and dumps are hexadecimal ones.
    "hexadecimal": rf"{_HEX}(?:[ \t\r\n:,;.+|\->#/*%_\"'`&\\()o]*{_HEX}){{7}}",
    "hexadecimal mark": "0[xX]",
    "dots": r"[.\-_](?:[ \t/|\n]*[.\-_]){5}",
    # What makes characters of numbers: `chr(105)`.
    "call": r"[certwCERTW][ \t]?\([ \t]?[0-9]",
    "dump": rf"{_HEX}:[ \t]{{1,4}}{_HEX}{{2}}",
    # Names and addresses with dots.
    "name": (
        r"[A-Za-z0-9_\-]\.[A-Za-z]|(?i:[\[({](?:\.|dot)[\])}])"
        r"|[0-9A-Fa-f]\.[0-9][0-9A-Fa-fxX]*\.[0-9][0-9A-Fa-fxX]*\.[0-9]"
    ),
    "slashes": r"[\\/]{2}",
    # A scheme, or an address of hexadecimal groups: not `10:30`, and no colon before a space.
    "colon": rf"[^0-9]:\S|::|(?:{_HEX}{{1,4}}:){{2}}{_HEX}|:{_GAP}+[\\/]|[pP]{_GAP}*[tT]{_GAP}*:",
    # The value of a field at the end of a text.
    "host": r"(?i:host)[\\/]|: \S*[0-9%]\S*$",
    "attribute": r"=[\t-\r \x1c-\x1f]*[\"']",
}
"""RE2 of each shape."""

_RUNS: Final[tuple[Shape, ...]] = ("key", "line", "long word")
_ROWS: Final[tuple[Shape, ...]] = ("hexadecimal", "dots", "call", "dump", "capitals", "capital line")
_REPEATS: Final[tuple[Shape, ...]] = ("repeats",)
SETS: Final[tuple[tuple[Shape, ...], ...]] = (
    tuple(name for name in SHAPES if name not in (*_RUNS, *_ROWS, *_REPEATS)),
    _RUNS,
    _ROWS,
    _REPEATS,
)
"""What is looked for together. The states that RE2 builds for a set are near the product of what its patterns need: all in one
cost ten times as much on text that is new to it.
"""

NO_SHAPES: Final = frozenset[Shape]()
ALL_SHAPES: Final = frozenset[Shape](SHAPES)

LONG: Final = 1_000
"""Characters from which a text is taken to have all: most have some of nearly every use, and it pays to look for what these need
at once.
"""


def compile_set(patterns: Iterable[str]) -> Any:
    """Return an RE2 set whose `Match` gives the places of the patterns that are in a text."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    found = re2.Set.SearchSet(options)
    for pattern in patterns:
        found.Add(pattern)
    found.Compile()
    return found


@cache
def _sets() -> tuple[tuple[tuple[Shape, ...], Any], ...]:
    return tuple((names, compile_set(SHAPES[name] for name in names)) for names in SETS)


@lru_cache(maxsize=SHARED)
def find_shapes(text: str) -> frozenset[Shape]:
    """Return the shapes of a text without lone surrogates, more of a long one. Remembered for the last texts."""
    if len(text) > LONG:
        return ALL_SHAPES
    data = text.encode()
    found: list[Shape] = []
    for names, patterns in _sets():
        if places := patterns.Match(data):
            found += [names[at] for at in places]
    return frozenset(found) if found else NO_SHAPES
