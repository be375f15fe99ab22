"""Computes the probability of a verdict from the tokens of an answer.

A model that says `safe` may have been near to saying `unsafe`. Where the server gives the likeliest tokens in the place of the
verdict, all that begin one of the words count (`Yes`, ` yes`, `un` of `unsafe`), and the score is what they are worth together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Final

from guardrails.detectors.llm.guards.form import UnreadableAnswer
from guardrails.remote.chat import AnswerToken, ModelAnswer

LEAST_MASS: Final = 0.5
"""What the words must be worth together, of all that the model could have said in their place."""

NEAR: Final = 0.01
"""How far above 1 probabilities may add up by rounding."""


def verdict_probability(
    answer: ModelAnswer, before: re.Pattern[str], said: str, words: Mapping[str, float]
) -> float:
    """Return what the verdict of an answer is worth, in 0..1.

    Where the word that was said is not the likeliest, the stricter of both holds.

    Args:
        answer: the answer; without token probabilities the word itself decides.
        before: what stands before the verdict.
        said: the word that the text of the answer holds.
        words: each word, in lower case, with what it is worth.

    Raises:
        Unreadable: the probabilities are not those of the answer, or of none of the words.
    """
    if answer.tokens is None:
        return words[said]
    whole = "".join(token.text for token in answer.tokens)
    begin = before.match(whole)
    if begin is None or whole[begin.end() : begin.end() + len(said)].casefold() != said:
        raise UnreadableAnswer("the token probabilities are not those of the answer")
    mass = _mass(answer.tokens, begin.end(), words)
    total = sum(mass.values())
    if not LEAST_MASS <= total <= 1 + NEAR:
        raise UnreadableAnswer("the token probabilities are not those of a verdict")
    expected = sum(mass[word] * words[word] for word in words) / total
    if mass[said] < max(mass.values()):
        expected = max(expected, words[said])
    return min(max(expected, 0.0), 1.0)


def _mass(tokens: tuple[AnswerToken, ...], begin: int, words: Mapping[str, float]) -> dict[str, float]:
    """Return how likely each word is in the place of the token that holds the character `begin`."""
    ends = [*accumulate(len(token.text) for token in tokens)]
    at = next(index for index, end in enumerate(ends) if end > begin)
    token = tokens[at]
    head = token.text[: begin - (ends[at] - len(token.text))].strip()
    top = token.top
    if token.text not in {text for text, _ in top}:
        top = (*top, (token.text, token.logprob))
    mass = dict.fromkeys(words, 0.0)
    for text, logprob in top:
        rest = text.strip()
        if not rest.startswith(head):
            continue
        rest = rest[len(head) :].strip().casefold()
        meant = [word for word in words if word == rest or (len(rest) > 1 and word.startswith(rest))]
        if len(meant) == 1:
            mass[meant[0]] += math.exp(logprob)
    return mass
