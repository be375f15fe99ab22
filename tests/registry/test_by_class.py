"""Things by the class of a value: of this process, and of packages."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest

from guardrails import Guard
from guardrails.engine.values.adapters import ValueAdapter
from guardrails.engine.values.known_types import OTHERS
from guardrails.plugins import PluginError, register
from guardrails.registry.by_class import ClassRegistry, class_name
from guardrails.registry.environment import VARIABLE
from guardrails.registry.registered import Registry
from guardrails.types import Text
from tests.registry.conftest import Install

TICKET = """
    from guardrails.plugins import ValueAdapter

    class Ticket:
        def __init__(self, title, notes):
            self.title, self.notes = title, notes

    class Urgent(Ticket):
        pass

    TICKETS = ValueAdapter(
        name="acme.ticket",
        types=(Ticket,),
        children=lambda ticket: [("title", ticket.title), ("notes", ticket.notes)],
        rebuild=lambda ticket, changes: type(ticket)(**{"title": ticket.title, "notes": ticket.notes, **changes}),
    )
"""


@pytest.fixture
def ticket(install: Install) -> Any:
    """The module of a package that offers an adapter of its class."""
    install("acme-tickets", "2.0", {"adapters": {"acme_tickets.Ticket": "acme_tickets:TICKETS"}}, TICKET)
    return importlib.import_module("acme_tickets")


def test_a_class_is_known_by_its_top_package() -> None:
    """Wherever in it the class is defined."""
    assert class_name(ValueAdapter) == "guardrails.ValueAdapter"
    assert class_name(dict) == "builtins.dict"


def test_values_of_a_package_are_read_by_its_adapter(ticket: Any, bomb_redactor: Guard) -> None:
    """Into lists, out of wrapped functions, and as what they were; classes below are read by it too."""
    for kind in (ticket.Ticket, ticket.Urgent):
        verdict = bomb_redactor.check([kind("a zqxbomb", ["harmless", "zqxbomb"])])
        assert [finding.path for finding in verdict.findings] == ["/0/title", "/0/notes/1"]
        assert verdict.content is not None
        [left] = verdict.content
        assert (type(left), left.title, left.notes) == (kind, "a [BOMB]", ["harmless", "[BOMB]"])
    answered = bomb_redactor.wrap(lambda given: given)(ticket.Ticket("zqxbomb", []))
    assert (type(answered), answered.title) == (ticket.Ticket, "[BOMB]")


def test_an_adapter_that_may_not_be_used_passes_nothing(
    ticket: Any, bomb_redactor: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check says so, and how to allow the package."""
    monkeypatch.setenv(VARIABLE, "other")
    with pytest.raises(PluginError, match=r"add acme-tickets==2\.0 to 'plugins'"):
        bomb_redactor.check([ticket.Ticket("a", [])])


class Markup:
    """Text in a class of its own."""

    def __init__(self, text: str) -> None:
        self.text = text


def test_an_application_registers_an_adapter_of_its_class(bomb_redactor: Guard) -> None:
    """Once: another one of the same name is refused."""
    adapter = ValueAdapter(
        name="tests.markup",
        types=(Markup,),
        content=lambda markup: Text(markup.text),
        write=lambda markup, new: Markup(new),
    )
    register("tests.Markup", adapter)
    try:
        register("tests.Markup", adapter)
        with pytest.raises(PluginError, match=r"'tests\.Markup' is registered in 'adapters' already"):
            register("tests.Markup", ValueAdapter(name="x", types=(Markup,), content=lambda markup: None))
        content = bomb_redactor.check([Markup("zqxbomb")]).content
        assert content is not None
        assert content[0].text == "[BOMB]"
    finally:
        OTHERS.forget("tests.Markup")


def test_the_nearest_class_counts() -> None:
    """A class below has the thing of the one above unless it has its own; classes of Python and of this package have none."""
    base = type("Base", (), {"__module__": "acme.inner"})
    below = type("Below", (base,), {"__module__": "other"})
    things: ClassRegistry[str] = ClassRegistry(
        Registry("things", str, {}, lambda name, given, origin: str(given))
    )
    assert things.find(below) is None
    things.register("acme.Base", "base")
    assert (things.find(base), things.find(below), things.find(int)) == ("base", "base", None)
    things.register("other.Below", "below")
    assert (things.find(base), things.find(below)) == ("base", "below")
    assert "acme" not in sys.modules


@pytest.mark.usefixtures("ticket")
def test_what_a_package_offers_is_not_overridden_in_silence() -> None:
    """Nor is a name taken that is none of a class, or something that is neither an adapter nor a wrapper."""
    adapter = ValueAdapter(name="x", types=(Markup,), content=lambda markup: None)
    for name, thing, error in (
        ("acme_tickets.Ticket", adapter, "'acme_tickets.Ticket' is offered by acme-tickets 2.0"),
        ("badname", adapter, "'badname' names no class"),
    ):
        with pytest.raises(PluginError, match=error):
            register(name, thing)
    with pytest.raises(TypeError, match="give a Wrapper or a ValueAdapter, not int"):
        register("a.B", 3)  # type: ignore[arg-type] # that is the point


def test_an_adapter_that_gives_no_content_passes_nothing(bomb_redactor: Guard) -> None:
    """The error names it."""
    register(
        "tests.Markup", ValueAdapter(name="tests.markup", types=(Markup,), content=lambda markup: markup.text)
    )
    try:
        with pytest.raises(TypeError, match=r"adapter 'tests\.markup': content gave a str"):
            bomb_redactor.check([Markup("a")])
    finally:
        OTHERS.forget("tests.Markup")
