"""Answers with several choices, in whatever field an API has them: which of them are refused, and under which index."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.protocols.protocol import blocked_fields


def refuse_choices(
    answer: Mapping[str, Any],
    field: str,
    tree: ContentTree,
    outcome: Outcome,
    refuse: Callable[[Mapping[str, Any], int], Any],
) -> dict[str, Any]:
    """Return an answer in which the choices are refused of which something is blocked: all, for what belongs to none of them.
    Other fields in which something is blocked are left out.

    Args:
        answer: the answer.
        field: in which its choices stand; there is one to be refused where it has none.
        tree: of the answer.
        outcome: of its check.
        refuse: a choice and its position → what stands in its place.
    """
    places = [tree.leaves[index].path if index >= 0 else () for index in outcome.blocked]
    if not places:
        return dict(answer)
    blocked = {path[1] for path in places if path[:1] == (field,) and len(path) > 1}
    everything = any(path[:1] != (field,) or len(path) < 2 for path in places)
    choices = [
        refuse(choice, position) if everything or position in blocked else choice
        for position, choice in enumerate(answer.get(field) or ({},))
    ]
    gone = blocked_fields(tree, outcome)
    kept = {name: value for name, value in answer.items() if name == field or (name,) not in gone}
    return {**kept, field: choices}


def choice_index(choice: Mapping[str, Any], position: int) -> int:
    """Return the index of a choice that stands at a position of its answer."""
    index = choice.get("index")
    return index if type(index) is int else position
