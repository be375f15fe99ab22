r"""The syntax tree of a pattern, for those that walk it (`open_prefixes.py` and `incremental_match.py` in `streaming/`).

`re` parses, where it surely reads the pattern as `regex` does; what a character or a class matches is asked of `regex`
itself. By allow-list: what is not known here raises `UnsupportedPattern` with the reason, and such a pattern cannot be streamed.
"""

from __future__ import annotations

import functools
import importlib
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import regex

from guardrails.detectors.patterns.dialect import BEYOND, POSIX, TURKISH, WIDE

ASCII = "".join(map(chr, range(0x80)))
_ALIKE = TURKISH + r"\x{17f}\x{212a}"
"""Letters beyond ASCII that without case may match one of ASCII."""


_BRACES = re.compile(r"(?:[^\\]|^)(?:\\\\)*(\{[^{}]*\})")
_FUZZY = re.compile(r"(?!\{\d+(?:,\d*)?\}|\{,\d+\})\{(?:[^{}]*[eisd<=][^{}]*|[\d ,]*)\}")


class UnsupportedPattern(ValueError):
    """A pattern, or a part of one, of which nothing is known here; the message says what."""


@dataclass(frozen=True, slots=True)
class CharacterClass:
    """One character: `ascii` are those of ASCII that match, `wide` is the body of an RE2 class with at least those beyond
    that do, `accepts` tells exactly.
    """

    ascii: str
    wide: str
    accepts: Any


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Parts, one after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternation:
    """Ways, of which the first that leads on is taken."""

    ways: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A part whose text may be referred to by number; None for one that only gathers."""

    number: int | None
    body: Node


@dataclass(frozen=True, slots=True)
class Repetition:
    """A part, `low` to `high` times (None: without end)."""

    low: int
    high: int | None
    kind: Literal["greedy", "lazy", "possessive"]
    body: Node
    may_be_empty: bool


@dataclass(frozen=True, slots=True)
class AtomicGroup:
    """A part whose first way to match is the only one."""

    body: Node


@dataclass(frozen=True, slots=True)
class Lookaround:
    """A part that must match here, or must not, without being consumed; `behind` is its width if it ends here."""

    body: Node
    wanted: bool
    behind: int | None


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place: `start`, `line_start`, `end` (the very one), `last_end` (or before a last newline), `line_end`; or an
    `edge` of a word or none (`no_edge`), by the words that `is_word` knows; `ascii` if RE2's are the same.
    """

    place: str
    is_word: Any = None
    ascii: bool = False


@dataclass(frozen=True, slots=True)
class Backreference:
    """The text of a group again; `folds` if without case."""

    number: int
    group: Node
    folds: bool


@dataclass(frozen=True, slots=True)
class Conditional:
    """One part if a group has matched, else another."""

    number: int
    then: Node
    otherwise: Node


Node = (
    CharacterClass
    | Concatenation
    | Alternation
    | Group
    | Repetition
    | AtomicGroup
    | Lookaround
    | Assertion
    | Backreference
    | Conditional
)
EMPTY = Concatenation(())
NEVER = Alternation(())


@dataclass(frozen=True, slots=True)
class PatternTree:
    """A pattern: its root, the widest look to the left in characters, whether its matches may be of any length, and
    whether it has more than RE2 can run.
    """

    root: Node
    behind: int
    endless: bool
    refined: bool


class _Accepts(dict[str, bool]):
    """Whether each character is one that a class of `regex` matches; asked once for each."""

    def __init__(self, pattern: str) -> None:
        super().__init__()
        self._match = regex.compile(pattern).match

    def __missing__(self, char: str) -> bool:
        if len(self) > 10_000:
            self.clear()
        self[char] = found = self._match(char) is not None
        return found


@functools.cache
def _accepts(pattern: str) -> _Accepts:
    return _Accepts(pattern)


