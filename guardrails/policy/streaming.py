"""Decides how a rule streams: whether each finding decides by itself, or why the whole text is needed.

A condition can be decided finding by finding where it is true of several findings exactly if it is true of one of them
alone: alternatives, each at most one score with a lower bound, joined with what the request says (DESIGN §4.6; the
reference's §8 has what cannot). Then what one finding does never changes with what comes later. Of what the text itself
tells as a whole only its length may occur, compared with numbers: past the largest of them it is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from guardrails.policy.cel import cel
from guardrails.policy.condition import Condition
from guardrails.policy.names import OF_CALLS, find_context_leaf

LENGTH: Final = "content.length"
GROWING: Final = (LENGTH, "content.language", "tool.listed", *OF_CALLS)
"""Context that changes as a text grows: what is asked for, and what came before, are known at the end of an answer."""

TURNED: Final[Mapping[str, str]] = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}
COMPARED: Final = frozenset({*TURNED, "_==_", "_!=_"})
ONE_FOUND: Final = (("_>_", 0), ("_>=_", 1), ("_!=_", 0))
"""What a count may be compared with, to mean that there is one."""


@dataclass(frozen=True, slots=True)
class RuleStreaming:
    """How a rule streams. `whole` says why it is held to the end, "" where each finding decides by itself; `longest` is the
    length past which `content.length` changes nothing any more.
    """

    whole: str = ""
    longest: int = 0


class _Whole(Exception):
    """Says why a condition needs the whole text."""


def decide_streaming(condition: Condition, exceptions: Iterable[Condition]) -> RuleStreaming:
    """Return how a rule with a condition streams, findings of which the exceptions' conditions may remove."""
    reader = _Reader(condition)
    try:
        reader.read(cel.parse(condition.text))
        for exception in exceptions:
            if exception.categories:
                raise _Whole("an exception of it depends on what else is found in the whole text")
            if not set(GROWING).isdisjoint(exception.context):
                raise _Whole("an exception of it depends on the whole text")
    except _Whole as reason:
        return RuleStreaming(str(reason))
    return RuleStreaming("", reader.longest)


class _Reader:
    """Reads one condition; `longest` is the largest number that its length is compared with."""

    def __init__(self, condition: Condition) -> None:
        self._scores = {*condition.scores, *(variable for variable, _, _ in condition.detectors)}
        self._context = frozenset(condition.context)
        self.longest = 0

    def read(self, node: cel.CelNode) -> bool:
        """Return whether the part's truth depends on findings; raise `_Whole` if on several together."""
        if node.kind == "call":
            if node.name == "_||_":
                return self._some(node.args)
            if node.name == "_&&_":
                return self._read_joined(node)
            if node.name == "_?_:_":
                self._context_only(node.args[0])
                return self._some(node.args[1:])
            if node.name in COMPARED and self._is_lower_bound(node):
                return True
        self._context_only(node)
        return False

    def _some(self, nodes: Iterable[cel.CelNode]) -> bool:
        return max([self.read(node) for node in nodes], default=False)  # each is read, also behind the first

    def _read_joined(self, node: cel.CelNode) -> bool:
        found = [self.read(arg) for arg in node.args]
        if sum(found) > 1:
            raise _Whole("its condition joins several findings with &&")
        return any(found)

    def _is_lower_bound(self, node: cel.CelNode) -> bool:
        """Tell whether a comparison is one of a score or count with its lower bound."""
        if self._is_length(node):
            return False
        left, right = node.args
        name = node.name
        if right.kind != "const":
            left, right, name = right, left, TURNED.get(name, name)
        counts = left.kind == "call" and left.name == "count"
        if not counts and left.dotted_name() not in self._scores:
            return False
        if right.kind != "const":
            raise _Whole("its condition compares findings with each other")
        if counts and (name, right.value) not in ONE_FOUND:
            raise _Whole("its condition counts findings")
        if not counts and name not in ("_>_", "_>=_"):
            raise _Whole("its condition has an upper bound for a score")
        return True

    def _is_length(self, node: cel.CelNode) -> bool:
        """Tell whether a comparison is one of the text's length with a number."""
        numbers = [arg.value for arg in node.args if type(arg.value) is int]
        if not numbers or not any(arg.dotted_name() == LENGTH for arg in node.args):
            return False
        self.longest = max(self.longest, *map(int, numbers))
        return True

    def _context_only(self, node: cel.CelNode) -> None:
        if node.kind == "call" and node.name in COMPARED and self._is_length(node):
            return
        dotted = node.dotted_name()
        if dotted is not None and find_context_leaf(dotted) in GROWING:
            raise _Whole(f"its condition depends on {dotted} of the whole text")
        if dotted in self._scores or (node.kind == "call" and node.name == "count"):
            raise _Whole("its condition is not a lower bound of each finding")
        if dotted is None:
            for arg in node.args:
                self._context_only(arg)
