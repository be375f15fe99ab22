"""In which languages a message is best said to whoever reads it.

What a person wrote, or was to read, is in a language that they know; so is the conversation around it. What a tool or a search
returned says nothing of who reads, and stands behind what the client asks for. Applications write a template around what a person
says, in one text or as a system message: there the sentence for which a rule fires tells more than the text around it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from guardrails.detectors.language.identification import (
    choose_language,
    identify_language,
    language_probabilities,
)
from guardrails.detectors.language.prose_words import count_letters
from guardrails.detectors.language.scripts import base_language
from guardrails.engine.content.content_tree import SYSTEM_ROLES, Leaf
from guardrails.engine.model import Request
from guardrails.policy.messages.choice import choose_language_tag
from guardrails.types import Finding, FiredRule, Stage, Text
from guardrails.verdicts.builtin_messages import LANGUAGES

READ_BY_PEOPLE: Final = frozenset({Stage.INPUT, Stage.OUTPUT})

MOST_TEXTS: Final = 8
"""Texts of a kind, or sentences of what was found, whose language is told, the latest first."""

FEWEST_LETTERS: Final = 20
"""Letters of a sentence that tells its language within a text of another."""

MOST_LIKELY: Final = 0.02
"""The probability that it is in the language of the text all the same: related ones are easily mistaken for each other."""

NEAR: Final = 400
"""Characters before and behind a finding in which its sentence is looked for."""

NO_REQUEST: Final = Request()

_SENTENCE_END: Final = re.compile(r"[\n:]+|[.!?…](?=\s|[\"'»”)])|[\u3002\uff01\uff1f\u0964\u061f]")


def list_message_languages(
    offered: Collection[str],
    leaves: Sequence[Leaf],
    members: Iterable[int],
    request: Request,
    grounds: Iterable[tuple[int, Finding]] = (),
) -> Iterator[str]:
    """Yield the languages in which a message is best said, the best first: that of the sentence for which a rule fired, where the
    text around it is in another; of the text, of the conversation, what the client asks for, and that of what tools returned.
    Each is looked for when it is asked for.

    Args:
        offered: the tags of the languages in which there is the message.
        leaves: of the check.
        members: those for which the rule fired.
        request: who asks.
        grounds: what the rule fired for, each with its leaf.
    """
    codes = frozenset(map(base_language, offered))
    own: list[str] = []
    other: list[str] = []
    for index in [*members][-MOST_TEXTS:]:
        leaf = _root(leaves, leaves[index])
        if isinstance(content := leaf.content, Text):
            (own if _is_read_by_people(leaf) else other).append(content.text)
    said = (
        leaf for leaf in reversed(leaves) if leaf.content.place.role == "user" and _is_read_by_people(leaf)
    )
    found = [*_list_found(leaves, grounds)]
    yield from _tell_others(found, codes)
    yield from _tell(reversed(own), codes)
    yield from _tell((each for leaf, some in found if _is_read_by_people(leaf) for each in some), codes)
    yield from _tell((leaf.content.text for leaf in said if isinstance(leaf.content, Text)), codes)
    yield from _tell([request.prompt], codes)
    if request.language is not None:
        yield request.language
    yield from _tell(reversed(other), codes)


def choose_builtin_language(
    rules: Iterable[FiredRule], leaves: Sequence[Leaf], blocked: Collection[int], request: Request
) -> str:
    """Return the language in which a built-in message is said of a block; it is looked for where no rule has a message alone.

    Args:
        rules: that fired.
        leaves: of the check.
        blocked: those that are stopped; none that is there: all.
        request: who asks.
    """
    if any(rule.message for rule in rules):
        return "en"
    members = [at for at in range(len(leaves)) if at in blocked] or range(len(leaves))
    return choose_language_tag(list_message_languages(LANGUAGES, leaves, members, request), LANGUAGES)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a text in which something is replaced: who asks, and the texts of the check, of which those of the user that do
    not stand in the same `message` tell their language.
    """

    request: Request
    leaves: Sequence[Leaf] = ()
    message: int | None = None

    def list_languages(self, ahead: str, offered: Collection[str]) -> Iterator[str]:
        """Yield the languages in which a text is best put into another, the best first: that of what stands ahead of it, of the
        conversation, and what the client asks for. Nothing that follows counts, so that a text that grows gets the same.

        Args:
            ahead: what stands before it in the text.
            offered: the tags of the languages in which there is the text.
        """
        codes = frozenset(map(base_language, offered))
        yield from _tell([ahead], codes)
        yield from _tell(_list_said(self.leaves, self.message), codes)
        yield from _tell([self.request.prompt], codes)
        if self.request.language is not None:
            yield self.request.language


