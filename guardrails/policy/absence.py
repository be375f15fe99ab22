"""Gives conditions over context that has no value their meaning: an absent value equals no value.

A term over `request.*` is false where a value that it reads is absent, and `!=` is true; `has(…)` tells whether it is there. So
each term is joined with whether its values are there, which is told apart from what is not known: a context that nobody bound.

    request.user.tier != "staff"    (!(_present.request.user.tier) || request.user.tier != "staff")
    request.metadata.age < 16       (_present.request.metadata && has(request.metadata.age) && request.metadata.age < 16)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guardrails.policy.cel.cel import CelNode
from guardrails.policy.cel.terms import ConditionText
from guardrails.policy.names import OPTIONAL_CONTEXT, find_context_leaf
from guardrails.wire.lossless_json import write

PRESENT: Final = "_present."
"""Before the name of a leaf: the variable that tells whether it has a value."""


def guard_absent(text: str) -> str:
    """Return a condition whose terms mean what they should where context is absent; raise `CelError` if it is too long."""
    condition = ConditionText(text)
    pieces: list[str] = []
    end = 0
    for term in condition.tree.terms():
        needed = " && ".join(dict.fromkeys(_find_needed(term.node, frozenset())))
        if not needed:
            continue
        guard = f"(!({needed}) || " if term.node.name == "_!=_" else f"({needed} && "
        pieces += [condition.text[end : term.low], guard, condition.text[term.low : term.high], ")"]
        end = term.high
    return "".join([*pieces, condition.text[end:]])


def find_optional_leaves(node: CelNode) -> Iterator[tuple[CelNode, str]]:
    """Yield the parts of an expression that name context which may be absent, with their names; those that `has()` asks for are
    none of them.
    """
    if node.kind == "has":
        return
    dotted = node.dotted_name()
    if dotted is None:
        for arg in node.args:
            yield from find_optional_leaves(arg)
    elif dotted.startswith(OPTIONAL_CONTEXT) and find_context_leaf(dotted) is not None:
        yield node, dotted


def _find_needed(node: CelNode, local: frozenset[str]) -> Iterator[str]:
    """Yield the expressions that are true where all that a part reads is there; `local` are the variables of loops."""
    if node.kind == "has":  # which itself tells of the last name
        yield from _find_needed(node.args[0].args[0], local)
        return
    if (written := _write_path(node, local)) is not None:
        leaf, keys = written
        yield f"{PRESENT}{leaf}"
        for at in range(len(keys)):
            yield f"{write(keys[at])} in {_index(leaf, keys[:at])}"
        return
    for arg in node.args:
        yield from _find_needed(arg, local | {node.name} if node.kind == "loop" else local)


def _write_path(node: CelNode, local: frozenset[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return the leaf that a part reads, and the keys below it; None for what is no chain of names and keys from a leaf."""
    dotted = node.dotted_name()
    if dotted is not None:
        leaf = find_context_leaf(dotted) if dotted.startswith(OPTIONAL_CONTEXT) else None
        if leaf is None or dotted.split(".", 1)[0] in local:
            return None
        return leaf, tuple(dotted.removeprefix(leaf).split(".")[1:])
    below: str | None = None
    if node.kind == "select":
        below = node.name
    elif node.kind == "call" and node.name == "_[_]" and isinstance(node.args[1].value, str):
        below = node.args[1].value
    head = _write_path(node.args[0], local) if below is not None else None
    return None if head is None or below is None else (head[0], (*head[1], below))


def _index(leaf: str, keys: tuple[str, ...]) -> str:
    return leaf + "".join(f"[{write(key)}]" for key in keys)
