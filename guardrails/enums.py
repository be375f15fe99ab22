"""The words of policies and verdicts as enumerations: actions, severities, stages, modes.

Each member equals its word, so that `verdict.action == "block"` says what it seems to say. A word that there is not is an error
where an action or a severity meets it: the comparison would be false for ever, and what depends on it would never happen.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Literal, Self, TypeAlias

from guardrails.spelling import suggest_name


class OrderedWords(IntEnum):
    """Members that are ordered, and equal to their words and to their numbers.

    A member hashes as its word, not as its number: `verdict.action in {"block", "redact"}` and `{"block": 403}[verdict.action]`
    find it. Both at once is impossible, and keys that are numbers are rare; look up `int(action)` among those.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls.parse(value) if isinstance(value, str) else None

    @classmethod
    def parse(cls, word: str | Self) -> Self:
        """Return the member that a word means, or the member itself; raises `ValueError` where there is none."""
        if isinstance(word, cls):
            return word
        for member in cls:
            if member._name_.lower() == word:
                return member
        raise unknown_word(cls.__name__, str(word), [str(member) for member in cls])

    def _number(self, other: object) -> object:
        return int(self.parse(other)) if isinstance(other, str) else other

    def __str__(self) -> str:
        return self._name_.lower()

    def __hash__(self) -> int:
        return hash(self._name_.lower())

    def __eq__(self, other: object) -> bool:
        return int.__eq__(self, self._number(other))

    def __ne__(self, other: object) -> bool:
        return int.__ne__(self, self._number(other))

    def __lt__(self, other: int | str) -> bool:
        return int.__lt__(self, self._number(other))  # type: ignore[operator] # gives NotImplemented for what is no number

    def __le__(self, other: int | str) -> bool:
        return int.__le__(self, self._number(other))  # type: ignore[operator]

    def __gt__(self, other: int | str) -> bool:
        return int.__gt__(self, self._number(other))  # type: ignore[operator]

    def __ge__(self, other: int | str) -> bool:
        return int.__ge__(self, self._number(other))  # type: ignore[operator]


class Words(StrEnum):
    """Members that are their words, and compare as any text does: what a client sends is often tried against them."""

    @classmethod
    def _missing_(cls, value: object) -> None:
        if isinstance(value, str):
            raise unknown_word(cls.__name__, value, [member._value_ for member in cls])


class Action(OrderedWords):
    """What to do with a content; ordered, so that `max()` of several is the strictest."""

    ALLOW = 0
    FLAG = 1
    REDACT = 2
    BLOCK = 3


class Severity(OrderedWords):
    """How grave it is that a rule fired; orders rules within one action."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3


class Stage(Words):
    """Where in a model call a content stands."""

    INPUT = "input"
    OUTPUT = "output"
    TOOL_DEFINITION = "tool_definition"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    RETRIEVAL = "retrieval"


class Mode(Words):
    """Whether a rule acts (`enforce`) or is only recorded (`shadow`)."""

    ENFORCE = "enforce"
    SHADOW = "shadow"


StageName: TypeAlias = (
    Literal["input", "output", "tool_definition", "tool_call", "tool_result", "retrieval"] | Stage
)
"""A stage, or its word."""

AsksFor: TypeAlias = Literal["", "picture", "film", "absence"]
"""What a text asks a generator for: a picture, a film, or (as a negative prompt) that something is not to be seen; "": none of
these."""

ActionName: TypeAlias = Literal["allow", "flag", "redact", "block"] | Action
"""An action, or its word."""


def unknown_word(kind: str, word: str, known: list[str]) -> ValueError:
    """Return the error for a word that an enumeration does not have."""
    hint = suggest_name(word, known)
    return ValueError(f"{word!r} is not {'an' if kind[0] in 'AEIOU' else 'a'} {kind.lower()}; {hint}")
