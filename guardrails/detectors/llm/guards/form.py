"""The form of a family of guard models: how questions are made and answers are read.

A guard model was trained on one wording of the question and one of the answer. The first is in its chat template wherever it has
one; a form brings what the template leaves open. The second is read to the letter: an answer that is not wholly of the form
(another word, another order, an unknown label, anything before or after it) is `UnreadableAnswer`, and the text's check has
failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from guardrails.remote.chat import ModelAnswer
from guardrails.remote.endpoint import RemoteError

Scores = Mapping[str, float]
"""Label of the form → score in 0..1."""

Labels = Mapping[str, tuple[str, ...]]
"""Label → the categories that it finds: none for what has no category here."""


class UnreadableAnswer(RemoteError):
    """An answer that is none of the form's. The text says why, and nothing of the answer or of what was judged."""


@dataclass(frozen=True, slots=True)
class GuardTurn:
    """What is judged. `prompt` is what the text replies to ("" where that is not known), None where it is no reply."""

    text: str
    prompt: str | None = None

    def messages(self) -> tuple[dict[str, str], ...]:
        """Return the conversation that ends with the text: a user's turn, or an assistant's behind it."""
        if self.prompt is None:
            return ({"role": "user", "content": self.text},)
        return ({"role": "user", "content": self.prompt}, {"role": "assistant", "content": self.text})


@dataclass(frozen=True, slots=True)
class GuardQuestion:
    """One request: `messages` for the chat template with its further `arguments`, or a `prompt` that is read as it is.
    `about` are the labels that its answer tells of, where the question chooses them.
    """

    messages: tuple[Mapping[str, Any], ...] = ()
    prompt: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GuardForm:
    """A family of models that are asked and answer alike.

    Args:
        name: what `form:` calls it.
        models: a pattern that its models' names match, on the hub and in servers.
        labels: what its answers can say.
        questions: a turn, the labels that are wanted and the policies in words in; all requests for it out.
        read: a question and its answer in, scores out; raises `UnreadableAnswer`.
        max_tokens: tokens of an answer at most.
        top: how many likely tokens are wanted in each place; 0 where they tell nothing.
        may_be_cut: an answer of `max_tokens` tokens is whole.
        policies: whether it judges by policies in words: not at all, by its own and further ones, or by given ones alone.
        languages: those that it was validated on; none for all.
    """

    name: str
    models: str
    labels: Labels
    questions: Callable[[GuardTurn, Sequence[str], Mapping[str, str]], Sequence[GuardQuestion]]
    read: Callable[[GuardQuestion, ModelAnswer], Scores]
    max_tokens: int
    top: int = 10
    may_be_cut: bool = False
    policies: Literal["none", "more", "all"] = "none"
    languages: tuple[str, ...] = ()
