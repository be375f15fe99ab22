"""Decides where the match of a pattern at a place ends, whatever text follows.

A small backtracking matcher that does what `regex` does, but gives up as soon as it wants to know what stands behind the
end of the text: then the outcome is `OPEN`. It settles what open prefixes alone leave open: lazy quantifiers, the order of
alternatives, look-around, back-references. `OPEN` is always a safe answer, so it also stands for too many steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from guardrails.detectors.patterns.syntax_tree import (
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
    PatternTree,
    Repetition,
)

OPEN: Final = -2
"""What follows may change the outcome."""

NOTHING: Final = -1
"""There is no match at that place, whatever follows."""

STEPS: Final = 20_000
"""Parts of a pattern tried at one place."""

_Next = Callable[[int], int]


class _End(Exception):
    """The matcher wants to read, or to ask of, what stands behind the end."""


def find_match_end(tree: PatternTree, text: str, at: int, *, begins: bool) -> int:
    """Return the end of the match that begins at a place, `NOTHING` or `OPEN`.

    Args:
        tree: of the pattern.
        text: what there is so far, with as much in front of the place as the pattern looks back at.
        at: the place.
        begins: whether the text begins where it seems to.
    """
    try:
        return _Matcher(text, begins=begins).match(tree.root, at, _same)
    except (_End, RecursionError):
        return OPEN


def _same(at: int) -> int:
    return at


class _Matcher:
    """One attempt: the text, the groups so far, and the steps that are left."""

    def __init__(self, text: str, *, begins: bool) -> None:
        self._text = text
        self._begins = begins
        self._groups: dict[int, tuple[int, int]] = {}
        self._steps = STEPS

    def match(self, node: Node, at: int, then: _Next) -> int:
        """Return where the match ends that goes through a node at a place and on to `then`; `NOTHING` if none does."""
        self._steps -= 1
        if self._steps < 0:
            raise _End
        return _WAYS[type(node)](self, node, at, then)

    def character(self, node: CharacterClass, at: int, then: _Next) -> int:
        return then(at + 1) if self.accepts(node, at) else NOTHING

    def branch(self, node: Alternation, at: int, then: _Next) -> int:
        for way in node.ways:
            lead = way.parts[0] if isinstance(way, Concatenation) and way.parts else way
            if isinstance(lead, CharacterClass) and not self.accepts(lead, at):
                continue  # most ways, without a call for each
            end = self.match(way, at, then)
            if end >= 0:
                return end
        return NOTHING

    def group(self, node: Group, at: int, then: _Next) -> int:
        number = node.number
        if number is None:
            return self.match(node.body, at, then)
        return self.match(node.body, at, lambda end: self.match_grouped(number, (at, end), then))

    def atomic(self, node: AtomicGroup, at: int, then: _Next) -> int:
        return self.match_committed(lambda: self.match(node.body, at, _same), then)

    def match_committed(self, inner: Callable[[], int], then: _Next) -> int:
        """Go on from the first end of what is inside, and from no other."""
        before = {**self._groups}
        end = inner()
        if end >= 0:
            end = then(end)
        if end < 0:
            self._groups = before
        return end

    def look(self, node: Lookaround, at: int, then: _Next) -> int:
        start = at if node.behind is None else at - node.behind
        before = {**self._groups}
        found = start >= 0 and self.match(node.body, start, _same) >= 0
        end = NOTHING
        if found == node.wanted:
            if not found:
                self._groups = {**before}
            end = then(at)
        if end < 0:
            self._groups = before
        return end

    def place(self, node: Assertion, at: int, then: _Next) -> int:
        return then(at) if self.is_at(node, at) else NOTHING

    def conditional(self, node: Conditional, at: int, then: _Next) -> int:
        return self.match(node.then if node.number in self._groups else node.otherwise, at, then)

    @staticmethod
    def first(ends: Iterable[int]) -> int:
        return next((end for end in ends if end >= 0), NOTHING)

    def accepts(self, node: CharacterClass, at: int) -> bool:
        """Say whether the character at a place is one that a node matches."""
        if at >= len(self._text):
            raise _End
        return bool(node.accepts[self._text[at]])

    def sequence(self, node: Concatenation, at: int, then: _Next) -> int:
        return self.parts(node.parts, at, then)

    def parts(self, parts: tuple[Node, ...], at: int, then: _Next) -> int:
        done = 0
        while done < len(parts) and isinstance(part := parts[done], CharacterClass):
            if not self.accepts(part, at):
                return NOTHING
            at, done = at + 1, done + 1
        if done == len(parts):
            return then(at)
        return self.match(parts[done], at, lambda end: self.parts(parts[done + 1 :], end, then))

    def match_grouped(self, number: int, span: tuple[int, int], then: _Next) -> int:
        before = self._groups.get(number)
        self._groups[number] = span
        end = then(span[1])
        if end < 0:
            self._groups.pop(number)
            if before is not None:
                self._groups[number] = before
        return end

    def repeat(self, node: Repetition, at: int, then: _Next) -> int:
        if isinstance(node.body, CharacterClass):
            return self.characters(node, node.body, at, then)
        if node.may_be_empty:
            raise _End  # engines differ in what they make of an empty round
        if node.kind == "possessive":
            return self.match_committed(lambda: self.rounds(node, 0, at, _same), then)
        return self.rounds(node, 0, at, then)

    def rounds(self, node: Repetition, count: int, at: int, then: _Next) -> int:
        """Try one more round first, or last if the repetition is lazy."""

        def more() -> int:
            if node.high is not None and count >= node.high:
                return NOTHING
            return self.match(node.body, at, lambda end: self.rounds(node, count + 1, end, then))

        def enough() -> int:
            return then(at) if count >= node.low else NOTHING

        order = (enough, more) if node.kind == "lazy" else (more, enough)
        return self.first(way() for way in order)

    def characters(self, node: Repetition, body: CharacterClass, at: int, then: _Next) -> int:
        """Repeat one character without a call for each."""
        count = 0
        if node.kind == "lazy":
            while True:
                if count >= node.low and (end := then(at + count)) >= 0:
                    return end
                if (node.high is not None and count >= node.high) or not self.accepts(body, at + count):
                    return NOTHING
                count = self.match_counted(count)
        while (node.high is None or count < node.high) and self.accepts(body, at + count):
            count = self.match_counted(count)
        if count < node.low:
            return NOTHING
        if node.kind == "possessive":
            return then(at + count)
        return self.first(then(at + each) for each in range(count, node.low - 1, -1))

    def match_counted(self, count: int) -> int:
        self._steps -= 1
        if self._steps < 0:
            raise _End
        return count + 1

    def match_again(self, node: Backreference, at: int, then: _Next) -> int:
        span = self._groups.get(node.number)
        if span is None:
            return NOTHING
        if node.folds:
            raise _End  # how letters fold, and to how many, is the engine's affair
        for char in self._text[span[0] : span[1]]:
            if at >= len(self._text):
                raise _End
            if self._text[at] != char:
                return NOTHING
            at += 1
        return then(at)

    def is_at(self, node: Assertion, at: int) -> bool:
        """Say whether a place is what an assertion asks for."""
        text = self._text
        begun = at == 0 and self._begins
        if node.place in ("start", "line_start"):
            return begun or (node.place == "line_start" and text[at - 1 : at] == "\n")
        if at >= len(text):
            raise _End
        if node.place in ("edge", "no_edge"):
            edge = (at > 0 and node.is_word[text[at - 1]]) != node.is_word[text[at]]
            return bool(edge == (node.place == "edge"))
        if node.place == "last_end" and text[at] == "\n" and at + 1 == len(text):
            raise _End
        return node.place == "line_end" and text[at] == "\n"


_WAYS: Final[dict[type, Callable[[_Matcher, Any, int, _Next], int]]] = {
    CharacterClass: _Matcher.character,
    Concatenation: _Matcher.sequence,
    Alternation: _Matcher.branch,
    Group: _Matcher.group,
    Repetition: _Matcher.repeat,
    AtomicGroup: _Matcher.atomic,
    Lookaround: _Matcher.look,
    Assertion: _Matcher.place,
    Backreference: _Matcher.match_again,
    Conditional: _Matcher.conditional,
}
