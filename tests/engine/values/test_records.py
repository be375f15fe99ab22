"""Objects with named fields: pydantic, dataclasses, attrs, namespaces."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import attrs
from openai.types.chat import ChatCompletionMessage
from pydantic import BaseModel, ConfigDict, RootModel
from pydantic.dataclasses import dataclass as checked_dataclass
from pydantic.v1 import BaseModel as OldModel

from guardrails.engine.values.known_types import adapter_of
from guardrails.engine.values.walk import find_leaves
from guardrails.engine.values.writer import replace_values
from tests.cases import each_case
from tests.engine.values.test_containers import change


class Model(BaseModel):
    """A model that cannot be changed, and takes more than its fields."""

    model_config = ConfigDict(frozen=True, extra="allow")
    text: str
    inner: list[Model] = []


class Root(RootModel[list[str]]):
    """A model of a list."""


class Older(OldModel):
    """A model of pydantic's first version."""

    text: str


@dataclass
class Plain:
    """A dataclass with what `replace` cannot make anew."""

    text: str
    seed: InitVar[int] = 0
    made: str = field(init=False, default="m")


@dataclass(frozen=True, slots=True)
class Slotted:
    """A dataclass without a dictionary."""

    text: str
    other: Any = None


@checked_dataclass
class Checked:
    """A dataclass of pydantic's."""

    text: str


@attrs.frozen
class Attrs:
    """A class of attrs's."""

    text: str
    _private: str = "p"


@each_case(
    ("value", "changed"),
    [
        (Model(text="a", inner=[Model(text="b")]), Model(text="A", inner=[Model(text="B")])),
        (Root(["a"]), Root(["A"])),
        (Older(text="a"), Older(text="A")),
        (Slotted("a", Slotted("b")), Slotted("A", Slotted("B"))),
        (Checked("a"), Checked("A")),
        (Attrs("a"), Attrs("A", "P")),
        (SimpleNamespace(text="a"), SimpleNamespace(text="A")),
        (Namespace(text="a"), Namespace(text="A")),
        (ChatCompletionMessage(role="assistant", content="a"), None),
    ],
)
def test_an_object_keeps_its_type(value: Any, changed: Any) -> None:
    """Frozen or not; the value that was given is not touched."""
    before = repr(value)
    made = change(value)
    assert type(made) is type(value)
    assert repr(value) == before
    assert made != value
    if changed is not None:
        assert made == changed


def test_fields_that_are_made_by_the_class_are_kept() -> None:
    """Nothing of the class runs when a field is written."""
    made = change(Plain("a", seed=3))
    assert (made.text, made.made) == ("A", "M")


def test_names_of_fields_are_the_program_s_and_others_are_data() -> None:
    """What a model was given beside its fields is read with its name."""
    assert [each[:3] for each in find_leaves(Model(text="a", odd="b"))] == [  # type: ignore[call-arg]
        (("odd",), "odd", False),
        (("text",), "a", True),
        (("odd",), "b", True),
    ]


def test_what_was_computed_of_an_object_is_computed_anew() -> None:
    """It would show what was redacted."""

    @dataclass
    class Page:
        text: str

        @cached_property
        def title(self) -> str:
            return self.text[:5]

    class PageModel(BaseModel):
        text: str

        @cached_property
        def title(self) -> str:
            return self.text[:5]

    for page in (Page("secret"), PageModel(text="secret")):
        assert page.title == "secre"
        assert replace_values(page, {(("text",), None): "NEW"}).title == "NEW"


def test_a_field_that_was_never_set_is_none() -> None:
    """An object that is made without its constructor may lack some."""
    assert find_leaves(object.__new__(Slotted)) == []


def test_a_namespace_with_functions_is_no_data() -> None:
    """It stands for an object of some library."""
    assert adapter_of(SimpleNamespace(text="a", run=print)) is None


def test_a_class_is_no_object_of_itself() -> None:
    """Nor is it data."""
    assert adapter_of(Slotted) is None
    assert adapter_of(Model) is None


def test_an_object_that_is_a_container_too_is_read_as_that() -> None:
    """Its entries would be missed otherwise."""

    @dataclass
    class Words(dict):  # type: ignore[type-arg]
        language: str = "en"

    words = Words()
    words["k"] = "a"
    assert (("k",), "a", True, "value") in find_leaves(words)