NOBODY: Final = Reader(NO_REQUEST)


def _list_said(leaves: Sequence[Leaf], besides: int | None) -> Iterator[str]:
    """Yield what the user said in other messages, the latest first."""
    for leaf in reversed(leaves):
        place = leaf.content.place
        is_said = place.role == "user" and place.message != besides and _is_read_by_people(leaf)
        if is_said and isinstance(leaf.content, Text):
            yield leaf.content.text


def _root(leaves: Sequence[Leaf], leaf: Leaf) -> Leaf:
    """Return the text that a leaf stood in, in an encoding or as what fills a slot of it; itself where it stood in none."""
    while leaf.parent is not None and isinstance(leaves[leaf.parent].content, Text):
        leaf = leaves[leaf.parent]
    return leaf


def _is_read_by_people(leaf: Leaf) -> bool:
    """Tell whether a person wrote a text, or was to read it."""
    place = leaf.content.place
    return place.stage in READ_BY_PEOPLE and place.role not in SYSTEM_ROLES


def _tell(texts: Iterable[str], codes: frozenset[str]) -> Iterator[str]:
    """Yield the languages of the first of some texts, as far as they can be told and are offered."""
    for _, text in zip(range(MOST_TEXTS), texts, strict=False):
        if text and (code := choose_language(text, codes)) is not None:
            yield code


def _list_found(
    leaves: Sequence[Leaf], grounds: Iterable[tuple[int, Finding]]
) -> Iterator[tuple[Leaf, list[str]]]:
    """Yield texts in which something was found, each with the sentences of it, the latest first."""
    for index, finding in [*grounds][-MOST_TEXTS:]:
        leaf = leaves[index]
        place = leaf.content.place
        if leaf.parent is not None or finding.span is None or place.stage not in READ_BY_PEOPLE:
            continue
        if isinstance(leaf.content, Text):
            yield leaf, _list_sentences(leaf.content.text, finding.span)


def _tell_others(found: Iterable[tuple[Leaf, Sequence[str]]], codes: frozenset[str]) -> Iterator[str]:
    """Yield the languages of sentences that are in another than the text in which they stand."""
    for leaf, sentences in found:
        assert isinstance(leaf.content, Text)
        around = identify_language(leaf.content.text)[0]
        told = (_tell_other(each, around, codes) for each in sentences if around != "und")
        yield from filter(None, told)


def _tell_other(sentence: str, around: str, codes: frozenset[str]) -> str | None:
    """Return which of some languages a sentence is in; None where it may be in that of the text around it, or is not told."""
    code = choose_language(sentence, codes)
    if code is None or code == around:
        return None
    return code if language_probabilities(sentence).get(around, 0.0) < MOST_LIKELY else None


def _list_sentences(text: str, span: tuple[int, int]) -> list[str]:
    """Return the sentences that a span touches and that are long enough to tell their language, the last ones first."""
    begin, end = max(0, span[0] - NEAR), min(len(text), span[1] + NEAR)
    cuts = [begin, *(match.end() for match in _SENTENCE_END.finditer(text, begin, end)), end]
    touched = [text[start:stop] for start, stop in pairwise(cuts) if start < span[1] and stop > span[0]]
    told = [each for each in reversed(touched) if count_letters(each) >= FEWEST_LETTERS]
    return told[:MOST_TEXTS]