def parse_flat(pattern: str) -> Any:
    """Parse a pattern by `re`; raise `UnsupportedPattern` where it fails, or where `regex` may read it otherwise."""
    if POSIX.search(pattern):
        raise UnsupportedPattern("POSIX classes")
    if any(_FUZZY.fullmatch(braces) for braces in _BRACES.findall(pattern)):
        raise UnsupportedPattern("what `regex` may take for fuzzy matching")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return importlib.import_module("re._parser").parse(pattern)
    except (re.error, Warning, RecursionError, OverflowError) as error:
        raise UnsupportedPattern("syntax that only the `regex` package has") from error


def parse_tree(pattern: str) -> PatternTree:
    """Return the tree of a pattern in the dialect of `regex`; raise `UnsupportedPattern` for one that cannot be streamed."""
    items = parse_flat(pattern)
    flags = items.state.flags
    if flags & ~(re.IGNORECASE | re.MULTILINE | re.DOTALL | re.ASCII | re.UNICODE | re.VERBOSE):
        raise UnsupportedPattern("flags other than a, i, m, s, u, x")
    reader = _Reader()
    try:
        root = reader.sequence(items, flags)
    except RecursionError:
        raise UnsupportedPattern("nesting too deep") from None
    return PatternTree(root, reader.behind, items.getwidth()[1] >= _ENDLESS, reader.refined)


_ENDLESS = 4_294_967_295
_PLACES = {
    "AT_BEGINNING": ("start", "line_start"),
    "AT_BEGINNING_STRING": ("start", "start"),
    "AT_END": ("last_end", "line_end"),
    "AT_END_STRING": ("end", "end"),
    "AT_BOUNDARY": ("edge", "edge"),
    "AT_NON_BOUNDARY": ("no_edge", "no_edge"),
}
_KINDS: dict[str, Literal["greedy", "lazy", "possessive"]] = {
    "MAX_REPEAT": "greedy",
    "MIN_REPEAT": "lazy",
    "POSSESSIVE_REPEAT": "possessive",
}
_CATEGORIES = {
    f"CATEGORY_{negation}{name}": letter.upper() if negation else letter
    for name, letter in (("DIGIT", "d"), ("SPACE", "s"), ("WORD", "w"))
    for negation in ("", "NOT_")
}


class _Reader:
    """Turns what `re` parsed into nodes."""

    def __init__(self) -> None:
        self.behind = 0
        self.refined = False
        self._groups: dict[int, Node] = {}
        self._looks_behind = False

    def sequence(self, items: Iterable[Any], flags: int) -> Node:
        """Return the node of a parsed sequence."""
        parts = tuple(self.node(str(op), value, flags) for op, value in items)
        return parts[0] if len(parts) == 1 else Concatenation(parts)

    def node(self, op: str, value: Any, flags: int) -> Node:
        """Return the node of one parsed part."""
        match op:
            case "LITERAL" | "NOT_LITERAL" | "IN" | "ANY":
                return _chars(op, value, flags)
            case "AT":
                return self.at(str(value), flags)
            case "BRANCH":
                return Alternation(tuple(self.sequence(way, flags) for way in value[1]))
            case "SUBPATTERN":
                number, added, removed, items = value
                node = self.sequence(items, (flags | added) & ~removed)
                if number is not None:
                    self._groups[number] = node
                return Group(number, node)
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self.repeat(op, value, flags)
            case _:
                return self.refining(op, value, flags)

    def refining(self, op: str, value: Any, flags: int) -> Node:
        """Return the node of a part that RE2 has not."""
        self.refined = True
        match op:
            case "POSSESSIVE_REPEAT":
                return self.repeat(op, value, flags)
            case "ATOMIC_GROUP":
                return AtomicGroup(self.sequence(value, flags))
            case "ASSERT" | "ASSERT_NOT":
                return self.look(value, flags, wanted=op == "ASSERT")
            case "FAILURE":
                return NEVER
            case "GROUPREF":
                return Backreference(value, self.group(value), bool(flags & re.IGNORECASE))
            case "GROUPREF_EXISTS":
                number, then, otherwise = value
                self.group(number)
                return Conditional(number, self.sequence(then, flags), self.sequence(otherwise or (), flags))
            case _:
                raise UnsupportedPattern(f"syntax that is not known here ({op.lower()})")

    def repeat(self, op: str, value: Any, flags: int) -> Node:
        low, high, items = value
        limit = None if high >= _ENDLESS else int(high)
        empty = items.getwidth()[0] == 0
        return Repetition(int(low), limit, _KINDS[op], self.sequence(items, flags), empty)

    def look(self, value: Any, flags: int, *, wanted: bool) -> Node:
        direction, items = value
        if self._looks_behind:
            raise UnsupportedPattern("looking around inside of looking behind")
        if direction > 0:
            return Lookaround(self.sequence(items, flags), wanted, None)
        least, width = items.getwidth()
        if least != width:
            raise UnsupportedPattern("looking behind at more than one width")
        self.behind = max(self.behind, width)
        self._looks_behind = True
        body = self.sequence(items, flags)
        self._looks_behind = False
        return Lookaround(body, wanted, width)

    def group(self, number: int) -> Node:
        if number not in self._groups:
            raise UnsupportedPattern("a reference to a group that is still open")
        return self._groups[number]

    def at(self, name: str, flags: int) -> Node:
        place = _PLACES[name][bool(flags & re.MULTILINE)]
        if self._looks_behind and place not in ("start", "line_start"):
            raise UnsupportedPattern(r"`\b` or `$` inside of looking behind")
        ascii_only = bool(flags & re.ASCII)
        is_word = _accepts(r"(?a)\w" if ascii_only else r"\w") if "edge" in place else None
        self.refined |= is_word is not None and not ascii_only
        return Assertion(place, is_word, ascii_only)


