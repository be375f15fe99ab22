"""Adds to a tree what stands in its texts: what is encoded in them (`detectors.encodings`), and what their fields say beside what
they are called (`labelled_texts`).

What a text holds depends on the text, so that a cache remembers those that hold nothing: of a conversation that comes again only
the new turn is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Final

from guardrails.detectors.encodings.extractors import holds_nothing
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.formats.labelled_texts import add_labelled_texts
from guardrails.text.matching.group_search import find_open_texts
from guardrails.types import CLEAN, Detection, Stage, Text

Key = str | tuple[str | None, ...]
Entry = dict[Key, Detection]
"""What a cache holds of a text."""

DERIVED: Final = "derived"
"""What the key begins with under which an entry says that nothing stands in its text."""
AGAIN: Final = "again"
"""In place of the stage of a text that is made of others, or stood in another."""


def add_derived_texts(
    tree: ContentTree,
    decoding: tuple[int, int, int],
    find_entry: Callable[[str], Entry | None] | None,
    but: Collection[int] = (),
) -> None:
    """Add what stands in the texts of a tree; what is beyond the limits is noted.

    Args:
        tree: what is checked.
        decoding: how deep encodings are followed, how many payloads and how many characters.
        find_entry: gives what a cache holds of a text, to be read and added to; None: nothing is remembered.
        but: the leaves in whose texts nothing stands, as is known.
    """
    first, noted = tree.mark()
    empty = {*but}
    texts: dict[int, str] = {}
    read: list[tuple[int, Entry, Key]] = []
    keys = _keys(decoding)
    for index, leaf in enumerate(tree.leaves):
        content = leaf.content
        if index in empty or not isinstance(content, Text) or content.form == "record":
            continue  # what a record says is not decoded
        if find_entry is not None and (entry := find_entry(content.text)) is not None:
            key = keys[AGAIN if leaf.again else content.place.stage]
            if key in entry:
                empty.add(index)
                continue
            read.append((index, entry, key))
        texts[index] = content.text
    add_labelled_texts(tree, empty)
    several = [*texts.values()]
    open_texts = find_open_texts(several, holds_nothing)
    if open_texts or len(tree.leaves) > first:
        numbers = [*texts]
        tree.decode(*decoding, empty.union(numbers).difference([numbers[at] for at in open_texts]))
    if read and len(tree.unchecked) == noted:
        full = {leaf.parent for leaf in tree.leaves[first:]}
        for index, entry, key in read:
            if index not in full:
                entry[key] = CLEAN


@cache
def _keys(decoding: tuple[int, int, int]) -> Mapping[str, Key]:
    """Return the key of each stage: fields are read at some, and not of a text that is made of others (`AGAIN`)."""
    return {where: (DERIVED, where, *map(str, decoding)) for where in (*Stage, AGAIN)}
