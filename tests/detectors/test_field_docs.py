"""Texts under fields, read from the source."""

from __future__ import annotations

import sys
import types

import pytest

from guardrails.detectors.config import Config
from guardrails.detectors.field_docs import read_field_docs
from tests.cases import each_case


class Above:
    """Of no interest."""

    outside: int = 0
    """Not below."""


class Parent(Above):
    """A block."""

    count: int = 0
    """How many,
    in all."""
    silent: int = 0
    other: int = 0
    """Another."""


class Child(Parent):
    """The same with more."""

    other: int = 1
    """Another one."""

    class Inner:
        """Inside."""

        deep: str = ""
        """Deep."""


def test_texts_stand_under_their_fields() -> None:
    """Cleaned of indents; a field without one has none, and what follows a field by accident is none."""
    assert read_field_docs(Parent, Above) == {"count": "How many,\nin all.", "other": "Another."}


def test_a_child_has_those_of_its_parents_and_its_own_instead() -> None:
    """Up to the class below which it asks."""
    assert read_field_docs(Child, Above) == {"count": "How many,\nin all.", "other": "Another one."}
    assert read_field_docs(Child, Parent) == {"other": "Another one."}
    assert read_field_docs(Child.Inner) == {"deep": "Deep."}


def test_a_class_in_a_function_is_found_too() -> None:
    """By its whole name."""

    class Local:
        """Here."""

        field: int = 0
        """Of a function."""

    assert read_field_docs(Local) == {"field": "Of a function."}


@each_case("file", [None, "/nowhere/at_all.py", "/nowhere/compiled.so"])
def test_without_a_source_there_are_no_texts(file: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a class that was made by a program."""
    name = f"made_by_a_program_{str(file)[-6:-3]}"
    module = types.ModuleType(name)
    if file is not None:
        module.__file__ = file
    monkeypatch.setitem(sys.modules, name, module)
    assert read_field_docs(type("Made", (), {"__module__": name})) == {}


def test_a_block_shows_them_in_its_schema() -> None:
    """A field that another block is the type of, and one with another name in YAML, as well."""
    from guardrails.policy.schema import RuleDoc

    fields = RuleDoc.model_json_schema()["properties"]
    assert fields["with"]["description"].startswith("What a redact rule puts in place")
    assert all(field["description"] for field in fields.values())
    assert issubclass(RuleDoc, Config)