def _chars(op: str, value: Any, flags: int) -> CharacterClass:
    if op == "ANY":
        wanted = ASCII if flags & re.DOTALL else ASCII.replace("\n", "")
        return CharacterClass(wanted, WIDE, _accepts("(?s:.)" if flags & re.DOTALL else "."))
    if op == "IN":
        members = [(str(kind), each) for kind, each in value]
    else:
        members = [("LITERAL", value)] if op == "LITERAL" else [("NEGATE", None), ("LITERAL", value)]
    negated = members[0][0] == "NEGATE"
    members = members[negated:]
    head = "".join(letter for letter, flag in _HEADS if flags & flag)
    text = "".join(_member(kind, each) for kind, each in members)
    pattern = f"{f'(?{head})' if head else ''}[{'^' * negated}{text}]"
    accepts = _accepts(pattern)
    wide = WIDE if negated else "".join(_wide(kind, each, flags) for kind, each in members)
    if flags & re.IGNORECASE and not negated:
        wide += _ALIKE
    return CharacterClass("".join(char for char in ASCII if accepts[char]), wide, accepts)


_HEADS = (("a", re.ASCII), ("i", re.IGNORECASE))


def _member(kind: str, value: Any) -> str:
    """Return a part of a class as `regex` reads it."""
    match kind:
        case "LITERAL":
            return f"\\U{value:08x}"
        case "RANGE":
            return f"\\U{value[0]:08x}-\\U{value[1]:08x}"
        case "CATEGORY":
            return f"\\{_CATEGORIES[str(value)]}"
        case _:
            raise UnsupportedPattern(f"a class that is not known here ({kind.lower()})")


def _wide(kind: str, value: Any, flags: int) -> str:
    """Return at least what a part of a class matches beyond ASCII, as RE2 reads it."""
    if kind == "CATEGORY":
        letter = _CATEGORIES[str(value)]
        if flags & re.ASCII:
            return WIDE if letter.isupper() else ""
        return BEYOND.get(letter, WIDE)
    low, high = (value, value) if kind == "LITERAL" else value
    if high < 0x80:
        return ""
    return WIDE if flags & re.IGNORECASE else f"\\x{{{max(low, 0x80):x}}}-\\x{{{high:x}}}"
