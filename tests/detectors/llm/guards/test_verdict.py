"""The probability of a verdict: all spellings of its words count, and what is no verdict is an error."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from guardrails.detectors.llm.guards.form import UnreadableAnswer
from guardrails.detectors.llm.guards.verdict import verdict_probability
from guardrails.remote.chat import AnswerToken, ModelAnswer
from tests.cases import each_case

WORDS = {"unsafe": 1.0, "safe": 0.0}
START = re.compile(r"\s*")


@each_case(
    ("text", "top", "score"),
    [
        ("safe", {"safe": 0.7, "unsafe": 0.3}, 0.3),
        ("unsafe", {"unsafe": 0.9, "safe": 0.1}, 0.9),
        ("safe", {"safe": 0.4, " safe": 0.2, "Safe": 0.1, "unsafe": 0.2, "Unsafe": 0.1}, 0.3),
        ("safe", {"safe": 0.6, "un": 0.2, "\n": 0.2}, 0.25),  # 'un' can only become 'unsafe'
        ("safe", {"safe": 1.0}, 0.0),
        ("\n\nsafe", {"safe": 0.5, "unsafe": 0.5}, 0.5),  # the first token is none of a verdict
        (" safe", {" safe": 0.8, " unsafe": 0.2}, 0.2),
    ],
)
def test_the_score_is_the_share_of_the_unsafe_words(said: Any, text: str, top: Any, score: float) -> None:
    """Case, white space and the beginnings of words make no difference; other tokens do not count."""
    word = text.strip()
    assert verdict_probability(said(text, top), START, word, WORDS) == pytest.approx(score)


@each_case(
    ("word", "top", "score"),
    [
        ("safe", {"safe": 0.3, "unsafe": 0.7}, 0.7),
        ("unsafe", {"unsafe": 0.3, "safe": 0.7}, 1.0),
        ("unsafe", {"unsafe": 0.4, "safe": 0.3, "Safe": 0.3}, 1.0),
    ],
)
def test_where_text_and_probabilities_disagree_the_stricter_holds(
    said: Any, word: str, top: Any, score: float
) -> None:
    """A server that says 'safe' and gives 'unsafe' seventy percent has not said that all is well."""
    assert verdict_probability(said(word, top), START, word, WORDS) == pytest.approx(score)


@each_case(("word", "score"), [("safe", 0.0), ("unsafe", 1.0)])
def test_without_probabilities_the_word_decides(said: Any, word: str, score: float) -> None:
    """The score is then one or nothing."""
    assert verdict_probability(said(word), START, word, WORDS) == score


def token(text: str, **likely: float) -> AnswerToken:
    """Return a token with the probabilities of others in its place."""
    return AnswerToken(text, 0.0, tuple((word, math.log(share)) for word, share in likely.items()))


@each_case(
    "tokens",
    [
        (token("unsafe", unsafe=1.0),),  # of another answer
        (token("the", the=1.0), token(" safe", safe=1.0)),
        (token("safe", maybe=0.9, safe=0.1),),  # neither word is likely
        (token("safe", safe=0.9, unsafe=0.8),),  # more than there is
        (),
        (token("", safe=1.0),),
    ],
)
def test_probabilities_of_something_else_are_an_error(tokens: tuple[AnswerToken, ...]) -> None:
    """They must be those of this very answer, and add up."""
    with pytest.raises(UnreadableAnswer, match="probabilities"):
        verdict_probability(ModelAnswer("safe", tokens), START, "safe", WORDS)


def test_a_verdict_that_begins_within_a_token_is_found() -> None:
    """Some tokenizers take the bracket before a word into its token."""
    one = AnswerToken(">yes", -0.1, ((">yes", math.log(0.8)), (">no", math.log(0.1)), ("yes", math.log(0.1))))
    answer = ModelAnswer("<score>yes", (token("<score", **{"<score": 1.0}), one))
    assert verdict_probability(
        answer, re.compile("<score>"), "yes", {"yes": 1.0, "no": 0.0}
    ) == pytest.approx(8 / 9)
