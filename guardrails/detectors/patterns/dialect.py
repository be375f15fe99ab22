r"""One dialect for authors of patterns (that of `regex`), and what RE2 may make of it.

A pattern in, two RE2 patterns out: one that matches exactly the same on ASCII text, and one that matches at
least where the original does on any text. RE2's `\b \w \d \s` are ASCII, so on other text the second serves as
a filter in linear time and `regex` gives the spans of what passed. A pattern that begins with `(?a)` asks for
those ASCII meanings, and RE2 gives its spans on any text.

What RE2 cannot run (look-around, back-references, atomic groups), or would silently read otherwise (fuzzy
matching, `\10`, property classes without case), has neither form: `regex` runs it with a time-out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WIDE = r"\x{80}-\x{10FFFF}"
"""Every character that is not ASCII."""

EXACT = {
    "w": r"\w", "d": r"\d", "s": r"\t-\r ",
    "W": r"\W", "D": r"\D", "S": r"\x00-\x08\x0e-\x1f!-\x{10FFFF}",
}  # fmt: skip
r"""Escape → content of an RE2 class that is the same on ASCII text. RE2's own `\s` lacks the vertical tab."""

BEYOND = {
    "w": WIDE,
    "d": r"\p{Nd}\x{10000}-\x{1FFFF}",
    "s": r"\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}",
}
r"""Escape → what a superset adds to its ASCII part. Digits beyond the basic plane are taken from whole blocks, as
RE2's tables may be of an older Unicode; white space has not changed since 2013."""

ASCII_COMPLEMENT = {"W": r"\x00-/:-@\[-^`{-\x7f", "D": r"\x00-/:-\x7f", "S": r"\x00-\x08\x0e-\x1f!-\x7f"}
"""The ASCII part of `\\W`, `\\D`, `\\S`: what may be left out of a negated class without losing a match."""

TURKISH = r"\x{130}\x{131}"
"""Dotted capital and dotless small i: without case, `regex` takes them for i, RE2 does not."""

CONTROLS = "afnrtvx"
"""Letters whose escapes name the same character in both engines."""

_HEAD = re.compile(r"\(\?([aimsu]+)\)")
_FOLDS = re.compile(r"\(\?[a-z]*i")
_QUANTIFIER = re.compile(r"\{(\d*)(,?)(\d*)\}")
_MAYBE_FUZZY = re.compile(r"\{[^{}]*[eisd<=][^{}]*\}|\{[\d ,]*\}")
_PROPERTY = re.compile(r"\\[pP](?:\{[^{}]*\}|[A-Za-z])")
_OCTAL = re.compile(r"\\(?:0|[1-3][0-7][0-7])")
POSIX = re.compile(r"\[:\^?\w+:\]")
"""A class of characters by its POSIX name, which only some engines know."""
_SET = re.compile(r"\]|\\[wdsWDSpP]|\[:\^?\w+:\]")


class _Untranslatable(Exception):
    """RE2 has no faithful form of the pattern."""


@dataclass(frozen=True, slots=True)
class Translation:
    """`exact` runs on ASCII text, `superset` filters any text. `ascii_spans` is False where even on ASCII
    RE2 would give other spans than `regex`; `wide_spans` tells that RE2 gives the spans on any text.
    """

    exact: str
    superset: str
    ascii_spans: bool
    wide_spans: bool


