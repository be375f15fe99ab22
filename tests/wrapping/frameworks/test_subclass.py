"""Objects as ones of a subclass of their own class."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pydantic import BaseModel

from guardrails.wrapping.frameworks.subclass import is_guarded, is_own, with_methods
from tests.cases import each_case


class Plain:
    """An object."""

    def __init__(self) -> None:
        self.word = "x"

    def say(self, word: str = "y") -> str:
        """Say a word."""
        return self.word + word


class Model(BaseModel):
    """A model of pydantic."""

    word: str = "x"

    def say(self, word: str = "y") -> str:
        """Say a word."""
        return self.word + word


class Below(Plain):
    """A class with nothing of its own."""


@each_case("kind", [Plain, Model])
def test_an_object_gets_other_methods(kind: Any) -> None:
    """It is one of its class, with its name and signatures; the object that was given stays as it was."""
    given = kind()
    made = with_methods(
        given, {"say": lambda self, word="y": kind.say(self, word).upper(), "no": print}, {"z": 1}
    )

    assert (made.say(), given.say(), made.z) == ("XY", "xy", 1)
    assert isinstance(made, kind)
    assert type(made).__name__ == kind.__name__
    assert inspect.signature(type(made).say) == inspect.signature(kind.say)
    assert not hasattr(made, "no")
    assert (is_guarded(made), is_guarded(given)) == (True, False)
    with pytest.raises(TypeError, match="wrapped already"):
        with_methods(made, {})


def test_own_methods_are_told_from_those_above() -> None:
    """By the class that has them."""
    assert is_own(Plain(), "say")
    assert is_own(Below(), "say")
    assert not is_own(Below(), "say", "Plain")
    assert not is_own(Plain(), "no")
