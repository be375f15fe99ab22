r"""One dialect for authors of patterns (that of `regex`), and what RE2 may make of it.

A pattern in, two RE2 patterns out: one that matches exactly the same on ASCII text, and one that matches at
least where the original does on any text. RE2's `\b \w \d \s` are ASCII, so on other text the second serves as
a filter in linear time and `regex` gives the spans of what passed. What RE2 cannot run at all (look-around,
back-references, atomic groups) has neither form: `regex` runs it with a time-out.
"""

from __future__ import annotations

from dataclasses import dataclass

WIDE = r"\x{80}-\x{10FFFF}"
"""Every character that is not ASCII."""

ASCII_COMPLEMENT = {
    "W": r"\x00-/:-@\[-^`{-\x7f",
    "D": r"\x00-/:-\x7f",
    "S": r"\x00-\x08\x0e-\x1b!-\x7f",
}
"""The ASCII part of `\\W`, `\\D`, `\\S`: what may be left out of a negated class without losing a match."""


@dataclass(frozen=True, slots=True)
class Translation:
    """`exact` runs on ASCII text, `superset` filters any text. `ascii_spans` is False where even on ASCII
    RE2 would give other spans than `regex`; `wide_spans` tells that RE2 gives the spans on any text."""

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
        self.ascii_spans = True
        self.wide_spans = True

    def both(self, text: str) -> None:
        self.exact.append(text)
        self.superset.append(text)

    def put(self, exact: str, superset: str) -> None:
        self.exact.append(exact)
        self.superset.append(superset)
        self.wide_spans = False

    def escape(self) -> tuple[str, str]:
        """Take an escape; return its letter and its whole text."""
        letter = self.pattern[self.pos + 1 : self.pos + 2]
        length = {"u": 6, "U": 10}.get(letter, 2)
        text = self.pattern[self.pos : self.pos + length]
        self.pos += length
        return letter, text

    def run(self) -> Translation:
        while self.pos < len(self.pattern):
            char = self.pattern[self.pos]
            if char == "\\":
                self.outside_escape(*self.escape())
            elif char == "[":
                self.char_class()
            elif char == "$":
                # Without (?m), `regex` also matches before a last newline; RE2 only at the very end.
                self.pos += 1
                self.ascii_spans = False
                self.put(r"(?:\n?$)", r"(?:\n?$)")
            else:
                self.pos += 1
                self.both(char)
        return Translation("".join(self.exact), "".join(self.superset), self.ascii_spans, self.wide_spans)

    def outside_escape(self, letter: str, text: str) -> None:
        if letter in "bB":
            self.put(text, "(?:)")
        elif letter in "wds":
            self.put(text, rf"[{text}{WIDE}]")
        elif letter in "WDS":
            self.put(text, text)  # RE2's class already holds everything that is not ASCII
        elif letter == "Z":
            self.both(r"\z")
        elif letter in "uU":
            self.both(rf"\x{{{text[2:]}}}")
        else:
            self.both(text)

    def char_class(self) -> None:
        negated = self.pattern.startswith("[^", self.pos)
        opening = "[^" if negated else "["
        self.pos += len(opening)
        self.both(opening)
        widen = False
        first = True
        while self.pos < len(self.pattern):
            char = self.pattern[self.pos]
            if char == "]" and not first:
                break
            first = False
            if char == "\\":
                letter, text = self.escape()
                widen = self.class_escape(letter, text, negated=negated) or widen
            elif self.pattern.startswith("[:", self.pos):
                end = self.pattern.find(":]", self.pos)
                stop = len(self.pattern) if end < 0 else end + 2
                self.put(self.pattern[self.pos : stop], self.pattern[self.pos : stop])
                widen = widen or not negated
                self.pos = stop
            else:
                self.pos += 1
                self.both(r"\[" if char == "[" else char)
        if widen:
            self.superset.append(WIDE)
        self.both("]")
        self.pos += 1

    def class_escape(self, letter: str, text: str, *, negated: bool) -> bool:
        """Write an escape inside a class; return whether the superset's class needs all of non-ASCII."""
        if letter in "wds":
            self.put(text, text)
            return not negated
        if letter in "WDS":
            self.put(text, ASCII_COMPLEMENT[letter] if negated else text)
            return False
        self.both(rf"\x{{{text[2:]}}}" if letter in "uU" else text)
        return False


def translate(pattern: str) -> Translation:
    """Write the RE2 forms of a pattern. RE2 may still refuse them; then `regex` has to run the original."""
    return _Writer(pattern).run()
