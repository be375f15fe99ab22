"""What is wrong with a text that has to be in some format, such as JSON that fits a schema, and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormatProblem:
    """One thing that is wrong with a text.

    Attributes:
        pointer: the JSON Pointer of the value that is wrong, "" for the whole text.
        expected: what was expected there, in words.
    """

    pointer: str
    expected: str

    def __str__(self) -> str:
        return f"{self.pointer or 'the answer'}: {self.expected}"


@dataclass(frozen=True, slots=True)
class FormatFailure:
    """A text that a rule with `on_fail` looked at, that does not fit, and that could not be repaired.

    Attributes:
        rule: the id of the rule.
        problems: what is wrong with the text.
        reasks: how often the model may be asked again.
        choice_index: the choice of the answer that the text belongs to, None where there are none.
        text: the text, redacted as the policy says.
        language: what it was to be, in words: `JSON`, `SQL`.
    """

    rule: str
    problems: tuple[FormatProblem, ...]
    reasks: int = 0
    choice_index: int | None = None
    text: str = ""
    language: str = "JSON"
