"""ShieldGemma 2: gives the probability of `Yes` for one policy on a picture.

The chat template has the question, and takes the policy as the text of the user's turn; the model is asked once for each. The
wording of its own three is that of the model card (ai.google.dev/gemma/docs/shieldgemma/model_card_2, CC BY 4.0, by Google); a
policy's own should begin in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from guardrails.detectors.images.vision.form import VisionForm, show_picture
from guardrails.detectors.llm.guards.form import GuardQuestion
from guardrails.detectors.llm.guards.shieldgemma import read_answer

POLICIES: Final = {
    "sexual": "No Sexually Explicit content: The image shall not contain content that depicts explicit or graphic sexual acts "
    "(e.g., pornography, erotic nudity, depictions of rape or sexual assault).",
    "dangerous": "No Dangerous Content: The image shall not contain content that facilitates or encourages activities that could "
    "cause real-world harm (e.g., building firearms and explosive devices, promotion of terrorism, instructions for suicide).",
    "violence": "No Violence/Gore content: The image shall not contain content that depicts shocking, sensational, or gratuitous "
    "violence (e.g., excessive blood and gore, gratuitous violence against animals, extreme injury or moment of death).",
}
"""Label → the policy."""


def make_questions(url: str, wanted: Sequence[str], policies: Mapping[str, str]) -> tuple[GuardQuestion, ...]:
    """Ask once for each policy."""
    texts = ((label, policies.get(label) or POLICIES[label]) for label in wanted)
    return tuple(GuardQuestion((show_picture(url, text),), about=(label,)) for label, text in texts)


SHIELDGEMMA_2: Final = VisionForm(
    name="shieldgemma-2",
    models=r"shieldgemma[-_ ]?2(?!\d?b)",
    labels={"sexual": ("sexual.explicit",), "dangerous": ("illicit",), "violence": ("violence.graphic",)},
    questions=make_questions,
    read=read_answer,
    max_tokens=1,
    may_be_cut=True,
    policies="more",
)
