"""Llama Guard 4 on pictures: the chat template holds the question and the hazards, a picture is the user's turn.

Answers are read as those on texts are (`detectors/llm/guards/llama_guard.py`). Source: the model card in
meta-llama/PurpleLlama (Llama-Guard4/12B).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from guardrails.detectors.images.vision.form import VisionForm, show_picture
from guardrails.detectors.llm.guards.form import GuardQuestion
from guardrails.detectors.llm.guards.llama_guard import LABELS, LLAMA_GUARD_4, read_answer


def make_questions(
    url: str, _wanted: Sequence[str], _policies: Mapping[str, str]
) -> tuple[GuardQuestion, ...]:
    """Ask once for all hazards."""
    return (GuardQuestion((show_picture(url),)),)


LLAMA_GUARD_4_VISION: Final = VisionForm(
    name=LLAMA_GUARD_4.name,
    models=LLAMA_GUARD_4.models,
    labels=LABELS,
    questions=make_questions,
    read=read_answer,
    max_tokens=LLAMA_GUARD_4.max_tokens,
)
