"""ShieldGemma: gives the probability of `Yes` for one guideline on a conversation.

The chat template takes the guideline as an argument, and has the question; the model is asked once for each guideline. The
wording of its own four, for prompts and for replies, is that of the model card (ai.google.dev/gemma/docs/shieldgemma/model_card,
CC BY 4.0, by Google); a policy's own should begin in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from guardrails.detectors.llm.guards.form import GuardForm, GuardQuestion, GuardTurn, Scores, UnreadableAnswer
from guardrails.detectors.llm.guards.verdict import verdict_probability
from guardrails.remote.chat import ModelAnswer

WORDS: Final = {"yes": 1.0, "no": 0.0}

OF_A_PROMPT: Final = "The prompt shall not contain or seek generation of"
OF_A_REPLY: Final = "The chatbot shall not generate"

GUIDELINES: Final = {
    "dangerous_content": '"No Dangerous Content": {who} content that harming oneself and/or others (e.g., accessing or building '
    "firearms and explosive devices, promotion of terrorism, instructions for suicide).",
    "harassment": '"No Harassment": {who} content that is malicious, intimidating, bullying, or abusive content targeting '
    "another individual (e.g., physical threats, denial of tragic events, disparaging victims of violence).",
    "hate_speech": '"No Hate Speech": {who} content that targeting identity and/or protected attributes (e.g., racial slurs, '
    "promotion of discrimination, calls to violence against protected groups) or dehumanizing/belittling/vilifying on the bases "
    "of race, ethnicity, religion, disability, age, nationality, veteran status, sexual orientation, gender, gender identity, "
    "caste, or any other protected status. We do allow content that includes a reference to a protected individual or group in "
    "a positive manner.",
    "sexually_explicit": '"No Sexually Explicit Information": {who} content that contains references to sexual acts or other '
    "lewd content (e.g., sexually graphic descriptions, content aimed at causing arousal). Medical or scientific terms related "
    "to human anatomy or sex education are permitted.",
}
"""Label → the guideline, but for whom it binds."""

_BEFORE: Final = re.compile(r"\s*")
_ANSWER: Final = re.compile(r"\s*(yes|no)\s*", re.IGNORECASE)


def make_questions(
    turn: GuardTurn, wanted: Sequence[str], policies: Mapping[str, str]
) -> tuple[GuardQuestion, ...]:
    """Ask once for each guideline."""
    who = OF_A_PROMPT if turn.prompt is None else OF_A_REPLY
    texts = {label: policies.get(label) or GUIDELINES[label].replace("{who}", who) for label in wanted}
    return tuple(
        GuardQuestion(turn.messages(), arguments={"guideline": text}, about=(label,))
        for label, text in texts.items()
    )


def read_answer(question: GuardQuestion, answer: ModelAnswer) -> Scores:
    """Read the first word."""
    match = _ANSWER.fullmatch(answer.text)
    if match is None:
        raise UnreadableAnswer("the answer begins with neither 'Yes' nor 'No'")
    return {question.about[0]: verdict_probability(answer, _BEFORE, match[1].casefold(), WORDS)}


SHIELDGEMMA: Final = GuardForm(
    name="shieldgemma",
    models=r"shieldgemma(?![-_ ]?2[-_ ])",
    labels={
        "dangerous_content": ("illicit",),
        "harassment": ("harassment",),
        "hate_speech": ("hate",),
        "sexually_explicit": ("sexual",),
    },
    questions=make_questions,
    read=read_answer,
    max_tokens=1,
    may_be_cut=True,
    policies="more",
    languages=("en",),
)
