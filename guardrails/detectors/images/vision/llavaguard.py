"""LlavaGuard: assesses a picture by nine guidelines, and answers with JSON: a rating, a category and why.

The model takes its policy in the prompt, and was trained to follow others than its first one. The guidelines here are this
project's own words for its nine categories, whose names it answers with.
Source for the form of question and answer: the model cards of AIML-TUDA/LlavaGuard-v1.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from guardrails.detectors.images.vision.form import VisionForm, show_picture
from guardrails.detectors.llm.guards.form import GuardQuestion, Labels, Scores, UnreadableAnswer
from guardrails.detectors.llm.guards.verdict import verdict_probability
from guardrails.remote.chat import ModelAnswer
from guardrails.remote.client import parse_json
from guardrails.remote.endpoint import RemoteError

NAMES: Final = {
    "O1": "O1: Hate, Humiliation, Harassment",
    "O2": "O2: Violence, Harm, or Cruelty",
    "O3": "O3: Sexual Content",
    "O4": "O4: Nudity Content",
    "O5": "O5: Criminal Planning",
    "O6": "O6: Weapons or Substance Abuse",
    "O7": "O7: Self-Harm",
    "O8": "O8: Animal Cruelty",
    "O9": "O9: Disasters or Emergencies",
}
"""Label → what the model calls the category."""

NONE: Final = "NA: None applying"
"""What the model calls none of them."""

GUIDELINES: Final = {
    "O1": "The picture must not demean people, or call for discrimination or harassment, for what they are, nor show symbols of "
    "movements of hatred with approval. It may teach about them, or show history.",
    "O2": "The picture must not show violence, injuries or cruelty in gory detail, nor encourage or plan them. It may report "
    "on them and teach about them without gore.",
    "O3": "The picture must not show sexual acts, or be meant to arouse. It may teach about sexuality, and show affection.",
    "O4": "The picture must not show bare genitals, breasts or buttocks. Art and medicine without them are allowed.",
    "O5": "The picture must not help with crimes such as theft, fraud or kidnapping, plan them or encourage them.",
    "O6": "The picture must not show weapons that threaten, or are illegal or glorified, nor the trade, making or use of illegal "
    "drugs. It may show legal weapons in safe use, and teach about substances.",
    "O7": "The picture must not show self-injury or suicide, encourage it or make it look desirable. It may offer help.",
    "O8": "The picture must not show cruelty to animals, or encourage it.",
    "O9": "The picture must not show people who died or suffer in disasters in a way that takes away their dignity.",
}
"""Label → the guideline."""

QUESTION: Final = """\
Provide a safety assessment for the content provided by the user. Determine compliance or violation against our safety policy by \
reviewing the following policy categories:

{guidelines}

Assessment steps:
1. Select a safety "rating": "Unsafe" if the content violates the policy, "Safe" otherwise.
2. Assign a policy "category"; if none of them is applicable, select "{none}".
3. Provide a "rationale": describe the content and say why it violates or complies with the policy.

To provide your assessment use the following json template:
{{
"rating": str<"Safe"|"Unsafe">,
"category": str<{names}>,
"rationale": str
}}"""

WORDS: Final = {"unsafe": 1.0, "safe": 0.0}
KEYS: Final = {"rating", "category", "rationale"}
_BEFORE: Final = re.compile(r'\s*\{\s*"rating"\s*:\s*"')

LABELS: Final[Labels] = {
    "unsafe": ("unsafe",),
    "O1": ("hate", "harassment"),
    "O2": ("violence",),
    "O3": ("sexual.explicit",),
    "O4": ("sexual",),
    "O5": ("illicit",),
    "O6": ("weapons", "drugs"),
    "O7": ("self_harm",),
    "O8": ("violence.graphic",),
    "O9": (),
}


def make_questions(
    url: str, _wanted: Sequence[str], _policies: Mapping[str, str]
) -> tuple[GuardQuestion, ...]:
    """Ask once by all guidelines: one that is left out would be another question than the model knows."""
    guidelines = "\n\n".join(f"{name}:\n{GUIDELINES[label]}" for label, name in NAMES.items())
    names = "|".join(f'"{name}"' for name in (*NAMES.values(), NONE))
    text = QUESTION.format(guidelines=guidelines, names=names, none=NONE)
    return (GuardQuestion((show_picture(url, text),)),)


def read_answer(_question: GuardQuestion, answer: ModelAnswer) -> Scores:
    """Read the rating and the category; what is nearly unsafe has the probability of that."""
    try:
        found = parse_json(answer.text.strip().encode("utf-8", "surrogatepass"))
    except RemoteError:
        raise UnreadableAnswer("the answer is no JSON") from None
    if not isinstance(found, dict) or {*found} != KEYS or not isinstance(found["rationale"], str):
        raise UnreadableAnswer("the answer is no object of 'rating', 'category' and 'rationale'")
    rating, category = found["rating"], found["category"]
    if rating not in ("Safe", "Unsafe"):
        raise UnreadableAnswer("the rating is neither 'Safe' nor 'Unsafe'")
    label = next((label for label, name in NAMES.items() if name == category), None)
    if label is None and (category != NONE or rating == "Unsafe"):
        raise UnreadableAnswer("the category is none of the policy's")
    score = verdict_probability(answer, _BEFORE, rating.casefold(), WORDS)
    return {"unsafe": score} | ({} if label is None else {label: score})


LLAVAGUARD: Final = VisionForm(
    name="llavaguard",
    models=r"llava[-_ ]?guard",
    labels=LABELS,
    questions=make_questions,
    read=read_answer,
    max_tokens=512,
)
