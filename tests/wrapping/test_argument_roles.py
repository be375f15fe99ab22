"""What the arguments of a function are: by declaration, by annotation, by name."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from guardrails.types import Stage
from guardrails.wrapping.argument_roles import ArgumentRoles, read_roles
from tests.cases import each_case


class Mode(enum.Enum):
    """A setting."""

    FAST = "fast"


class Bot:
    """An object with a method."""

    def ask(self, question: str, model: str = "m") -> str:
        """Answer."""
        return question


def chat(messages: list[Any], model: str, system: str = "") -> None:
    """Take a chat."""


def answer(question: str, documents: list[str], tone: Literal["kind", "dry"] = "kind") -> None:
    """Take documents."""


def only(anything: str) -> None:
    """Take one argument."""


def alone(instructions: str, mode: Mode | None = None) -> None:
    """Take instructions alone."""


def book(origin: str, destination: str, seats: int = 1, where: Path = Path()) -> None:
    """Take records."""


def draw(prompt: str, negative_prompt: str = "") -> None:
    """Take a negative prompt."""


def loose(*parts: str, **more: Any) -> None:
    """Take anything."""


@each_case(
    ("function", "roles"),
    [
        (chat, {"messages": "prompt", "model": "setting", "system": "system"}),
        (answer, {"question": "prompt", "documents": "context", "tone": "setting"}),
        (only, {"anything": "prompt"}),
        (alone, {"instructions": "prompt", "mode": "setting"}),
        (book, {"origin": "value", "destination": "value", "seats": "setting", "where": "setting"}),
        (draw, {"prompt": "prompt", "negative_prompt": "avoided"}),
        (loose, {}),
        (Bot().ask, {"question": "prompt", "model": "setting"}),
        (Bot.ask, {"question": "prompt", "model": "setting"}),
        (len, {"obj": "prompt"}),
        (print, {}),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_names_and_annotations_tell(function: Callable[..., Any], roles: dict[str, str]) -> None:
    """The only argument beside settings is the prompt, whatever it is called."""
    found = read_roles(function, {}).describe()
    assert {name: role for name, role in found.items() if name in roles} == roles
    assert roles or set(found.values()) <= {"value", "setting"}


def test_declarations_go_before_names() -> None:
    """By name or position, one or several; what is declared as documents is judged as those alone."""
    declared = read_roles(answer, {"prompt": 1, "context": "question", "ignored": ["tone"]})
    assert declared.describe() == {"documents": "prompt", "question": "context", "tone": "ignored"}
    assert declared.places["question"].place.also == ()
    assert read_roles(answer, {}).places["documents"].place.also == (Stage.INPUT,)
    assert read_roles(loose, {"ignored": [0, "other"]}).describe() == {0: "ignored", "other": "ignored"}


@each_case(
    ("declared", "message"),
    [
        (
            {"prompt": "questoin"},
            r"prompt: the function has no argument 'questoin'; did you mean 'question'\?",
        ),
        ({"system": 7}, "system: the function has no argument 7"),
        ({"prompt": "question", "ignored": 0}, "the argument 0 is both prompt and ignore"),
        ({"context": [True]}, "context takes names or positions of arguments, not True"),
        ({"prompt": [1.5]}, "prompt takes names or positions"),
    ],
)
def test_a_wrong_declaration_is_an_error(declared: Any, message: str) -> None:
    """It names the option, and what is meant."""
    with pytest.raises(TypeError, match=message):
        read_roles(answer, declared)


def test_arguments_of_a_call_are_bound_to_their_names() -> None:
    """Those without one to their positions; unknown keywords are told by their names."""
    roles = read_roles(answer, {})
    assert [(name, place.role) for name, _, place in roles.bind(("q",), {"documents": []})] == [
        ("question", "prompt"),
        ("documents", "context"),
    ]
    loosely = read_roles(loose, {}).bind(("a",), {"prompt": "b", "model": "c", "x": "d"})
    assert [(name, place.role) for name, _, place in loosely] == [
        (0, "value"),
        ("prompt", "prompt"),
        ("model", "setting"),
        ("x", "value"),
    ]
    assert [*ArgumentRoles().bind((), {})] == []


def test_a_prompt_of_a_picture_says_so() -> None:
    """Where the function takes what is not to be seen, too."""
    places = read_roles(draw, {}).places
    assert [places[name].place.asks_for for name in ("prompt", "negative_prompt")] == ["picture", "absence"]
    assert read_roles(answer, {}).places["question"].place.asks_for == ""
