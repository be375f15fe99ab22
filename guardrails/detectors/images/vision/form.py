"""The form of a family of vision models that judge pictures: how questions are made and answers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from guardrails.detectors.llm.guards.form import GuardQuestion, Labels, Scores
from guardrails.remote.chat import ModelAnswer


@dataclass(frozen=True, slots=True)
class VisionForm:
    """A family of models that are asked and answer alike.

    Args:
        name: what `form:` calls it.
        models: a pattern that its models' names match in servers; "" for one that is named alone.
        labels: what its answers can say, with the categories that it finds.
        questions: the data URI of a picture, the labels that are wanted and the policies in words → all requests for it.
        read: a question and its answer → scores; raises `UnreadableAnswer`.
        max_tokens: tokens of an answer at most.
        top: how many likely tokens are wanted in each place; 0 where they tell nothing.
        may_be_cut: an answer of `max_tokens` tokens is whole.
        policies: whether it judges by policies in words: not at all, by its own and further ones, or by given ones alone.
    """

    name: str
    models: str
    labels: Labels
    questions: Callable[[str, Sequence[str], Mapping[str, str]], Sequence[GuardQuestion]]
    read: Callable[[GuardQuestion, ModelAnswer], Scores]
    max_tokens: int
    top: int = 10
    may_be_cut: bool = False
    policies: Literal["none", "more", "all"] = "none"


def show_picture(url: str, text: str = "") -> Mapping[str, Any]:
    """Return a user's message of a picture, and a text behind it."""
    content: list[Mapping[str, Any]] = [{"type": "image_url", "image_url": {"url": url}}]
    return {"role": "user", "content": [*content, *([{"type": "text", "text": text}] if text else [])]}
