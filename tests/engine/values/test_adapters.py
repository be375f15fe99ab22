"""Adapters as somebody outside would write them, and the table in which they are found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from guardrails.engine.values.adapters import AdapterTable, ValueAdapter
from guardrails.types import Text
from tests.cases import each_case


@dataclass(frozen=True)
class Ticket:
    """A container."""

    title: str
    body: str


class Markup:
    """A leaf."""

    def __init__(self, html: str) -> None:
        self.html = html


class Bold(Markup):
    """A leaf of a class that is listed nowhere."""


TICKETS = ValueAdapter(
    name="acme.ticket",
    types=(Ticket,),
    children=lambda ticket: [("title", ticket.title), ("body", ticket.body)],
    rebuild=lambda ticket, changes: replace(ticket, **changes),
)
MARKUP = ValueAdapter(
    name="acme.markup",
    types=(Markup,),
    content=lambda markup: Text(markup.html),
    write=lambda markup, new: type(markup)(new),
)


def test_a_value_is_read_by_the_adapter_of_its_type() -> None:
    """The exact type, or the nearest listed base; of all else nobody knows anything."""
    table = AdapterTable([TICKETS, MARKUP])
    assert table.find(Ticket("a", "b")) is TICKETS
    assert table.find(Bold("a")) is MARKUP
    assert table.find(object()) is None


def test_structure_goes_before_a_base_class_and_behind_the_exact_type() -> None:
    """What was registered last is asked first."""
    bold = ValueAdapter(
        name="bold", matches=lambda value: isinstance(value, Markup), content=lambda value: None
    )
    later = ValueAdapter(
        name="later", matches=lambda value: isinstance(value, Bold), content=lambda value: None
    )
    table = AdapterTable([MARKUP, bold])
    assert table.find(Markup("a")) is MARKUP
    assert table.find(Bold("a")) is bold
    table.register(later)
    assert table.find(Bold("a")) is later


@each_case(
    ("other", "says"),
    [
        (ValueAdapter(name="acme.markup", types=(int,), content=Text), "named 'acme.markup'"),
        (ValueAdapter(name="mine", types=(Markup,), content=Text), "Markup is read by 'acme.markup' already"),
    ],
)
def test_nobody_takes_the_place_of_another(other: ValueAdapter, says: str) -> None:
    """Neither its name nor one of its types."""
    with pytest.raises(ValueError, match=says):
        AdapterTable([MARKUP]).register(other)


@each_case(
    ("fields", "says"),
    [
        ({"content": Text}, "give types or matches"),
        ({"types": (int,)}, "needs either children or content"),
        ({"types": (int,), "content": Text, "children": enumerate}, "needs either children or content"),
        ({"types": (int,), "content": Text, "rebuild": print}, "rebuild and keys are for containers"),
        ({"types": (int,), "children": enumerate, "write": print}, "write is for leaves"),
    ],
)
def test_an_adapter_that_says_too_little_or_too_much_is_refused(fields: dict[str, Any], says: str) -> None:
    """Where it is made, not where it would be needed."""
    with pytest.raises(ValueError, match=says):
        ValueAdapter(name="mine", **fields)
