"""In which languages a message is best said to whoever reads it.

What a person wrote, or was to read, is in a language that they know; so is the conversation around it. What a tool or a search
returned says nothing of who reads, and stands behind what the client asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from guardrails.detectors.language.identification import choose_language
from guardrails.detectors.language.scripts import base_language
from guardrails.engine.content.content_tree import SYSTEM_ROLES, Leaf
from guardrails.engine.model import Request
from guardrails.policy.compiled import Rule
from guardrails.types import Stage, Text

READ_BY_PEOPLE: Final = frozenset({Stage.INPUT, Stage.OUTPUT})

MOST_TEXTS: Final = 8
"""Texts of a kind whose language is told, the latest first."""


def list_message_languages(
    rule: Rule, leaves: Sequence[Leaf], members: Iterable[int], request: Request
) -> Iterator[str]:
    """Yield the languages in which the message of a rule is best said, the best first: that of what it fired for, of the
    conversation, what the client asks for, and that of what tools returned. Each is looked for when it is asked for.

    Args:
        rule: the rule.
        leaves: of the check.
        members: those for which it fired.
        request: who asks.
    """
    offered = frozenset(map(base_language, rule.messages))
    own: list[str] = []
    other: list[str] = []
    for index in [*members][-MOST_TEXTS:]:
        leaf = _root(leaves, leaves[index])
        if isinstance(content := leaf.content, Text):
            (own if _is_read_by_people(leaf) else other).append(content.text)
    said = (
        leaf for leaf in reversed(leaves) if leaf.content.place.role == "user" and _is_read_by_people(leaf)
    )
    yield from _tell(reversed(own), offered)
    yield from _tell((leaf.content.text for leaf in said if isinstance(leaf.content, Text)), offered)
    yield from _tell([request.prompt], offered)
    if request.language is not None:
        yield request.language
    yield from _tell(reversed(other), offered)


def _root(leaves: Sequence[Leaf], leaf: Leaf) -> Leaf:
    """Return the text that a leaf stood in, in an encoding or as what fills a slot of it; itself where it stood in none."""
    while leaf.parent is not None and isinstance(leaves[leaf.parent].content, Text):
        leaf = leaves[leaf.parent]
    return leaf


def _is_read_by_people(leaf: Leaf) -> bool:
    """Tell whether a person wrote a text, or was to read it."""
    place = leaf.content.place
    return place.stage in READ_BY_PEOPLE and place.role not in SYSTEM_ROLES


def _tell(texts: Iterable[str], offered: frozenset[str]) -> Iterator[str]:
    """Yield the languages of the first of some texts, as far as they can be told and are offered."""
    for _, text in zip(range(MOST_TEXTS), texts, strict=False):
        if text and (code := choose_language(text, offered)) is not None:
            yield code
