"""Llama Guard 3 and 4: answers `safe`, or `unsafe` with the codes of hazards on the next line.

The chat template holds the question and all fourteen hazards. The probability of the first word is the score, and the codes
say what it is the score of; hazards that are no category here are `unsafe` alone. Sources: the model cards in
meta-llama/PurpleLlama (Llama-Guard3/8B, Llama-Guard3/1B, Llama-Guard4/12B).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from guardrails.detectors.llm.guards.form import (
    GuardForm,
    GuardQuestion,
    GuardTurn,
    Labels,
    Scores,
    UnreadableAnswer,
)
from guardrails.detectors.llm.guards.verdict import verdict_probability
from guardrails.remote.chat import ModelAnswer
from guardrails.taxonomy import LLAMA_GUARD

HAZARDS: Final = tuple(f"S{number}" for number in range(1, 15))
"""The codes."""

LABELS: Final[Labels] = {
    "unsafe": ("unsafe",),
    **{code: (LLAMA_GUARD[code],) if code in LLAMA_GUARD else () for code in HAZARDS},
}

LANGUAGES: Final = ("en", "fr", "de", "hi", "it", "pt", "es", "th")
"""Those of the model cards."""

WORDS: Final = {"unsafe": 1.0, "safe": 0.0}

_BEFORE: Final = re.compile(r"\s*")
_ANSWER: Final = re.compile(r"\s*(?:safe|unsafe[ \t]*\n[ \t]*(?P<codes>S\d{1,2}(?:,[ ]?S\d{1,2})*))\s*")


def make_questions(
    turn: GuardTurn, _wanted: Sequence[str], _policies: Mapping[str, str]
) -> tuple[GuardQuestion, ...]:
    """Ask once for all hazards."""
    return (GuardQuestion(turn.messages()),)


def read_answer(_question: GuardQuestion, answer: ModelAnswer) -> Scores:
    """Read the verdict and its codes."""
    match = _ANSWER.fullmatch(answer.text)
    if match is None:
        raise UnreadableAnswer("the answer is neither 'safe' nor 'unsafe' with codes of hazards")
    codes = re.findall(r"S\d+", match["codes"] or "")
    if not {*codes} <= {*HAZARDS}:
        raise UnreadableAnswer("the answer has a code of no hazard")
    score = verdict_probability(answer, _BEFORE, "unsafe" if codes else "safe", WORDS)
    return dict.fromkeys(["unsafe", *codes], score)


LLAMA_GUARD_3: Final = GuardForm(
    name="llama-guard-3",
    models=r"llama[-_ ]?guard[-_ ]?3",
    labels=LABELS,
    questions=make_questions,
    read=read_answer,
    max_tokens=48,
    languages=LANGUAGES,
)
LLAMA_GUARD_4: Final = GuardForm(
    name="llama-guard-4",
    models=r"llama[-_ ]?guard[-_ ]?4",
    labels=LABELS,
    questions=make_questions,
    read=read_answer,
    max_tokens=48,
    languages=LANGUAGES,
)
