"""Which texts of a body the rules with `on_fail` look at: what a model replies, not what it thinks or writes beside a call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guardrails.detectors.encodings.extractors import DerivedText, PayloadPiece
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.places import place_at
from guardrails.engine.content.records import RecordPart, read_records
from guardrails.engine.values.json_text import parse_json_text
from guardrails.engine.values.walk import find_leaves
from guardrails.policy.compiled import CompiledPolicy, Rule
from guardrails.types import Mode, Place, Stage, Text
from guardrails.wire.pointers import Path

NONE: frozenset[int] = frozenset()
CHOICES = ("choices", "candidates")
"""Fields of answers in which several replies stand."""


def find_unformatted(policies: Sequence[CompiledPolicy], tree: ContentTree) -> frozenset[int]:
    """Return the leaves, by index, at which rules with `on_fail` do not look; none where there is no such rule."""
    if not asks_for_formats(policies):
        return NONE
    known = {leaf.path for leaf in tree.leaves}  # a part that is empty has none
    groups = [known.intersection(group) for group in tree.replies or ()]
    joined = {frozenset(_pieces(tree, leaf)) for leaf in tree.leaves if leaf.pieces}
    return frozenset(
        index for index, leaf in enumerate(tree.leaves) if not _has_format(tree, leaf, groups, joined)
    )


def _pieces(tree: ContentTree, leaf: Leaf) -> list[Path]:
    return [tree.leaves[index].path for index, _ in leaf.pieces]


def _has_format(
    tree: ContentTree,
    leaf: Leaf,
    groups: Sequence[set[Path]],
    joined: set[frozenset[Path]],
) -> bool:
    """Tell whether a leaf is a text of its own that may have to be in a format."""
    place = leaf.content.place
    if not isinstance(leaf.content, Text) or leaf.parent is not None or leaf.across:
        return False
    if Stage.INPUT in place.also and place.stage is Stage.OUTPUT:
        return False  # a turn of before, which was judged when it was the answer
    if place.stage is not Stage.OUTPUT or tree.replies is None:
        return leaf.editable and not leaf.pieces
    if leaf.pieces:
        return frozenset(_pieces(tree, leaf)) in groups
    return any(leaf.path in group and (len(group) == 1 or group not in joined) for group in groups)


def add_empty_replies(tree: ContentTree) -> None:
    """Add a leaf for each reply that says nothing: an empty text is in no format, and would be judged by nobody."""
    known = {leaf.path for leaf in tree.leaves}
    for group in tree.replies or ():
        if known.isdisjoint(group):
            path = group[0]
            choice = path[1] if len(path) > 1 and path[0] in CHOICES and isinstance(path[1], int) else None
            place = Place(Stage.OUTPUT, role="assistant", choice_index=choice)
            tree.leaves.append(Leaf(Text("", place_at(place, path)), path))


def add_json_texts(policies: Sequence[CompiledPolicy], tree: ContentTree) -> None:
    """Add what the texts at which rules with `on_fail` look say as JSON, for detectors that judge sentences: each sentence, and
    the passages that values make up together (`records.py`). What is found there is found in the whole text.
    """
    unformatted = find_unformatted(policies, tree)
    for index in [at for at in range(len(tree.leaves)) if at not in unformatted]:
        content = tree.leaves[index].content
        if not isinstance(content, Text) or not content.text.lstrip().startswith(("{", "[")):
            continue
        decoded, sound = parse_json_text(content.text)
        if not sound:
            continue
        parts = [
            RecordPart(at, text, role == "key")
            for at, (_, text, _, role) in enumerate(find_leaves(decoded))
            if text and isinstance(text, str)
        ]
        reading = read_records(parts)
        said = [part.text for part in parts if reading.forms[part.at] == "prose"]
        said += [passage.text for passage in reading.passages]
        for text in dict.fromkeys(said):
            derived = DerivedText(text, "json", (PayloadPiece(0, 0, len(content.text)),))
            leaf = Text(text, content.place, content.context, "record")
            tree.leaves.append(
                Leaf(leaf, tree.leaves[index].path, editable=False, parent=index, derived=derived)
            )


def asks_for_formats(policies: Sequence[CompiledPolicy]) -> bool:
    """Tell whether a rule has `on_fail`."""
    return any(rule.on_fail is not None for policy in policies for rule in policy.rules)


def max_reasks(policies: Sequence[CompiledPolicy], stage: Stage) -> int:
    """Return how often a model may be asked again for what stands at a stage."""
    rules = _enforced(policies, stage)
    return max((rule.on_fail.reasks for rule in rules if rule.on_fail is not None), default=0)


def is_repaired(policies: Sequence[CompiledPolicy], stage: Stage) -> bool:
    """Tell whether a rule may change, or have asked for again, what stands at a stage in a wrong format."""
    return any(_enforced(policies, stage))


def _enforced(policies: Sequence[CompiledPolicy], stage: Stage) -> Iterator[Rule]:
    for policy in policies:
        for rule in policy.rules:
            if rule.on_fail is not None and rule.mode is Mode.ENFORCE and stage in rule.on:
                yield rule