class _Writer:
    """Walks a pattern once and writes both RE2 forms."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.pos = 0
        self.exact: list[str] = []
        self.superset: list[str] = []
        self.ascii = False
        self.folds = False
        self.ascii_spans = True
        self.wide_spans = True

    def both(self, text: str) -> None:
        self.exact.append(text)
        self.superset.append(text)

    def put(self, exact: str, superset: str) -> None:
        self.exact.append(exact)
        self.superset.append(superset)
        self.wide_spans = False

    def head(self) -> None:
        """Take the flags in front; RE2 knows neither `a` nor `u`."""
        match = _HEAD.match(self.pattern)
        flags = match[1] if match else ""
        self.pos = match.end() if match else 0
        self.ascii, self.folds = "a" in flags, "i" in flags
        if self.ascii and self.folds:
            self.wide_spans = False  # RE2 also takes the Kelvin sign for k, and the long s for s
        if _FOLDS.search(self.pattern, self.pos):
            raise _Untranslatable  # RE2 spreads it over neighbours: of (?i:b)|b|[^a] it does not find A
        if kept := "".join(flag for flag in flags if flag in "ims"):
            self.both(f"(?{kept})")

    def run(self) -> Translation:
        self.head()
        while self.pos < len(self.pattern):
            char = self.pattern[self.pos]
            if char == "\\":
                self.outside_escape(*self.escape())
            elif char == "[":
                self.char_class()
            elif char == "{":
                self.brace()
            else:
                self.pos += 1
                self.character(char)
        return Translation("".join(self.exact), "".join(self.superset), self.ascii_spans, self.wide_spans)

    def character(self, char: str) -> None:
        if char == "$":
            # `regex` also matches before a last newline, RE2 only at the very end: ask less, let `regex` decide.
            form = r"(?:\n?$)" if self.pos == len(self.pattern) else "(?:)"
            self.ascii_spans = False
            self.put(form, form)
        elif self.folds and char in "iI":
            self.put(char, f"[{char}{TURKISH}]")
        elif self.folds and char in "\u0130\u0131":
            raise _Untranslatable
        else:
            self.both(char)

    def brace(self) -> None:
        match = _QUANTIFIER.match(self.pattern, self.pos)
        if match and (match[1] or match[3]):
            low, comma, high = match.groups()
            self.pos = match.end()
            self.both(f"{{{low or 0}{comma}{high}}}")
        elif _MAYBE_FUZZY.match(self.pattern, self.pos):
            raise _Untranslatable
        else:
            self.pos += 1
            self.both(r"\{")

    def escape(self) -> tuple[str, str]:
        """Take an escape; return its letter and its whole text."""
        letter = self.pattern[self.pos + 1 : self.pos + 2]
        length = {"u": 6, "U": 10}.get(letter, 2)
        if letter == "W" and self.ascii and self.folds:
            raise _Untranslatable
        found = _PROPERTY.match(self.pattern, self.pos)
        text = found[0] if found else self.pattern[self.pos : self.pos + length]
        self.pos += len(text)
        return letter, text

    def outside_escape(self, letter: str, text: str) -> None:
        if letter in EXACT:
            form = EXACT[letter]
            if self.ascii:
                self.both(f"[{form}]")
            else:
                self.put(f"[{form}]", f"[{form}{BEYOND.get(letter, WIDE)}]")
        elif letter in "bB":
            if self.ascii:
                self.both(text)
            else:
                self.put(text, "(?:)")
        elif letter in "pP":
            self.property()
            self.put(text, f"[{text}{WIDE}]")
        elif letter in "zZ":
            self.both(r"\z")
        elif letter.isdigit() and not _OCTAL.match(self.pattern, self.pos - 2):
            raise _Untranslatable  # a back-reference, which RE2 would take for an octal number from \10 on
        else:
            self.both(text if letter == "A" else self.plain(letter, text))

    def property(self) -> None:
        """Both engines know the property, by tables of different Unicode versions; without case they differ."""
        if self.folds or self.ascii:
            raise _Untranslatable

    def plain(self, letter: str, text: str) -> str:
        """Return the RE2 form of an escape that names one character."""
        if letter in "uU":
            code = int(text[2:], 16)
            if self.folds and code in {0x130, 0x131}:
                raise _Untranslatable
            return rf"\x{{{code:x}}}"
        if letter.isascii() and letter.isalpha() and letter not in CONTROLS:
            raise _Untranslatable
        return text if letter.isascii() and letter != "_" else letter

    def char_class(self) -> None:
        negated = self.pattern.startswith("[^", self.pos)
        opening = "[^" if negated else "["
        self.pos += len(opening)
        if negated and self.ascii and self.folds:
            raise _Untranslatable  # for the same reason RE2 would leave too much out
        parts: list[tuple[str, str]] = []
        extra = TURKISH if self.folds and not negated else ""
        first, after_set = True, True
        while self.pos < len(self.pattern) and (first or self.pattern[self.pos] != "]"):
            first = False
            if self.pattern[self.pos] == "-" and (after_set or self.before_set(self.pos + 1)):
                self.pos += 1
                parts.append((r"\-", r"\-"))
                after_set = False
                continue
            after_set = self.pattern[self.pos] != "]" and self.before_set(self.pos)
            exact, superset, beyond = self.class_part(negated=negated)
            parts.append((exact, superset))
            extra += beyond
        self.pos += 1
        exact = "".join(part for part, _ in parts)
        superset = extra + "".join(part for _, part in parts)
        if self.folds and not exact.isascii():
            raise _Untranslatable  # a range may hold the two
        if self.folds and negated:
            self.wide_spans = False  # without case, `regex` leaves these out together with i
        if exact == superset:
            self.both(f"{opening}{exact}]")
        else:
            self.put(f"{opening}{exact}]", f"{opening}{superset}]" if superset else rf"[\x00-\x7f{WIDE}]")

    def before_set(self, pos: int) -> bool:
        """Tell whether the end of the class, or a set that cannot begin or end a range, stands at `pos`."""
        return _SET.match(self.pattern, pos) is not None

    def class_part(self, *, negated: bool) -> tuple[str, str, str]:
        """Take a part of a class; return both forms, and what the superset needs beyond ASCII."""
        char = self.pattern[self.pos]
        if char == "\\":
            return self.class_escape(*self.escape(), negated=negated)
        if posix := POSIX.match(self.pattern, self.pos):
            self.pos = posix.end()
            self.wide_spans = False
            return posix[0], "" if negated else posix[0], "" if negated else WIDE
        self.pos += 1
        text = f"\\{char}" if char in "[]" else char
        return text, text, ""

    def class_escape(self, letter: str, text: str, *, negated: bool) -> tuple[str, str, str]:
        if letter in EXACT:
            exact = EXACT[letter]
            if self.ascii:
                return exact, exact, ""
            self.wide_spans = False
            if negated:
                return exact, ASCII_COMPLEMENT.get(letter, exact), ""
            return exact, exact, BEYOND.get(letter, "")
        if letter in "pP":
            self.property()
            self.wide_spans = False
            return text, "" if negated else text, "" if negated else WIDE
        form = r"\x08" if letter == "b" else self.plain(letter, text)
        if self.folds and letter in "uU" and int(text[2:], 16) > 0x7F:
            raise _Untranslatable
        return form, form, ""


def translate(pattern: str) -> Translation | None:
    """Write the RE2 forms of a pattern that `regex` accepts, or None if there are none.

    RE2 may still refuse the forms; then, as with None, `regex` has to run the original.
    """
    try:
        return _Writer(pattern).run()
    except _Untranslatable:
        return None
