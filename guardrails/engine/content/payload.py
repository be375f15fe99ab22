"""Payloads: something to check with its content tree, and an outcome's edits written back into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.model import Outcome
from guardrails.engine.values.writer import replace_values
from guardrails.types import Action, Place, Stage, Text
from guardrails.wire.pointers import pointer

CONVERSATIONS: Final = (("messages",), ("input",), ("contents",))
"""Where the messages of a request stand."""

ApplyEdits = Callable[[Any, ContentTree, Outcome], Any]
"""A body, its leaves and an outcome → the body that the outcome leaves."""

BARE: Final[Mapping[Stage, Place]] = {stage: Place(stage) for stage in Stage}
"""Where a text stands that comes without anything around it."""


UNKNOWN: Final = object()
"""In the place of a value of which there is the tree alone."""


class Payload:
    """Something to check. `apply` gives it back with an outcome's edits, or None where it is blocked; `given` is the value
    itself, for who keeps it.
    """

    def __init__(
        self, tree: ContentTree, apply: Callable[[Outcome], object], given: object = UNKNOWN
    ) -> None:
        self.tree = tree
        self.given = given
        self._apply = apply

    def apply(self, outcome: Outcome) -> object:
        """Return the content to use from now on."""
        return None if outcome.action is Action.BLOCK else self._apply(outcome)


def text(given: str, stage: Stage) -> Payload:
    """Return one text to check at a stage."""
    tree = ContentTree(leaves=[Leaf(Text(given, BARE[stage]))])
    return Payload(tree, lambda outcome: outcome.edits.get(0, given), given)


def apply_edits(given: object, tree: ContentTree, outcome: Outcome) -> object:
    """Return a value with the new texts and media of an outcome; the same object where nothing changes."""
    places = {
        (tree.leaves[index].path, tree.leaves[index].inner): new for index, new in outcome.edits.items()
    }
    return replace_values(given, places) if places else given


def body(given: Any, tree: ContentTree, changed: ApplyEdits = apply_edits) -> Payload:
    """Return a value whose tree is known, to check; `changed` makes of it what an outcome leaves."""
    return Payload(tree, lambda outcome: changed(given, tree, outcome), given)


def removed_paths(tree: ContentTree, outcome: Outcome) -> tuple[str, ...]:
    """Return the JSON Pointers of the messages that an outcome leaves out."""
    prefix = next((leaf.path[:1] for leaf in tree.leaves if leaf.path[:1] in CONVERSATIONS), ())
    return tuple(pointer((*prefix, index)) for index in outcome.removed)
