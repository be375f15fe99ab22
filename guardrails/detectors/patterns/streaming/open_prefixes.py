r"""Translates a pattern into an RE2 expression for each text after which a match may still go on.

With `O` for that expression: if the rest of a text from a place on is not in `O`, then what the pattern does at that place
is the same whatever text follows. `\d{4}` is settled on `1234`, `\d{4}\b` waits for
one character more. One search for `(?:O1|O2|...)\z`, which RE2 runs backwards from the end, bounds all patterns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from guardrails.detectors.patterns.dialect import WIDE
from guardrails.detectors.patterns.syntax_tree import (
    ASCII,
    Alternation,
    Assertion,
    AtomicGroup,
    Backreference,
    CharacterClass,
    Concatenation,
    Conditional,
    Group,
    Lookaround,
    Node,
    Repetition,
    UnsupportedPattern,
    parse_tree,
)
from guardrails.text.matching import linear_patterns as re2

MOST = 128
"""Repetitions that are counted, those of repeated groups multiplied (RE2 takes a thousand, slowly); beyond, any number is
taken."""

LOOSE = 4
"""The same in the loose form, which has a tenth of the states and holds as little on prose."""

MEMORY = 64 << 20
"""Upper bound in bytes for what RE2 builds for one pattern."""

Kind = Literal["static", "refined", "whole"]


@dataclass(frozen=True, slots=True)
class OpenPrefixes:
    """The open prefixes of a pattern.

    Attributes:
        kind: `static` (RE2 can run the pattern), `refined` (it looks around, refers back, or has edges of Unicode words:
            `exact` is a superset), or `whole` (nothing is known before the end of the text).
        reason: why it is `whole`, or what may hold a text without end.
        exact: matches each open prefix and little else; empty if `whole`.
        loose: the same with any number for counted repetitions.
        behind: characters to the left of a match that it looks at.
        endless: whether matches may be of any length.
    """

    kind: Kind
    reason: str = ""
    exact: str = ""
    loose: str = ""
    behind: int = 0
    endless: bool = False


def find_open_prefixes(pattern: str) -> OpenPrefixes:
    """Return the open prefixes of a pattern in the dialect of `regex`."""
    try:
        tree = parse_tree(pattern)
        exact, loose = (_Writer(most).open(tree.root) or "" for most in (MOST, LOOSE))
    except UnsupportedPattern as error:
        return OpenPrefixes("whole", str(error))
    except RecursionError:
        return OpenPrefixes("whole", "nesting too deep")
    if compile_re2(f"(?:{loose})\\z") is None:
        return OpenPrefixes("whole", "larger than RE2 takes")
    if compile_re2(f"(?:{exact})\\z") is None:
        exact = loose
    reason = (
        "matches may be of any length, so an open one holds the text until it ends" if tree.endless else ""
    )
    kind: Kind = "refined" if tree.refined else "static"
    return OpenPrefixes(kind, reason, exact, loose, tree.behind, tree.endless)


def compile_re2(pattern: str, memory: int = 0) -> Any:
    """Compile by RE2; None if it refuses."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory or MEMORY
    options.never_capture = True
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None


