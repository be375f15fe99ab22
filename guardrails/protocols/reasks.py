"""Asks a model again whose reply is not in the format that a rule wants: what it is told, and when it is.

How the words are put into a request is each API's own (`Protocol.append_reask`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from guardrails.types import Action, Verdict
from guardrails.verdicts.format_failure import FormatFailure

MOST_SHOWN: Final = 16
"""Problems that a model is told of at once."""

LONGEST_ANSWER: Final = 20_000
"""Characters of a reply that are repeated to the model; of a longer one the beginning."""


@dataclass(frozen=True, slots=True)
class Reask:
    """What a model is asked again with: what it had answered, and the words on what is wrong with that."""

    answer: str
    words: str


NO_ANSWER: Final = "(no answer)"
"""What stands for an empty reply, which APIs do not take as a turn."""


class AnswerRejected(Exception):
    """A model's reply is not in the format that is wanted, and the model is to be asked again."""

    def __init__(self, reask: Reask) -> None:
        super().__init__("the model is to be asked again")
        self.reask = reask


def find_reask(verdict: Verdict, done: float) -> Reask | None:
    """Return what a model is to be asked again with, None where it is not: nothing is wrong with the format of its reply, it was
    asked as often as the rule says, or something else is wrong with the reply, or could not be checked.

    Args:
        verdict: on the answer.
        done: how often the model was asked again already.
    """
    failures = [failure for failure in verdict.format_failures if failure.reasks > done]
    if not failures or verdict.unavailable is not None:
        return None
    own = {failure.rule for failure in verdict.format_failures}
    if verdict.blocked and any(rule.action is Action.BLOCK and rule.id not in own for rule in verdict.rules):
        return None
    first = failures[0]
    same = [each for each in failures if each.choice_index == first.choice_index and each.text == first.text]
    answer = verdict.restore(first.text[:LONGEST_ANSWER])
    return Reask(answer if answer.strip() else NO_ANSWER, verdict.restore(write_reask(same)))


def write_reask(failures: Sequence[FormatFailure]) -> str:
    """Return the words on what is wrong with a reply. They are judged as a user's are, so that they are plain."""
    problems = dict.fromkeys(str(problem) for failure in failures for problem in failure.problems)
    listed = "\n".join(f"- {problem}" for problem in [*problems][:MOST_SHOWN])
    language = failures[0].language
    return f"The validation of the {language} found these errors:\n{listed}\nPlease correct the {language}."