class _Writer:
    """Writes what a node may consume (`may`), and each text after which it looks at the end (`open`; None: never)."""

    def __init__(self, most: int) -> None:
        self._most = most

    def may(self, node: Node) -> str:
        match node:
            case CharacterClass():
                return character_class(node)
            case Concatenation(parts):
                return "".join(map(self.may, parts))
            case Alternation(ways):
                return _either([self.may(way) for way in ways]) if ways else r"[^\x00-\x{10FFFF}]"
            case Group(_, body) | AtomicGroup(body):
                return f"(?:{self.may(body)})"
            case Repetition():
                return self.write_repeated(node)
            case Backreference(_, group, _):
                return f"(?:{self.may(group)})?"
            case Conditional(_, then, otherwise):
                return _either([self.may(then), self.may(otherwise)])
            case Assertion():
                return _place(node)
            case Lookaround():
                return ""

    def open(self, node: Node) -> str | None:
        match node:
            case Concatenation(parts):
                return self.sequence(parts)
            case Alternation(ways):
                return _any([self.open(way) for way in ways])
            case Conditional(_, then, otherwise):
                return _any([self.open(then), self.open(otherwise)])
            case Group(_, body) | AtomicGroup(body):
                return self.open(body)
            case Lookaround(body, _, behind):
                return self.open(body) if behind is None else None
            case Repetition():
                return self.round(node)
            case Backreference(_, group, folds):
                # Without case nothing is known of its length in letters.
                return f"(?:{self.may(group)})?" if folds else self.open(group)
            case Assertion(place):
                return {"start": None, "line_start": None, "last_end": r"\n?"}.get(place, "")
            case _:
                return ""

    def round(self, node: Repetition) -> str | None:
        """Return all rounds of a repetition but the last, and that one as far as it is open."""
        inner = self.open(node.body)
        if node.high == 0 or inner is None:
            return None
        return self.write_counted(node.body, 0, None if node.high is None else node.high - 1) + f"(?:{inner})"

    def sequence(self, parts: tuple[Node, ...]) -> str | None:
        rest: str | None = None
        for part in reversed(parts):
            longer = None if rest is None else f"{self.may(part)}(?:{rest})"
            rest = _any([self.open(part), longer])
        return rest

    def write_repeated(self, node: Repetition) -> str:
        return self.write_counted(node.body, node.low, node.high)

    def write_counted(self, body: Node, low: int, high: int | None) -> str:
        """Return a part so many times, or any number of times if that is too much to count."""
        inner = f"(?:{self.may(body)})"
        if high == 0:
            return ""
        most = low if high is None else high
        if most * self.times(body) > self._most:
            return inner + ("+" if low else "*")
        if high is None:
            return inner + {0: "*", 1: "+"}.get(low, f"{{{low},}}")
        return inner if low == high == 1 else f"{inner}{{{low},{high}}}"

    def times(self, node: Node) -> int:
        """Return how many copies of a part's characters counting makes, at most."""
        match node:
            case Concatenation(parts) | Alternation(parts):
                return max(map(self.times, parts), default=1)
            case Group(_, body) | AtomicGroup(body) | Lookaround(body):
                return self.times(body)
            case Backreference(_, group, _):
                return self.times(group)
            case Conditional(_, then, otherwise):
                return max(self.times(then), self.times(otherwise))
            case Repetition(low, high, _, body, _):
                copies = max(low if high is None else high, 1) * self.times(body)
                return copies if copies <= self._most else self.times(body)
            case _:
                return 1


def character_class(node: CharacterClass) -> str:
    """Return the RE2 class of at least the characters that a node matches."""
    if len(node.ascii) == len(ASCII) and node.wide == WIDE:
        return "(?s:.)"
    if not node.ascii and not node.wide:
        return r"[^\x00-\x{10FFFF}]"
    if len(node.ascii) == 1 and not node.wide:
        return str(re2.escape(node.ascii))
    return f"[{_ranges(node.ascii)}{node.wide}]"


def _ranges(chars: str) -> str:
    spans: list[list[int]] = []
    for code in map(ord, chars):
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return "".join(f"\\x{first:02x}" + (f"-\\x{last:02x}" if last > first else "") for first, last in spans)


def _place(node: Assertion) -> str:
    if node.place in ("edge", "no_edge"):
        return {"edge": r"\b", "no_edge": r"\B"}[node.place] if node.ascii else ""
    places = {"start": r"\A", "line_start": "(?m:^)", "end": r"\z", "line_end": "(?m:$)"}
    return places.get(node.place, "")


def _either(forms: list[str]) -> str:
    return f"(?:{'|'.join(dict.fromkeys(forms))})"


def _any(forms: list[str | None]) -> str | None:
    """Return an expression for any of the forms that there are; the empty one is first, as it is the shortest."""
    some = [*dict.fromkeys(form for form in forms if form is not None)]
    if not some:
        return None
    return some[0] if len(some) == 1 else f"(?:{'|'.join(sorted(some, key=len))})"
